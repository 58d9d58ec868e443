// Limits and what they remove, where both put.
#include "interop/beside_mneme.hpp"

namespace stele {
namespace {

using test::answer_of;
using test::Mneme;
using Json = nlohmann::json;

class MnemeCaps : public test::BesideMneme {
protected:
    static Json with_quota(const char* tenant, int entries) {
        return {{"multi_process_mode", "stale-tolerant"}, {"namespace_quotas", {{tenant, entries}}}};
    }
};

TEST_F(MnemeCaps, each_knows_the_quotas_that_the_other_set) {
    SemanticCache stele = open();
    stele.set_quota("acme", {.entries = 7, .bytes = 1'000'000});
    Mneme python = mneme(with_quota("zenith", 3));
    EXPECT_EQ(python.ask("quota", {{"namespace", "acme"}}), 7);
    EXPECT_EQ(python.ask("quota", {{"namespace", "nobody"}}), nullptr);
    EXPECT_EQ(stele.quota("zenith"), (CacheQuota{.entries = 3}));
    EXPECT_TRUE(stele.remove_quota("zenith"));
    EXPECT_EQ(python.ask("quota", {{"namespace", "zenith"}}), nullptr);
    stele.set_quota("zenith", {.bytes = 10});
    EXPECT_EQ(python.ask("quota", {{"namespace", "zenith"}}), nullptr) << "bytes are none of mneme's";
}

TEST_F(MnemeCaps, one_quota_holds_whoever_puts_and_the_oldest_go_whoever_put_them) {
    SemanticCache stele = open({.evict_at_once = 0});
    Mneme python = mneme(with_quota("acme", 6));
    const auto age = [&] {  // what is there was used before what comes
        database.execute(
            Statement(Sql("UPDATE " + server.schema() + ".entries SET last_accessed_at = last_accessed_at - 10")));
    };
    const std::string acmes = "SELECT count(*) FROM " + server.schema() + ".entries WHERE namespace = 'acme'";
    stele.put("elsewhere", "r", "zenith");
    for (int i = 0; i < 20; ++i) {
        const std::string text = "question " + std::to_string(i);
        if (i % 2 == 0) {
            stele.put(text, "stele", "acme");
        } else {
            python.put(text, "python", "acme");
        }
        EXPECT_LE(number(acmes), 6) << i;
        age();
    }
    test::settle(database);
    for (int i = 0; i < 20; ++i) {
        const std::string text = "question " + std::to_string(i);
        const std::string expected = i < 14 ? "a miss" : i % 2 == 0 ? "stele" : "python";
        EXPECT_EQ(answer_of(stele.get(text, "acme")), expected) << i;
        EXPECT_EQ(answer_of(python.get(text, "acme")), expected) << i;
    }
    EXPECT_TRUE(stele.get("elsewhere", "zenith"));
    EXPECT_TRUE(stele.health().integrity_ok) << "the sums know what mneme put and removed";
}

TEST_F(MnemeCaps, what_a_process_without_the_quota_put_too_much_goes_with_the_next_put_of_steles) {
    SemanticCache stele = open({.evict_at_once = 0});
    Mneme python = mneme();
    stele.set_quota("acme", {.entries = 2});
    for (int i = 0; i < 5; ++i) python.put("python's " + std::to_string(i), "r", "acme");
    EXPECT_EQ(entries(), 5) << "mneme enforces only what it was started with";
    stele.put("stele's", "r", "acme");
    EXPECT_EQ(entries(), 2);
    test::settle(database);
    EXPECT_TRUE(stele.get("stele's", "acme"));
    EXPECT_EQ(stele.stats(Scope("acme")).evictions, 4);
}

TEST_F(MnemeCaps, what_was_evicted_by_one_the_other_no_longer_finds_by_meaning) {
    similar("other old", "old");
    // a time written behind, at the moment of an eviction, would save what it is of
    SemanticCache stele = open({.access_times = AccessTimes::within_call, .max_entries = 1});
    Mneme python = mneme({{"multi_process_mode", "stale-tolerant"}, {"max_entries", 1}});
    stele.put("old", "stele");
    EXPECT_EQ(answer_of(python.get("other old")), "stele");
    database.execute(Statement(Sql("UPDATE " + server.schema() + ".entries SET last_accessed_at = 1")));
    stele.put("new", "r");
    EXPECT_EQ(answer_of(python.get("other old")), "a miss");
    stele.remove("new");
    stele.put("old", "again");
    EXPECT_EQ(answer_of(stele.get("other old")), "again");
    database.execute(Statement(Sql("UPDATE " + server.schema() + ".entries SET last_accessed_at = 1")));
    python.put("new", "python");
    test::settle(database);
    EXPECT_EQ(answer_of(stele.get("other old")), "a miss");
    EXPECT_EQ(entries(), 1);
}

}  // namespace
}  // namespace stele
