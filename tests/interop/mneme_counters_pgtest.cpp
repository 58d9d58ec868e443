// What processes of both counted adds up, and each reads the sum.
#include "interop/beside_mneme.hpp"
#include "stele/adopt.hpp"
#include "stele/migrations.hpp"

namespace stele {
namespace {

using test::Mneme;
using Json = nlohmann::json;

class MnemeCounters : public test::BesideMneme {
protected:
    static void hit(SemanticCache& stele, int times, const std::string& tenant = "default") {
        for (int i = 0; i < times; ++i) EXPECT_TRUE(stele.get("question", tenant));
    }
    static void hit(Mneme& python, int times, const std::string& tenant = "default") {
        for (int i = 0; i < times; ++i) EXPECT_FALSE(python.get("question", tenant).is_null());
    }
    std::int64_t hits(const std::string& tenant = "default") { return open().stats(Scope(tenant)).hits_exact; }
};

TEST_F(MnemeCounters, each_counts_on_from_what_the_other_counted) {
    {
        SemanticCache stele = open();
        stele.put("question", "answer");
        hit(stele, 3);
    }
    Mneme python = mneme();
    EXPECT_EQ(python.ask("stats")["hits_exact"], 3);
    hit(python, 2);
    python.get("never asked");
    EXPECT_EQ(python.ask("stats", {{"namespace", "default"}})["hits_exact"], 5);
    EXPECT_EQ(hits(), 3) << "mneme stores its counts when it is closed";
    python.close();
    EXPECT_EQ(hits(), 5);
    EXPECT_EQ(open().stats().misses, 1);
    {
        SemanticCache stele = open();
        hit(stele, 4);
    }
    python.open();
    const Json stats = python.ask("stats");
    EXPECT_EQ(stats["hits_exact"], 9);
    EXPECT_EQ(stats["misses"], 1);
    python.close();
    EXPECT_EQ(hits(), 9) << "what it did not count itself it does not add";
}

TEST_F(MnemeCounters, several_processes_of_mnemes_add_up_in_whatever_order_they_close) {
    SemanticCache stele = open();
    stele.put("question", "answer");
    hit(stele, 1);
    Mneme one = mneme(), two = mneme(), three = mneme();
    hit(one, 2);
    hit(two, 3);
    hit(three, 4);
    two.close();
    hit(stele, 5);
    three.close();
    one.close();
    stele.close();
    EXPECT_EQ(hits(), 15);
    Mneme later = mneme();
    EXPECT_EQ(later.ask("stats")["hits_exact"], 15);
}

TEST_F(MnemeCounters, namespaces_with_colons_add_up_though_mneme_does_not_know_them_again) {
    const std::string tenant = "customer:42";
    {
        SemanticCache stele = open();
        stele.put("question", "answer", tenant);
        hit(stele, 2, tenant);
    }
    for (int round = 1; round <= 3; ++round) {
        Mneme python = mneme();
        EXPECT_EQ(python.ask("stats", {{"namespace", tenant}})["hits_exact"], 0);
        hit(python, 3, tenant);
        python.close();
        EXPECT_EQ(hits(tenant), 2 + 3 * round);
    }
}

TEST_F(MnemeCounters, a_namespace_that_mneme_cleared_is_counted_on_here) {
    SemanticCache stele = open();
    stele.put("question", "answer");
    hit(stele, 6);
    stele.close();
    Mneme python = mneme();
    python.ask("clear_namespace", {{"namespace", "default"}});
    EXPECT_EQ(python.ask("stats")["hits_exact"], 0);
    python.put("question", "answer");
    hit(python, 2);
    python.close();
    EXPECT_EQ(hits(), 8);
}

TEST_F(MnemeCounters, what_mneme_removed_is_counted_too) {
    SemanticCache stele = open();
    Mneme python = mneme({{"multi_process_mode", "stale-tolerant"}, {"namespace_quotas", {{"acme", 1}}}});
    python.put("one", "r", "acme");
    python.put("two", "r", "acme");
    python.put("short", "r", "default", {{"ttl", 10}});
    pass(std::chrono::seconds(10));
    EXPECT_EQ(python.ask("vacuum"), 1);
    python.close();
    EXPECT_EQ(stele.stats(Scope("acme")).evictions, 1);
    EXPECT_EQ(stele.stats(Scope("default")).expirations, 1);
}

TEST_F(MnemeCounters, one_that_opened_the_tables_before_stele_took_them_over_is_counted_once) {
    test::Server mnemes;
    const auto total = [&] { return SemanticCache(Database::open(mnemes.options()), embedder).stats().hits_exact; };
    Mneme first(mnemes, embedder);
    first.put("question", "answer");
    hit(first, 3);
    first.close();
    Mneme before(mnemes, embedder);
    hit(before, 2);
    Database bare = mnemes.bare();
    adopt(bare);
    EXPECT_EQ(total(), 3);
    Mneme after(mnemes, embedder);
    hit(after, 4);
    after.close();
    EXPECT_EQ(total(), 7);
    before.close();
    EXPECT_EQ(total(), 9);

    undo_adoption(bare);
    Mneme alone(mnemes, embedder);
    EXPECT_EQ(alone.ask("stats")["hits_exact"], 9) << "what was counted under Stele stays mneme's";
    hit(alone, 1);
    alone.close();
    adopt(bare);
    EXPECT_EQ(total(), 10);
}

TEST_F(MnemeCounters, what_is_no_object_of_numbers_harms_nobody) {
    SemanticCache stele = open();
    stele.put("question", "answer");
    hit(stele, 2);
    stele.close();
    const std::string table = server.schema() + ".schema_meta";
    for (const char* text : {"{broken", "[1]", "null", R"({"default:hits_exact": "many", "x": 1, ":misses": -4})"}) {
        database.execute(Statement("INSERT INTO " + table +
                                       " VALUES ('counters', $1) ON CONFLICT (key) DO UPDATE"
                                       " SET value = EXCLUDED.value",
                                   text));
        EXPECT_EQ(hits(), 2) << text;
        Mneme python = mneme();
        EXPECT_EQ(python.ask("stats")["hits_exact"], 2) << text;
        python.close();
    }
}

}  // namespace
}  // namespace stele
