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
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Scripts : public testing::Test {
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

}  // namespace
}  // namespace stele::test
