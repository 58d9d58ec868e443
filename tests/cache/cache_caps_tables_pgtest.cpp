// Limits that several processes and transactions share, and the sums by which they are known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "stele/migrations.hpp"
#include "stele/semantic_cache.hpp"
#include "stele/testing.hpp"
#include "support/in_threads.hpp"
#include "support/python_tables.hpp"
#include "support/role.hpp"
#include "support/server.hpp"
#include "support/session.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CacheCapsTables : public ::testing::Test {
protected:
    SemanticCache open(SemanticCacheOptions options = {}) {
        return SemanticCache(Database::open(server.options()), nullptr, std::move(options));
    }
    void execute(std::string sql) {
        constexpr std::string_view kMark = "@";
        for (std::size_t at = 0; (at = sql.find(kMark, at)) != std::string::npos;) {
            sql.replace(at, kMark.size(), server.schema() + ".");
        }
        database.execute(Statement(Sql(sql)));
    }
    std::int64_t number(const std::string& what) {
        return database.query(Statement(Sql("SELECT (" + what + ")::bigint")))[0].get<std::int64_t>(0);
    }
    std::int64_t entries() { return number("SELECT count(*) FROM " + server.schema() + ".entries"); }
    std::int64_t version() {
        return number("SELECT value FROM " + server.schema() + ".multi_process_state WHERE key = 'version_counter'");
    }
    /// mneme's put, but for the counter.
    void insert_as_python(Executor& executor, const std::string& query) {
        executor.execute(
            Statement(Sql("INSERT INTO " + server.schema() +
                          ".entries (namespace, query_hash, query, response, embedding, metadata,"
                          " created_at, last_accessed_at, ttl, access_count) VALUES ('default', $1, $1, 'r',"
                          " '\\x00', '{}', 1, 1, NULL, 0)"),
                      query));
    }
    /// Each namespace's entries and bytes, as the sums say and as the entries are, must be the same.
    void expect_exact_sums() {
        const std::string schema = server.schema();
        const std::string sums =
            "SELECT namespace, sum(entries) AS entries, sum(bytes) AS bytes FROM (SELECT namespace,"
            " entries, bytes FROM " +
            schema +
            ".stele_cache_sizes WHERE NOT whole UNION ALL SELECT"
            " namespace, entries, bytes FROM " +
            schema +
            ".stele_cache_deltas) s GROUP BY namespace"
            " HAVING sum(entries) <> 0 OR sum(bytes) <> 0";
        const std::string real = "SELECT namespace, count(*), sum(" + schema +
                                 ".stele_entry_bytes(query, response, embedding, metadata)) FROM " + schema +
                                 ".entries GROUP BY namespace";
        EXPECT_EQ(number("SELECT count(*) FROM ((" + sums + ") EXCEPT (" + real + ")) x"), 0);
        EXPECT_EQ(number("SELECT count(*) FROM ((" + real + ") EXCEPT (" + sums + ")) x"), 0);
        const std::string total = "SELECT coalesce(sum(entries), 0) FROM (SELECT entries FROM " + schema +
                                  ".stele_cache_sizes WHERE whole UNION ALL SELECT entries FROM " + schema +
                                  ".stele_cache_deltas) s";
        EXPECT_EQ(number(total), entries());
    }

    test::Server server;
    Database database = server.open();
};

TEST_F(CacheCapsTables, an_eviction_of_many_is_spread_over_the_puts_that_follow) {
    constexpr std::int64_t kMost = 1000, kTenth = 100, kSome = 64;
    execute(
        "INSERT INTO @entries (namespace, query_hash, query, response, embedding, metadata, created_at,"
        " last_accessed_at) SELECT 'default', i::text, 'q' || i, 'r', '', '{}', i, i FROM generate_series(1, 1000) i");
    SemanticCache cache =
        open({.max_entries = std::size_t{kMost}, .evict_at_once = SemanticCacheOptions::kEvictATenth});
    SemanticCache frugal = open({.max_entries = std::size_t{kMost}, .evict_at_once = 0});
    cache.put("first", "r");
    EXPECT_EQ(entries(), kMost - kSome) << "what must, and some";
    frugal.put("of another who evicts no more than it must", "r");
    EXPECT_EQ(entries(), kMost - kSome + 1);
    cache.put("second", "r");
    EXPECT_EQ(entries(), kMost - kTenth) << "the rest";
    EXPECT_EQ(number("SELECT count(*) FROM " + server.schema() + ".entries WHERE created_at > 1000"), 3)
        << "none of what was just put";
    for (std::int64_t i = 0; i < kTenth; ++i) cache.put("more " + std::to_string(i), "r");
    EXPECT_EQ(entries(), kMost) << "that eviction is over";
    cache.put("the next", "r");
    EXPECT_EQ(entries(), kMost - kSome) << "and another begins";
    EXPECT_EQ(cache.stats().evictions, 1000 + 3 + kTenth + 1 - entries());
    expect_exact_sums();
    EXPECT_TRUE(cache.health().integrity_ok);
}

