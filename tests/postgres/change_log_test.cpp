#include "postgres/change_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace stele {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ChangeLog::Look look(const char* snapshot, std::string incarnation = "one", std::uint64_t removed = 0) {
    ChangeLog::Look look;
    look.snapshot = *Snapshot::parse(snapshot);
    look.incarnation = std::move(incarnation);
    look.removed = removed;
    return look;
}

TEST(Snapshot, is_read_from_its_text) {
    const Snapshot snapshot = *Snapshot::parse("10:20:10,14,15");
    EXPECT_EQ(snapshot.xmin, 10u);
    EXPECT_EQ(snapshot.xmax, 20u);
    EXPECT_THAT(snapshot.running, ElementsAre(10, 14, 15));
    EXPECT_THAT(Snapshot::parse("18446744073709551615:18446744073709551615:")->running, IsEmpty());
    for (const char* bad : {"", "10", "10:20", "10:20:1,", "10:20:,1", "10:20:x", "a:20:", "10:20:1 ", "-1:2:"}) {
        EXPECT_FALSE(Snapshot::parse(bad)) << bad;
    }
}

TEST(ChangeLog, its_first_look_says_nothing_of_what_was_known_before) {
    ChangeLog log;
    EXPECT_FALSE(log.follows(look("10:10:")));
    EXPECT_TRUE(log.follows(look("10:10:")));
}

TEST(ChangeLog, goes_on_from_a_look_that_another_process_had) {
    ChangeLog log(look("10:20:10,14", "one", 5));
    EXPECT_EQ(log.question().from, 20u);
    EXPECT_THAT(log.question().running, ElementsAre(10, 14));
    EXPECT_TRUE(log.follows(look("30:30:", "one", 9)));
    for (const ChangeLog::Look& later : {look("30:30:", "two"), look("30:30:", "one", 10), look("5:6:")}) {
        EXPECT_FALSE(ChangeLog(look("10:20:10,14", "one", 5)).follows(later));
    }
}

TEST(ChangeLog, asks_for_what_was_running_or_had_not_begun) {
    ChangeLog log;
    log.follows(look("10:20:10,14"));
    EXPECT_EQ(log.question().from, 20u);
    EXPECT_THAT(log.question().running, ElementsAre(10, 14));
}

TEST(ChangeLog, on_a_standby_asks_from_the_oldest_on) {
    ChangeLog log;
    ChangeLog::Look standby = look("10:20:");
    standby.standby = true;
    log.follows(standby);
    EXPECT_EQ(log.question().from, 10u);
    EXPECT_THAT(log.question().running, IsEmpty());
    EXPECT_TRUE(log.follows(standby));
    EXPECT_FALSE(log.follows(look("10:20:"))) << "it was promoted";
}

TEST(ChangeLog, trusts_nothing_after_a_restore_a_removal_or_more_than_a_look_holds) {
    const auto follows = [](const ChangeLog::Look& next) {
        ChangeLog log;
        log.follows(look("10:20:12"));
        return log.follows(next);
    };
    EXPECT_TRUE(follows(look("12:25:12")));
    EXPECT_FALSE(follows(look("12:25:12", "two"))) << "another server, or one that was restored";
    EXPECT_FALSE(follows(look("12:19:12"))) << "time went back";
    EXPECT_TRUE(follows(look("12:25:", "one", 11)));
    EXPECT_FALSE(follows(look("12:25:", "one", 12))) << "what is asked for may have been removed";
    ChangeLog::Look incomplete = look("12:25:");
    incomplete.incomplete = true;
    EXPECT_FALSE(follows(incomplete));
}

TEST(ChangeLog, misses_no_transaction_in_whatever_order_they_commit) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        std::mt19937_64 random(seed);
        const auto pick = [&](std::uint64_t count) { return random() % count; };
        ChangeLog log;
        std::uint64_t next = 3;
        std::set<std::uint64_t> running, committed, missed;
        std::uint64_t removed = 0;
        bool trusted = false;
        for (int step = 0; step < 200; ++step) {
            const std::uint64_t what = pick(4);
            if (what == 0) {
                running.insert(next++);
            } else if (what == 1 && !running.empty()) {
                const auto one = std::next(running.begin(), static_cast<std::ptrdiff_t>(pick(running.size())));
                if (pick(3) != 0) committed.insert(*one), missed.insert(*one);
                running.erase(one);
            } else if (what == 2) {
                const ChangeLog::Question question = log.question();
                ChangeLog::Look look;
                look.snapshot.xmax = next;
                look.snapshot.xmin = running.empty() ? next : *running.begin();
                look.snapshot.running.assign(running.begin(), running.end());
                look.incarnation = "one";
                look.removed = removed;
                std::set<std::uint64_t> seen;
                for (const std::uint64_t one : committed) {
                    const auto& asked = question.running;
                    if (one >= question.from || std::find(asked.begin(), asked.end(), one) != asked.end())
                        seen.insert(one);
                }
                const bool follows = log.follows(look);
                EXPECT_TRUE(trusted || !follows) << seed;
                // one that ended since, older than what was removed, is asked for all the same
                EXPECT_TRUE(follows || !trusted || removed > 0) << seed;
                trusted = true;
                if (follows) {
                    EXPECT_TRUE(std::includes(seen.begin(), seen.end(), missed.begin(), missed.end())) << seed;
                }
                missed.clear();
            } else if (pick(10) == 0 && missed.empty()) {
                // as the follower does it: nothing of who is younger than one that runs
                const std::uint64_t horizon = running.empty() ? next : *running.begin();
                for (auto one = committed.begin(); one != committed.end() && *one < horizon;
                     one = committed.erase(one)) {
                    removed = *one;
                }
            }
        }
    }
}

}  // namespace
}  // namespace stele
