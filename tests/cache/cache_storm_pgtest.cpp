// Four processes with sixteen threads each on one cache, at random, while one is stopped for a time, others are killed,
// and a hand ends their sessions.
//
// STELE_CACHE_SECONDS: for how long (4). STELE_CACHE_SEED: the choices of an earlier run; the timing is its own.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <random>
#include <thread>

#include "cache/any_cache.hpp"
#include "cache/cache_storm.hpp"
#include "coherence/process.hpp"
#include "stele/semantic_cache.hpp"
#include "support/in_threads.hpp"
#include "support/server.hpp"
#include "support/temporary_directory.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using test::Process;
using test::StormBoard;
using test::StormQuestion;

constexpr int kProcesses = 4;

long from_environment(const char* name, long otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::stol(text);
}

class CacheStorm : public ::testing::Test {
protected:
    /// One process after the other, some of which are killed.
    void run_processes(int number) {
        std::mt19937_64 random(seed + static_cast<std::uint64_t>(number));
        while (Clock::now() + 300ms < until) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
            const bool dies = number > 0 && random() % 3 > 0;
            const auto time = number == 0 ? left : std::min(left, 500ms + std::chrono::milliseconds(random() % 3000));
            const int owner = board().owned++;
            if (owner >= test::kStormOwners) return;
            Process process(STELE_CACHE_STORM_PROCESS, test::server_dsn() + " application_name=cache_storm",
                            server.schema(), {(directory.path() / "board").string()});
            process.tell("storm " + std::to_string(owner) + " " + std::to_string(random() % 1'000'000'000) + " " +
                         std::to_string(time.count()));
            if (dies) {
                std::this_thread::sleep_for(
                    std::chrono::milliseconds(random() % static_cast<std::uint64_t>(time.count())));
                ++killed;
                continue;  // at its end it is killed
            }
            if (number == 0) stop_for_a_time(process, time);
            EXPECT_EQ(process.hear(), "done");
        }
    }
    static void stop_for_a_time(Process& process, std::chrono::milliseconds time) {
        std::this_thread::sleep_for(time / 3);
        process.hold();
        std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(5s, time / 3));
        process.go_on();
    }
    void end_sessions() {
        std::mt19937_64 random(seed + 100);
        while (Clock::now() + 500ms < until) {  // what is counted can then be saved
            std::this_thread::sleep_for(std::chrono::milliseconds(50 + random() % 300));
            ended += static_cast<int>(
                bare.query("SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE"
                           " application_name = 'cache_storm' ORDER BY random() LIMIT 2) AS victims")
                    .size());
        }
    }
    void watch_the_limits() {
        const Statement look("SELECT count(*), count(*) FILTER (WHERE namespace <> 'storm:other') FROM " +
                             server.schema() + ".entries");
        while (Clock::now() < until) {
            const Rows rows = bare.query(look);
            if (rows[0].get<std::int64_t>(0) > test::kStormEntries) board().fault("more entries than are allowed");
            if (rows[0].get<std::int64_t>(1) > test::kStormTenantEntries)
                board().fault("more than the tenant may have");
            std::this_thread::sleep_for(2ms);
        }
    }
    /// What is there in the end is whole, and found by meaning by a process that comes new.
    void expect_whole() {
        const auto embedder = std::make_shared<testing::FakeEmbedder>();
        Database database = server.open();
        SemanticCache cache(database, embedder);
        const Rows rows =
            bare.query(Statement("SELECT namespace, query, response FROM " + server.schema() + ".entries"));
        EXPECT_GT(rows.size(), 0U);
        for (const Row& row : rows) {
            StormQuestion question;
            const auto text = row.get<std::string>(1);
            ASSERT_EQ(
                std::sscanf(text.c_str(), "question %d %d %d", &question.owner, &question.thread, &question.number), 3)
                << text;
            EXPECT_EQ(row.get<std::string>(0), question.scope().stored_namespace());
            EXPECT_GT(question.version_of(row.get<std::string>(2)), 0) << row.get<std::string>(2);
            embedder->similar(question.other_words(), question.text(), 0.97f);
            const std::optional<Hit> hit = cache.get(question.other_words(), question.scope());
            ASSERT_TRUE(hit) << text;
            EXPECT_EQ(hit->response, row.get<std::string>(2));
        }
        EXPECT_EQ(cache.stats().entries, static_cast<std::int64_t>(rows.size()));
        EXPECT_TRUE(cache.health().healthy);
    }
    StormBoard& board() { return mapping.board(); }

    const std::uint64_t seed =
        static_cast<std::uint64_t>(from_environment("STELE_CACHE_SEED", static_cast<long>(std::random_device{}())));
    test::Server server;
    Database bare = server.bare();
    test::TemporaryDirectory directory;
    test::StormMapping mapping{(directory.path() / "board").string()};
    Clock::time_point until;
    std::atomic<int> killed{0}, ended{0};
};

TEST_F(CacheStorm,
       mneme_148_150_many_processes_and_threads_get_no_wrong_no_foreign_and_no_stale_answer_within_the_limits) {
    std::cout << "STELE_CACHE_SEED=" << seed << '\n';
    SCOPED_TRACE("STELE_CACHE_SEED=" + std::to_string(seed));
    {
        SemanticCache admin(server.open(), std::make_shared<testing::FakeEmbedder>());
        admin.set_limits({.entries = static_cast<std::size_t>(test::kStormEntries)});
        admin.set_quota("storm", {.entries = static_cast<std::size_t>(test::kStormTenantEntries)});
    }
    until = Clock::now() + std::chrono::seconds(from_environment("STELE_CACHE_SECONDS", 4));
    test::in_threads(kProcesses + 2, [&](int thread) {
        if (thread < kProcesses) return run_processes(thread);
        thread == kProcesses ? end_sessions() : watch_the_limits();
    });

    for (std::int64_t i = 0; i < std::min<std::int64_t>(board().faults, 20); ++i) {
        ADD_FAILURE() << board().fault_texts.at(static_cast<std::size_t>(i)).data();
    }
    EXPECT_EQ(board().faults, 0);
    std::int64_t counted = 0, asked = 0;
    for (const StormBoard::Owner& owner : board().owners) {
        if (owner.closed) counted += owner.answered;
        asked += owner.asked;
    }
    const CacheStats stats = SemanticCache(server.open(), nullptr).stats();
    const std::int64_t saved = stats.hits_exact + stats.hits_semantic + stats.misses;
    EXPECT_GE(saved, counted) << "what a process counted that was not killed";
    EXPECT_LE(saved, asked);
    expect_whole();
    std::cout << board().owned << " processes, " << killed << " of them killed, " << ended << " sessions ended, "
              << asked << " gets, " << board().hits << " hits by wording, " << board().hits_by_meaning
              << " by meaning, " << board().stored << " stored, " << board().failures << " failures, "
              << stats.evictions << " evictions\n";
    EXPECT_GT(board().hits, 0);
    EXPECT_GT(board().hits_by_meaning, 0);
    EXPECT_GT(stats.evictions, 0);
    EXPECT_GT(ended, 0);
}

}  // namespace
}  // namespace stele