TEST_F(CacheCapsTables, however_many_put_at_once_nobody_sees_more_than_is_allowed) {
    constexpr int kWriters = 6, kPuts = 60;
    constexpr std::int64_t kMost = 25;
    SemanticCache admin = open();
    admin.set_limits({.entries = static_cast<std::size_t>(kMost)});
    admin.set_quota("t0", {.entries = 5});
    std::atomic<bool> over{false}, done{false};
    std::thread watcher([&] {
        while (!done) {
            if (entries() > kMost) over = true;
        }
    });
    test::in_threads(kWriters, [&](int t) {
        SemanticCache cache = open({.evict_at_once = static_cast<std::size_t>(t % 3)});
        const Scope scope("t" + std::to_string(t % 2));
        for (int i = 0; i < kPuts; ++i) {
            cache.put("t" + std::to_string(t) + " q" + std::to_string(i), std::string(static_cast<std::size_t>(i), 'x'),
                      scope);
        }
    });
    done = true;
    watcher.join();
    EXPECT_FALSE(over);
    EXPECT_LE(entries(), kMost);
    EXPECT_GT(entries(), kMost - 10) << "no more go than have to";
    EXPECT_LE(admin.stats(Scope("t0")).entries, 5);
    EXPECT_EQ(admin.stats().evictions, kWriters * kPuts - entries());
    expect_exact_sums();
    EXPECT_TRUE(admin.health().integrity_ok);
}

TEST_F(CacheCapsTables, the_sums_are_exact_whoever_writes_and_however) {
    SemanticCache cache = open();
    const std::string insert =
        "INSERT INTO @entries (namespace, query_hash, query, response, embedding, metadata, created_at,"
        " last_accessed_at) SELECT 'n' || i % 3, i::text, 'größe', repeat('r', i * 100), '\\x00', '{\"a\": [1,  2]}', "
        "1, 1"
        " FROM generate_series(1, 50) i";
    execute(insert);
    expect_exact_sums();
    execute(insert + " ON CONFLICT (namespace, query_hash) DO UPDATE SET response = 'short'");
    expect_exact_sums();
    execute("UPDATE @entries SET namespace = 'moved' WHERE id % 5 = 0");
    execute("UPDATE @entries SET metadata = '{}' WHERE id % 2 = 0");
    execute("UPDATE @entries SET access_count = access_count + 1, last_accessed_at = 2");
    expect_exact_sums();
    execute("SELECT @stele_fold_sizes()");
    EXPECT_EQ(number("SELECT count(*) FROM " + server.schema() + ".stele_cache_deltas"), 0);
    expect_exact_sums();
    execute("DELETE FROM @entries WHERE id % 7 = 0");
    {
        Transaction transaction = database.begin();
        transaction.execute(Statement(Sql("DELETE FROM " + server.schema() + ".entries")));
    }
    expect_exact_sums();
    cache.vacuum();
    expect_exact_sums();
    execute("TRUNCATE @entries");
    expect_exact_sums();
    EXPECT_EQ(cache.stats().entries, 0);
    EXPECT_TRUE(cache.health().healthy);
}

TEST_F(CacheCapsTables, using_an_entry_changes_no_sum) {
    SemanticCache cache = open();
    cache.put("q", "r");
    const std::string deltas = "SELECT count(*) FROM " + server.schema() + ".stele_cache_deltas";
    const std::int64_t before = number(deltas);
    execute("UPDATE @entries SET last_accessed_at = last_accessed_at + 1, access_count = access_count + 1");
    EXPECT_EQ(number(deltas), before);
}

