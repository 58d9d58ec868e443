// Faults of mneme's that nothing else here looks at (docs/from-mneme.md): each of these fails as mneme does it.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <future>
#include <utility>

#include "cache/any_cache.hpp"
#include "once/gate.hpp"
#include "support/in_threads.hpp"
#include "support/proxy.hpp"

namespace {

std::atomic<std::int64_t> clock_skew_s{0};

}  // namespace

/// This program's clock, in the place of the C library's: wrong by clock_skew_s.
extern "C" int clock_gettime(clockid_t which, timespec* time) noexcept {
    const long result = ::syscall(SYS_clock_gettime, which, time);
    if (result == 0 && which == CLOCK_REALTIME) time->tv_sec += static_cast<std::time_t>(clock_skew_s.load());
    return static_cast<int>(result);
}

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::On;

/// What happens meanwhile happens in a process whose clock is wrong by so much.
class ClockSkew {
public:
    explicit ClockSkew(std::chrono::seconds by) { clock_skew_s = by.count(); }
    ClockSkew(const ClockSkew&) = delete;
    ClockSkew& operator=(const ClockSkew&) = delete;
    ~ClockSkew() { clock_skew_s = 0; }
};

/// Embeds one question when it is told to, and others at once.
class EmbedsWhenTold final : public Embedder {
public:
    std::size_t dimension() const override { return others_.dimension(); }
    const std::string& fingerprint() const override { return others_.fingerprint(); }
    std::optional<float> threshold() const override { return others_.threshold(); }
    std::vector<Embedding> embed(std::span<const std::string_view> texts, Deadline deadline) override {
        if (texts.front() == "slow") {
            begun.open();
            told.wait();
        }
        return others_.embed(texts, deadline);
    }
    test::Gate begun, told;

private:
    testing::FakeEmbedder others_;
};

class MendedOnBoth : public test::AnyCache {};

INSTANTIATE_TEST_SUITE_P(Cache, MendedOnBoth, ::testing::Values(On::database, On::memory), test::name_of);

TEST_P(MendedOnBoth, who_embeds_keeps_nobody_waiting) {
    const auto slow = std::make_shared<EmbedsWhenTold>();
    SemanticCache cache = open(slow);
    cache.put("known", "answer");
    auto embeds = std::async(std::launch::async, [&] { return cache.get("slow"); });
    slow->begun.wait();
    auto others = std::async(std::launch::async, [&] {
        EXPECT_EQ(cache.get("known")->response, "answer");
        EXPECT_FALSE(cache.get("unknown"));
        EXPECT_TRUE(cache.put("another", "answer"));
        EXPECT_TRUE(cache.remove("another"));
        EXPECT_EQ(cache.stats().entries, 1);
    });
    EXPECT_EQ(others.wait_for(1min), std::future_status::ready);
    slow->told.open();
    EXPECT_FALSE(embeds.get());
}

class Mended : public ::testing::Test {
protected:
    std::int64_t number(const std::string& sql) { return database.query(Statement(Sql(sql)))[0].get<std::int64_t>(0); }
    std::int64_t version() {
        return number("SELECT value::bigint FROM " + server.schema() +
                      ".multi_process_state WHERE key = 'version_counter'");
    }
    void fill(SemanticCache& cache, int entries) {
        std::vector<NewAnswer> answers;
        for (int i = 0; i < entries; ++i) answers.push_back({"question " + std::to_string(i), "answer"});
        cache.put_many(answers);
    }

    test::Server server;
    Database database = server.open();
};

