#include "stele/guard.hpp"

#include <gtest/gtest.h>

#include "cache/guard_chain.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;

TEST(Guard, mneme_141_confidence_halves_in_a_day_and_never_grows) {
    const Json none = Json::object();
    EXPECT_FLOAT_EQ(decayed_confidence(0.9f, 0s, none), 0.9f);
    EXPECT_FLOAT_EQ(decayed_confidence(0.9f, 86'400s, none), 0.45f);
    EXPECT_FLOAT_EQ(decayed_confidence(0.9f, -50s, none), 0.9f);
    float before = 1.0f;
    for (auto age = 1h; age < 100h; age += 1h) {
        const float now = decayed_confidence(1.0f, age, none);
        EXPECT_LT(now, before);
        before = now;
    }
}

TEST(Guard, mneme_141_blank_and_error_marked_answers_are_none) {
    for (const char* bad : {"", " ", "\t", "\n", " \r\n ", "\u2003\u00a0"}) EXPECT_FALSE(valid_response(bad));
    for (const char* bad : {"[LLM Error]", "[LLM Error] timeout", "[ERROR]", "[ERROR] 500"}) {
        EXPECT_FALSE(valid_response(bad)) << bad;
    }
    for (const char* good : {"yes", " [ERROR]", "[error]", "[LLM error]", "an [ERROR] inside", "0"}) {
        EXPECT_TRUE(valid_response(good)) << good;
    }
}

TEST(GuardChain, tells_of_the_first_exception_only_and_counts_all) {
    std::vector<std::string> told;
    SemanticCacheOptions options;
    options.guards = {{"own", [](const GuardedPair&) -> std::optional<Refusal> { throw 1; }}};
    const GuardChain chain(options, [&told](const std::string& failure) { told.push_back(failure); });
    Hit hit{.response = "answer", .query = "stored"};
    EXPECT_EQ(chain.judge("asked", "asked", hit)->by, "own");
    EXPECT_EQ(chain.judge("asked", "asked", hit)->refusal.kind, RefusalKind::failed);
    EXPECT_EQ(told.size(), 1u);
    EXPECT_EQ(chain.failures(), 2);
}

TEST(GuardChain, asks_in_order_and_stops_at_the_first_refusal) {
    std::string asked;
    const auto guard = [&asked](const std::string& name, bool refuses) {
        return Guard{name, [&asked, name, refuses](const GuardedPair&) -> std::optional<Refusal> {
                         asked += name;
                         if (!refuses) return std::nullopt;
                         return Refusal{RefusalKind::other, name};
                     }};
    };
    SemanticCacheOptions options;
    options.guards = {guard("a", false), guard("b", true), guard("c", true)};
    const GuardChain chain(options, [](const std::string&) {});
    Hit hit{.response = "answer", .query = "stored"};
    EXPECT_EQ(chain.judge("asked", "asked", hit)->by, "b");
    EXPECT_EQ(asked, "ab");
    hit.response = "[ERROR]";
    EXPECT_EQ(chain.judge("asked", "asked", hit)->by, "validator");
    EXPECT_EQ(asked, "ab");
}

}  // namespace
}  // namespace stele