TEST_F(CacheCapsTables, an_open_transaction_keeps_nobody_from_counting) {
    SemanticCache cache = open({.max_entries = 3});
    cache.put("old", "r");
    Transaction transaction = database.begin();
    insert_as_python(transaction, "theirs");
    test::leave_no_snapshot(transaction);
    for (int i = 0; i < 5; ++i) cache.put("q" + std::to_string(i), "r", {}, {.deadline = Deadline::after(10s)});
    EXPECT_EQ(entries(), 3);
    transaction.commit();
    EXPECT_EQ(entries(), 4) << "those who enforce no limit can go beyond it";
    cache.put("next", "r");
    EXPECT_LE(entries(), 3) << "until the next put";
    expect_exact_sums();
}

TEST_F(CacheCapsTables, a_transaction_is_brought_under_the_limit_by_its_commit) {
    SemanticCache cache(database, nullptr, {.max_entries = 3});
    cache.set_quota("acme", {.entries = 1});
    cache.put("old", "r");
    execute("UPDATE @entries SET last_accessed_at = 1");
    Transaction transaction = database.begin();
    SemanticCache inside = cache.in(transaction);
    for (int i = 0; i < 3; ++i) inside.put("q" + std::to_string(i), "r");
    for (int i = 0; i < 3; ++i) inside.put("q" + std::to_string(i), "r", "acme");
    EXPECT_EQ(inside.stats().entries, 7) << "which entries are too many is decided when all are there";
    transaction.commit();
    EXPECT_EQ(entries(), 3);
    EXPECT_LE(cache.stats(Scope("acme")).entries, 1);
    EXPECT_FALSE(cache.get("old"));
    EXPECT_EQ(cache.stats().evictions, 4);
    expect_exact_sums();
}

TEST_F(CacheCapsTables, what_a_savepoint_put_and_undid_makes_nothing_go) {
    SemanticCache cache(database, nullptr, {.max_entries = 2});
    cache.put("one", "r");
    cache.put("two", "r");
    Transaction transaction = database.begin();
    {
        Savepoint savepoint = transaction.savepoint();
        cache.in(savepoint).put("three", "r");
    }
    transaction.commit();
    EXPECT_EQ(entries(), 2);
    EXPECT_TRUE(cache.get("one"));
}

TEST_F(CacheCapsTables, the_housekeeping_takes_part_in_a_transaction) {
    SemanticCache cache(database, nullptr);
    cache.put("a", "r", "acme", {.ttl = 10s});
    cache.put("b", "r", "acme");
    cache.put("c", "r", "zenith");
    execute("UPDATE @entries SET created_at = created_at - 100");
    for (const bool commit : {false, true}) {
        Transaction transaction = database.begin();
        SemanticCache inside = cache.in(transaction);
        EXPECT_EQ(inside.vacuum(), 1U);
        EXPECT_EQ(inside.stats().expirations, 1);
        inside.set_quota("acme", {.entries = 5});
        EXPECT_EQ(inside.quota("acme"), (CacheQuota{.entries = 5}));
        EXPECT_EQ(inside.namespaces().size(), 2U);
        EXPECT_EQ(inside.entries(Scope("acme"), {}).size(), 1U);
        EXPECT_TRUE(inside.health().healthy);
        inside.set_limits({.entries = 1});
        EXPECT_EQ(inside.stats().entries, 1);
        EXPECT_EQ(inside.clear_all(), 1U);
        EXPECT_THAT(inside.namespaces(), IsEmpty());
        if (commit) transaction.commit();
        EXPECT_EQ(entries(), commit ? 0 : 3);
    }
    EXPECT_EQ(cache.quotas().size(), 1U);
    EXPECT_EQ(cache.limits(), (CacheQuota{.entries = 1}));
    expect_exact_sums();
}