TEST_F(Mended, lifetimes_ages_and_recency_are_the_databases_however_wrong_the_clocks_of_processes_are) {
    SemanticCache cache(database, nullptr, {.local_entries = 0, .access_times = AccessTimes::within_call});
    const auto now = std::chrono::system_clock::now();
    for (const auto& [skew, query] : {std::pair(48h, "of one ahead"), std::pair(-48h, "of one behind")}) {
        const ClockSkew wrong(skew);
        EXPECT_GT(std::chrono::abs(std::chrono::system_clock::now() - now), 47h) << "it is not wrong";
        cache.put(query, "answer", {}, {.ttl = 1h});
    }
    for (const auto skew : {0h, 48h, -48h}) {
        const ClockSkew wrong(skew);
        for (const char* query : {"of one ahead", "of one behind"}) {
            const std::optional<Hit> hit = cache.get(query);
            ASSERT_TRUE(hit) << query << " for one that is wrong by " << skew.count() << " h";
            EXPECT_GE(hit->age, 0s);
            EXPECT_LT(hit->age, 1h);
        }
        EXPECT_EQ(cache.vacuum(), 0U);
    }
    database.execute(
        Statement(Sql("UPDATE " + server.schema() + ".entries SET last_accessed_at = last_accessed_at - 60")));
    {
        const ClockSkew wrong(-48h);
        EXPECT_TRUE(cache.get("of one behind"));
    }
    cache.set_limits({.entries = 1});
    EXPECT_EQ(cache.list()[0].query, "of one behind") << "it was used last";
}

TEST_F(Mended, a_put_that_evicts_many_is_one_round_trip_and_raises_the_counter_once) {
    test::Proxy proxy(test::server_dsn());
    DatabaseOptions options = test::undisturbed(server.options(proxy.dsn()));
    options.max_connections = 1;
    Database through = Database::open(options);
    SemanticCache cache(through, nullptr, {.max_entries = 200, .evict_at_once = SemanticCacheOptions::kEvictATenth});
    fill(cache, 200);
    test::settle(through);
    const std::int64_t before = version();
    const int requests = proxy.requests();
    cache.put("one more", "answer");
    EXPECT_EQ(proxy.requests() - requests, 1);
    EXPECT_EQ(version() - before, 1);
    EXPECT_EQ(number("SELECT count(*) FROM " + server.schema() + ".entries"), 180);
}

TEST_F(Mended, opening_health_and_vacuum_read_no_more_entries_than_they_have_to) {
    DatabaseOptions options = test::undisturbed(server.options());
    options.max_connections = 1;  // the statistics are its session's
    Database one = Database::open(options);
    {
        SemanticCache cache(one, nullptr);
        fill(cache, 5'000);
    }
    const std::string table = server.schema() + ".entries";
    one.execute(Statement(Sql("UPDATE " + table + " SET ttl = 1, created_at = 1 WHERE id % 1000 = 0")));
    one.execute(Statement(Sql("VACUUM ANALYZE " + table)));
    const auto read = [&] {
        one.query("SELECT pg_stat_force_next_flush()");
        one.query("SELECT 1");  // this flushes
        return one
            .query(Statement(
                "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relid = $1::text::regclass",
                table))[0]
            .get<std::int64_t>(0);
    };
    std::int64_t before = read();
    const auto read_since = [&] {
        const std::int64_t now = read();
        return now - std::exchange(before, now);
    };
    one.query(Statement(Sql("SELECT sum(length(response)) FROM " + table)));
    EXPECT_GE(read_since(), 5'000) << "what reads all is seen";
    SemanticCache cache(one, nullptr);
    EXPECT_LT(read_since(), 100) << "by opening";
    EXPECT_EQ(cache.health().entries, 5'000);
    EXPECT_LT(read_since(), 100) << "by health";
    EXPECT_EQ(cache.vacuum(), 5U);
    EXPECT_LT(read_since(), 100) << "by vacuum";
    cache.stats();
    EXPECT_LT(read_since(), 100) << "by stats";
}

TEST_F(Mended, who_opens_the_tables_never_sets_the_version_counter_back) {
    SemanticCache cache(database, nullptr);
    std::atomic<bool> done{false};
    auto opens = std::async(std::launch::async, [&] {
        while (!done) {
            Database other = server.open();
            SemanticCache opened(other, nullptr);
        }
    });
    std::int64_t seen = version();
    for (int i = 0; i < 200; ++i) {
        cache.put("question " + std::to_string(i), "answer");
        const std::int64_t now = version();
        EXPECT_GT(now, seen);
        seen = now;
    }
    done = true;
    opens.get();
}

}  // namespace
}  // namespace stele
