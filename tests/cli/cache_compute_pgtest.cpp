#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "cli/server_run.hpp"
#include "stele/semantic_cache.hpp"
#include "support/in_threads.hpp"
#include "support/temporary_directory.hpp"

namespace stele::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class CacheCompute : public ::testing::Test {
protected:
    CacheCompute() { server.open(); }
    Outcome ask(const std::vector<std::string>& program, const std::vector<std::string>& options = {},
                const std::string& input = {}) {
        std::vector<std::string> words{"cache",      "get-or-compute", "Where is my order?", "--dsn",
                                       server_dsn(), "--schema",       server.schema()};
        words.insert(words.end(), options.begin(), options.end());
        words.emplace_back("--");
        words.insert(words.end(), program.begin(), program.end());
        return run_stele(words, {}, input);
    }
    /// A shell that runs `script`, after it has noted that it does.
    Outcome compute(const std::string& script, const std::vector<std::string>& options = {},
                    const std::string& input = {}) {
        return ask({"sh", "-c", "echo >> " + runs_file() + "; " + script}, options, input);
    }
    std::string runs_file() const { return (directory.path() / "runs").string(); }
    std::ptrdiff_t runs() const {
        std::ifstream file(runs_file());
        return std::count(std::istreambuf_iterator<char>(file), {}, '\n');
    }

    Server server;
    TemporaryDirectory directory;
};

TEST_F(CacheCompute, runs_the_program_and_stores_what_it_writes) {
    const Outcome first = compute("cat; echo K\xC3\xB6ln", {"--ttl", "7d"}, "from standard input\n");
    ASSERT_EQ(first.exit, 0) << first.err;
    EXPECT_EQ(first.out, "from standard input\nK\xC3\xB6ln\n");
    EXPECT_THAT(first.err, HasSubstr("computed and stored"));
    const Outcome second = compute("echo another");
    EXPECT_EQ(second.out, first.out);
    EXPECT_THAT(second.err, HasSubstr("exact hit"));
    EXPECT_EQ(runs(), 1);
    EXPECT_EQ(run_on(server, {"cache", "get", "where is my order?"}).out, first.out);
}

TEST_F(CacheCompute, several_at_once_run_it_once) {
    in_threads(4, [&](int) {
        const Outcome outcome = compute("sleep 0.3; echo answer");
        EXPECT_EQ(outcome.exit, 0) << outcome.err;
        EXPECT_EQ(outcome.out, "answer\n");
    });
    EXPECT_EQ(runs(), 1);
}

TEST_F(CacheCompute, a_program_that_fails_stores_nothing_and_its_exit_status_is_the_commands) {
    const Outcome failed = compute("echo half; exit 7");
    EXPECT_EQ(failed.exit, 7);
    EXPECT_THAT(failed.err, HasSubstr("exit status 7"));
    EXPECT_EQ(compute("kill -TERM $$").exit, 143);
    EXPECT_EQ(compute("echo whole").out, "whole\n");
    EXPECT_EQ(runs(), 3);
    const Outcome none = ask({"/no/such/program"}, {"--namespace", "other"});
    EXPECT_EQ(none.exit, 2);
    EXPECT_THAT(none.err, HasSubstr("cannot run /no/such/program"));
}

TEST_F(CacheCompute, in_json_it_says_where_the_answer_is_from) {
    const json computed = compute("echo answer", {"--json", "--metadata", R"({"a":1})"}).document();
    EXPECT_EQ(computed, json({{"response", "answer"},
                              {"metadata", {{"a", 1}}},
                              {"source", "computed"},
                              {"kept", "stored"},
                              {"hit", nullptr}}));
    const json found = compute("echo other", {"--json"}).document();
    EXPECT_EQ(found.at("source"), "stored");
    EXPECT_EQ(found.at("hit").at("layer"), "exact");
    EXPECT_EQ(found.at("response"), "answer");
}

}  // namespace
}  // namespace stele::test