TEST_F(CacheCapsTables, an_entry_that_somebody_is_changing_stays_and_is_not_waited_for) {
    SemanticCache cache = open();
    for (int i = 0; i < 4; ++i) cache.put("q" + std::to_string(i), "r");
    execute("UPDATE @entries SET last_accessed_at = id");
    Transaction transaction = database.begin();
    transaction.execute(
        Statement(Sql("UPDATE " + server.schema() + ".entries SET access_count = 7 WHERE query = 'q0'")));
    test::leave_no_snapshot(transaction);
    cache.set_limits({.entries = 2}, Deadline::after(10s));
    transaction.commit();
    EXPECT_EQ(entries(), 2);
    EXPECT_TRUE(cache.get("q0"));
    EXPECT_FALSE(cache.get("q1"));
    EXPECT_FALSE(cache.get("q2"));
}

TEST_F(CacheCapsTables, where_everything_else_is_being_changed_the_new_entry_goes) {
    SemanticCache cache = open({.max_entries = 2});
    cache.put("q0", "r");
    cache.put("q1", "r");
    Transaction transaction = database.begin();
    transaction.execute(Statement(Sql("UPDATE " + server.schema() + ".entries SET access_count = 7")));
    test::leave_no_snapshot(transaction);
    cache.put("new", "r", {}, {.deadline = Deadline::after(10s)});
    EXPECT_EQ(entries(), 2);
    transaction.commit();
    EXPECT_FALSE(cache.get("new"));
    EXPECT_EQ(cache.stats().evictions, 1);
}

TEST_F(CacheCapsTables, vacuum_takes_more_than_one_batch_and_leaves_what_is_put_anew) {
    SemanticCache cache = open();
    execute(
        "INSERT INTO @entries (namespace, query_hash, query, response, embedding, metadata, created_at,"
        " last_accessed_at, ttl) SELECT 'default', i::text, 'q', 'r', '\\x00', '{}', 1, 1, 5 FROM generate_series(1, "
        "1234) i");
    cache.put("live", "r", {}, {.ttl = 1000s});
    EXPECT_EQ(cache.vacuum(), 1234U);
    EXPECT_EQ(entries(), 1);
    EXPECT_EQ(cache.stats().expirations, 1234);
    expect_exact_sums();
}

TEST_F(CacheCapsTables, lifetimes_that_overflow_harm_nobody) {
    SemanticCache cache = open();
    execute(
        "INSERT INTO @entries (namespace, query_hash, query, response, embedding, metadata, created_at,"
        " last_accessed_at, ttl) VALUES ('default', 'h', 'q', 'r', '\\x00', '{}', 1700000000, 1, 9223372036854775807)");
    EXPECT_EQ(cache.vacuum(), 0U);
    EXPECT_EQ(cache.stats().entries, 1);
}

TEST_F(CacheCapsTables, mneme_096_clearing_everything_raises_the_counter_of_the_tables) {
    SemanticCache cache = open();
    for (int i = 0; i < 5; ++i) cache.put("q", "r", "n" + std::to_string(i));
    const std::int64_t before = version();
    cache.clear_all();
    EXPECT_GE(version(), before + 5);
}

TEST_F(CacheCapsTables, vacuum_and_lower_limits_raise_the_counter_for_those_who_follow_it) {
    SemanticCache cache = open();
    cache.put("q", "r", {}, {.ttl = 10s});
    cache.put("p", "r");
    execute("UPDATE @entries SET created_at = created_at - 100");
    std::int64_t before = version();
    cache.vacuum();
    EXPECT_EQ(version(), before + 1);
    before = version();
    cache.vacuum();
    EXPECT_EQ(version(), before) << "nothing went";
    cache.set_limits({.entries = 0});
    EXPECT_EQ(version(), before + 1);
}

TEST_F(CacheCapsTables, quotas_that_mneme_stored_are_enforced_and_ours_are_in_its_table) {
    execute("INSERT INTO @namespace_quotas VALUES ('acme', 2)");
    SemanticCache cache = open();
    EXPECT_EQ(cache.quota("acme"), (CacheQuota{.entries = 2}));
    for (int i = 0; i < 4; ++i) cache.put("q" + std::to_string(i), "r", "acme");
    EXPECT_EQ(cache.stats(Scope("acme")).entries, 2);
    cache.set_quota("acme", {.entries = 7, .bytes = 1000});
    EXPECT_EQ(number("SELECT max_entries FROM " + server.schema() + ".namespace_quotas WHERE namespace = 'acme'"), 7);
}

