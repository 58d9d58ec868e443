// `stele cache explain`, and `--guards`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/server_run.hpp"

namespace stele::test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

class CacheExplainCommand : public ::testing::Test {
protected:
    CacheExplainCommand() {
        server.open();
        put("Can I pay in 12 instalments?", "Over twelve months.");
        put("Can I pay in three instalments?", "Over three months.");
        put("Do you sell tea?", "No.");
    }
    void put(const std::string& query, const std::string& response) {
        ASSERT_EQ(run_on(server, {"cache", "put", query, response, "--embedder", "hashing"}).exit, 0);
    }
    /// Compares wording, so that the test needs no model.
    Outcome run(std::vector<std::string> words) {
        words.insert(words.end(), {"--embedder", "hashing", "--threshold", "0.5"});
        return run_on(server, words);
    }
    const Server server;
    const std::string asked = "Can I pay in 3 instalments?";
};

TEST_F(CacheExplainCommand, shows_each_candidate_and_which_guard_refused_it) {
    const Outcome plain = run({"cache", "explain", asked, "--guards"});
    EXPECT_EQ(plain.exit, 0) << plain.err;
    EXPECT_THAT(plain.out,
                AllOf(HasSubstr("Answered by the semantic layer"), HasSubstr("Over three months."),
                      HasSubstr("threshold 0.500"), HasSubstr("refused by numbers: asked for 3, stored for 12"),
                      HasSubstr("served"), HasSubstr("not alike enough")));
    const json document = run({"cache", "explain", asked, "--guards", "--json"}).document();
    EXPECT_EQ(document.at("hit").at("response"), "Over three months.");
    EXPECT_EQ(document.at("reason"), nullptr);
    EXPECT_EQ(document.at("candidates").size(), 3u);
    for (const json& candidate : document.at("candidates")) {
        const bool twelve = candidate.at("query") == "Can I pay in 12 instalments?";
        EXPECT_EQ(candidate.at("fate") == "refused", twelve);
        EXPECT_EQ(candidate.at("refusal"), twelve ? json("number") : json());
    }
    EXPECT_EQ(run({"cache", "explain", asked, "--limit", "1", "--json"}).document().at("candidates").size(), 1u);
}

TEST_F(CacheExplainCommand, counts_nothing) {
    run({"cache", "explain", asked});
    const json stats = run_on(server, {"cache", "stats", "--json"}).document();
    EXPECT_EQ(stats.at("misses"), 0);
    EXPECT_EQ(stats.at("hits_semantic"), 0);
}

TEST_F(CacheExplainCommand, ends_with_one_where_there_is_no_answer_and_says_why) {
    const Outcome outcome = run({"cache", "explain", "Can I pay in 4 instalments?", "--guards"});
    EXPECT_EQ(outcome.exit, 1);
    EXPECT_THAT(outcome.out, HasSubstr("No answer (refused_by_guard)"));
    const Outcome wordless = run_on(server, {"cache", "explain", "anything", "--embedder", "none", "--json"});
    EXPECT_EQ(wordless.exit, 1);
    EXPECT_EQ(wordless.document().at("reason"), "no_match");
}

TEST_F(CacheExplainCommand, get_takes_guards_too) {
    const std::vector<std::string> get = {"cache", "get", "Can I pay in 4 instalments?", "--json"};
    EXPECT_EQ(run(get).exit, 0);
    std::vector<std::string> guarded = get;
    guarded.emplace_back("--guards");
    const Outcome outcome = run(guarded);
    EXPECT_EQ(outcome.exit, 1);
    EXPECT_EQ(outcome.document().at("reason"), "refused_by_guard");
}

}  // namespace
}  // namespace stele::test
