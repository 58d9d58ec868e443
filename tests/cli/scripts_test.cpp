// scripts/quickstart and scripts/setup, with programs beside them that only note how they were started.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "stele_command.hpp"
#include "support/temporary_directory.hpp"

namespace stele::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Scripts : public ::testing::Test {
protected:
    /// A clone with no more in it than this script.
    void clone(const std::string& script) {
        fs::create_directories(root() / "scripts/lib");
        fs::copy_file(fs::path(STELE_SOURCE_DIR) / "scripts" / script, root() / "scripts" / script);
    }
    void write(const fs::path& file, const std::string& text) {
        fs::create_directories(file.parent_path());
        std::ofstream(file) << "#!/usr/bin/env bash\n" << text;
        fs::permissions(file, fs::perms::owner_all);
    }
    /// Found before the program of that name which this machine has.
    void stand_in(const std::string& program, const std::string& text) { write(root() / "bin" / program, text); }

    Outcome run(const std::string& script, const std::vector<std::string>& arguments = {}, Environment settings = {}) {
        std::vector<std::string> words = {(root() / "scripts" / script).string()};
        words.insert(words.end(), arguments.begin(), arguments.end());
        settings["PATH"] = (root() / "bin").string() + ":/usr/bin:/bin:/usr/sbin:/sbin";
        return run_program(words, settings);
    }
    std::string content(const std::string& file) const {
        std::ifstream in(root() / file);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    fs::path root() const { return directory_.path(); }

private:
    TemporaryDirectory directory_;
};

class Quickstart : public Scripts {
protected:
    Quickstart() {
        clone("quickstart");
        write(root() / "scripts/lib/build.sh",
              "step() { echo \"== $*\"; }\nprepare() { echo \"prepare $*\"; }\nbuild_preset() { :; }\n");
        write(root() / "build/release/cli/stele", "echo \"run $*\"\n");
        has_model(false);
    }
    void has_model(bool there) { write(root() / "scripts/install_model", there ? "exit 0\n" : "exit 1\n"); }
    std::string said(const std::vector<std::string>& arguments) { return run("quickstart", arguments).out; }
};

TEST_F(Quickstart, prepares_builds_and_runs_the_demonstration_with_its_arguments) {
    EXPECT_THAT(said({"--limit", "5", "--questions", "a b"}),
                AllOf(HasSubstr("prepare --run\n"), HasSubstr("run demo --limit 5 --questions a b\n")));
    EXPECT_THAT(said({}), HasSubstr("run demo\n"));
}

TEST_F(Quickstart, without_a_model_matches_by_wording_and_says_so) {
    for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--no-model", "--limit", "5"},
                                                      {"--limit", "--no-model", "5"},
                                                      {"--limit", "5", "--no-model"}}) {
        EXPECT_THAT(said(arguments), AllOf(HasSubstr("prepare --run --no-model\n"), HasSubstr("by wording only"),
                                           HasSubstr("run demo --limit 5 --embedder hashing\n")));
    }
}

TEST_F(Quickstart, without_fetching_takes_the_model_that_is_there_and_the_embedder_that_was_named) {
    for (const char* named :
         {"--embedder=none", "--embedder-url=http://h/v1", "--model=bge-small", "--precision=int8"}) {
        EXPECT_THAT(said({"--no-model", named}),
                    AllOf(HasSubstr(std::string("run demo ") + named + "\n"), Not(HasSubstr("by wording"))));
    }
    EXPECT_THAT(said({"--embedder", "none", "--no-model"}), HasSubstr("run demo --embedder none\n"));
    has_model(true);
    EXPECT_THAT(said({"--no-model"}), AllOf(HasSubstr("run demo\n"), Not(HasSubstr("by wording"))));
}

/// On a machine that has nothing yet, and a package for everything.
class Setup : public Scripts {
protected:
    Setup() {
        clone("setup");
        write(root() / "scripts/install_model", "exit 1\n");
        write(root() / "scripts/install_pgvector", "echo \"pgvector $*\"; [ $# = 0 ]\n");
        stand_in("dpkg-query", "");
        stand_in("dpkg", "echo amd64\n");
        stand_in("apt-cache", "[ \"$1\" != policy ] || echo '  Candidate: 1'\n");
        stand_in("apt-get", "");
        stand_in("rm", "");
        stand_in("sh", "");
        stand_in("sudo", "echo \"sudo $*\" >>'" + (root() / "started").string() + "'\n");
    }
    void is_user(int id) { stand_in("id", "echo " + std::to_string(id) + "\n"); }
    static bool is_for_this_system() {
        std::ifstream file("/etc/os-release");
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        return text.find("\nID=debian\n") != std::string::npos;
    }
};

TEST_F(Setup, starts_sudo_without_a_value_of_the_environment_in_its_words) {
    if (!is_for_this_system()) GTEST_SKIP() << "scripts/setup is for Debian";
    const Environment settings = {{"http_proxy", "http://me:secret@proxy"},
                                  {"https_proxy", ""},
                                  {"no_proxy", "localhost"},
                                  {"PIP_INDEX_URL", "https://me:secret@index"},
                                  {"STELE_MODELS", "/models"},
                                  {"XDG_DATA_HOME", ""},
                                  {"SUDO_USER", "somebody"}};
    is_user(0);
    const Outcome for_the_user = run("setup", {"--run"}, settings);
    EXPECT_EQ(for_the_user.exit, 0) << for_the_user.err;
    EXPECT_THAT(content("started"),
                HasSubstr("sudo -H -u somebody --preserve-env=STELE_MODELS,http_proxy,no_proxy,PIP_"));
    EXPECT_THAT(content("started"), HasSubstr("scripts/install_model --check"));
    EXPECT_THAT(content("started") + content("build/setup.log"), Not(HasSubstr("secret")));

    fs::remove(root() / "started");
    is_user(1000);
    const Outcome as_root = run("setup", {"--run", "--no-model"}, settings);
    EXPECT_EQ(as_root.exit, 0) << as_root.err;
    EXPECT_THAT(content("started"),
                HasSubstr("sudo --preserve-env=http_proxy,no_proxy env DEBIAN_FRONTEND=noninteractive "
                          "LC_ALL=C apt-get"));
    EXPECT_THAT(content("started") + content("build/setup.log"), Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace stele::test