TEST_F(CacheCapsTables, a_quota_given_at_the_start_is_stored_for_every_process) {
    open({.quotas = {{"acme", {.entries = 2}}}});
    SemanticCache other = open();
    for (int i = 0; i < 4; ++i) other.put("q" + std::to_string(i), "r", "acme");
    EXPECT_EQ(other.stats(Scope("acme")).entries, 2);
    const std::int64_t before = version();
    open({.quotas = {{"acme", {.entries = 2}}}});
    EXPECT_EQ(version(), before) << "one that is there already is not written again";
}

TEST_F(CacheCapsTables, a_role_that_only_reads_and_writes_keeps_to_the_limits_and_sets_them) {
    test::Role role(database, server.schema() + "_app");
    role.execute("GRANT USAGE ON SCHEMA " + database.quoted_schema() + " TO " + role.name());
    role.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + database.quoted_schema() + " TO " +
                 role.name());
    role.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA " + database.quoted_schema() + " TO " + role.name());
    SemanticCache cache(Database::open(role.assumed(server.options())), nullptr);
    cache.set_limits({.entries = 2});
    for (int i = 0; i < 200; ++i) cache.put("q" + std::to_string(i % 5), "r");  // some of these fold the sums
    EXPECT_EQ(cache.stats().entries, 2);
    EXPECT_EQ(cache.vacuum(), 0U);
    expect_exact_sums();
}

TEST_F(CacheCapsTables, what_a_python_process_with_few_rights_writes_is_counted) {
    test::Role role(database, server.schema() + "_app");
    role.execute("GRANT USAGE ON SCHEMA " + database.quoted_schema() + " TO " + role.name());
    role.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON " + server.schema() + ".entries TO " + role.name());
    role.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA " + database.quoted_schema() + " TO " + role.name());
    DatabaseOptions options = role.assumed(server.options());
    options.bare = true;
    Database python = Database::open(options);
    insert_as_python(python, "q");
    python.execute(Statement(Sql("UPDATE " + server.schema() + ".entries SET response = 'longer'")));
    expect_exact_sums();
    python.execute(Statement(Sql("DELETE FROM " + server.schema() + ".entries")));
    expect_exact_sums();
}

class CacheTakeover : public ::testing::Test {
protected:
    Database mnemes(const std::string& counters) {
        Database bare = server_.bare();
        test::create_tables(bare, test::kMneme);
        bare.execute(
            Statement(Sql("INSERT INTO " + bare.quoted_schema() + ".schema_meta VALUES ('counters', $1)"), counters));
        migrate(bare);
        return bare;
    }
    test::Server server_;
};

TEST_F(CacheTakeover, mneme_104_its_counters_go_on_colons_included_and_damage_left_out) {
    Database bare = mnemes(R"({"customer:42:misses": 7, "default:hits_exact": 3, "default:evictions": 2, "nothing": 1,)"
                           R"( "default:misses": "many", "default:expirations": -4, "default:unknown": 9,)"
                           R"( "default:hits_semantic": 1e300})");
    SemanticCache cache(Database::open(server_.options()), nullptr);
    EXPECT_EQ(cache.stats(Scope("customer:42")).misses, 7);
    cache.get("unknown", "customer:42");
    EXPECT_EQ(cache.stats(Scope("customer:42")).misses, 8);
    const CacheStats stats = cache.stats(Scope("default"));
    EXPECT_EQ(stats.hits_exact, 3);
    EXPECT_EQ(stats.evictions, 2);
    EXPECT_EQ(stats.misses, 0);
    EXPECT_EQ(stats.expirations, 0);
    EXPECT_EQ(stats.hits_semantic, 0);
    EXPECT_EQ(stats.entries, 1) << "what was there before is counted";
    EXPECT_TRUE(cache.health().integrity_ok);
}

TEST_F(CacheTakeover, counters_that_are_no_json_are_left_alone) {
    Database bare = mnemes("{broken");
    SemanticCache cache(Database::open(server_.options()), nullptr);
    EXPECT_EQ(cache.stats().misses, 0);
}

}  // namespace
}  // namespace stele
