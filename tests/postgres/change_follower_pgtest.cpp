// What a process learns of changes that others make.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <thread>

#include "postgres/database_impl.hpp"
#include "support/eventually.hpp"
#include "support/proxy.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::eventually;
using test::Server;

class Ear final : public ChangeListener {
public:
    void changed(std::span<const Change> changes) noexcept override {
        MutexLock lock(mutex_);
        changes_.insert(changes_.end(), changes.begin(), changes.end());
    }
    void all_changed() noexcept override {
        MutexLock lock(mutex_);
        ++alarms_;
    }
    bool heard(const std::string& store, const std::optional<std::string>& key) {
        MutexLock lock(mutex_);
        return std::any_of(changes_.begin(), changes_.end(),
                           [&](const Change& one) { return one.store == store && one.key == key; });
    }
    std::size_t count() {
        MutexLock lock(mutex_);
        return changes_.size();
    }
    int alarms() {
        MutexLock lock(mutex_);
        return alarms_;
    }

private:
    Mutex mutex_;
    std::vector<Change> changes_ STELE_GUARDED_BY(mutex_);
    int alarms_ STELE_GUARDED_BY(mutex_) = 0;
};

class Follower : public testing::Test {
protected:
    Follower() : database_(server_.open()), follower_(*database_.impl().changes) {
        subscription_ = follower_.subscribe(ear_);
        wait_until_fresh();
    }
    void wait_until_fresh() {
        ASSERT_TRUE(eventually([&] { return follower_.fresh(); }));
    }
    /// Everything that is committed by now has been told.
    void catch_up() { follower_.catch_up(Deadline::after(10s)); }
    std::string table() const { return database_.quoted_schema() + ".configurations"; }
    Statement define(const std::string& identifier) const {
        return Statement(Sql("INSERT INTO " + table() +
                             " (identifier, content, created) VALUES ($1, '{}', "
                             "clock_timestamp())"),
                         identifier);
    }

    Server server_;
    Database database_;
    ChangeFollower& follower_;
    Ear ear_;
    ChangeFollower::Subscription subscription_;
};

TEST_F(Follower, hears_of_inserts_updates_deletes_and_truncates_by_anybody) {
    Connection other = server_.bare().connect();
    other.execute(define("inserted"));
    catch_up();
    EXPECT_TRUE(ear_.heard("configurations", "inserted"));
    other.execute(Statement(Sql("UPDATE " + table() + " SET identifier = 'renamed' WHERE identifier = 'inserted'")));
    catch_up();
    EXPECT_TRUE(ear_.heard("configurations", "renamed"));
    const std::size_t before = ear_.count();
    other.execute(Statement(Sql("DELETE FROM " + table())));
    catch_up();
    EXPECT_EQ(ear_.count(), before + 1);
    EXPECT_FALSE(ear_.heard("configurations", std::nullopt));
    other.execute(Statement(Sql("TRUNCATE " + table())));
    catch_up();
    EXPECT_TRUE(ear_.heard("configurations", std::nullopt));
    EXPECT_EQ(ear_.alarms(), 1) << "the first look";
}

TEST_F(Follower, hears_nothing_of_what_was_rolled_back) {
    Transaction transaction = database_.begin();
    transaction.execute(define("never"));
    transaction.rollback();
    catch_up();
    EXPECT_EQ(ear_.count(), 0u);
}

TEST_F(Follower, hears_of_a_long_transaction_when_it_commits_though_thousands_came_after_it) {
    Transaction slow = database_.begin();
    slow.execute(define("slow"));
    const Statement many(Sql("INSERT INTO " + table() +
                             " SELECT 'quick', '{}', clock_timestamp() + i * interval '1 us' "
                             "FROM generate_series(1, 10) i"));
    for (int i = 0; i < 300; ++i) database_.execute(many);
    catch_up();
    EXPECT_TRUE(ear_.heard("configurations", "quick")) << "nobody waits for the slow one";
    EXPECT_FALSE(ear_.heard("configurations", "slow"));
    slow.commit();
    catch_up();
    EXPECT_TRUE(ear_.heard("configurations", "slow"));
    EXPECT_EQ(ear_.alarms(), 1);
}

TEST_F(Follower, hears_of_a_role_that_has_no_right_on_the_log) {
    const std::string role = server_.schema() + "_writer";
    Connection other = server_.bare().connect();
    other.execute(Statement(Sql("CREATE ROLE " + role)));
    other.execute(Statement(Sql("GRANT USAGE ON SCHEMA " + database_.quoted_schema() + " TO " + role)));
    other.execute(Statement(Sql("GRANT INSERT ON " + table() + " TO " + role)));
    other.execute(Statement(Sql("SET ROLE " + role)));
    other.execute(define("theirs"));
    EXPECT_EQ(test::error_of([&] {
                  other.query(Statement(Sql("SELECT 1 FROM " + database_.quoted_schema() + ".stele_changes")));
              }).code,
              ErrorCode::permission);
    other.execute("RESET ROLE");
    catch_up();
    EXPECT_TRUE(ear_.heard("configurations", "theirs"));
    other.execute(Statement(Sql("DROP OWNED BY " + role)));
    other.execute(Statement(Sql("DROP ROLE " + role)));
}

TEST_F(Follower, trusts_nothing_when_rows_that_it_had_to_see_may_have_been_removed) {
    database_.execute(
        Statement(Sql("UPDATE " + database_.quoted_schema() +
                      ".stele_change_log SET removed_up_to = pg_current_xact_id()::text::bigint::text::xid8")));
    EXPECT_TRUE(eventually([&] { return ear_.alarms() >= 2; }));
}

TEST_F(Follower, trusts_nothing_when_the_log_is_another) {
    database_.execute(
        Statement(Sql("UPDATE " + database_.quoted_schema() + ".stele_change_log SET id = gen_random_uuid()")));
    EXPECT_TRUE(eventually([&] { return ear_.alarms() == 2; }));
}

TEST(FollowerOnABadWire, vouches_for_nothing_while_it_cannot_look_and_catches_up_later) {
    Server server;
    test::Proxy proxy(test::server_dsn());
    server.open();  // its tables
    DatabaseOptions options = server.options();
    options.dsn = proxy.dsn();
    Database database = Database::open(options);
    ChangeFollower& follower = *database.impl().changes;
    Ear ear;
    const ChangeFollower::Subscription subscription = follower.subscribe(ear);
    ASSERT_TRUE(eventually([&] { return follower.fresh(); }));
    proxy.door(test::Door::shut);
    proxy.cut_all();
    EXPECT_TRUE(eventually([&] { return !follower.fresh(); }));
    server.bare().execute(Statement(Sql("INSERT INTO " + database.quoted_schema() +
                                        ".configurations (identifier, content) VALUES ('meanwhile', '{}')")));
    std::this_thread::sleep_for(2 * options.max_staleness);
    EXPECT_FALSE(follower.fresh());
    proxy.heal();
    EXPECT_TRUE(eventually([&] { return follower.fresh(); }));
    EXPECT_TRUE(ear.heard("configurations", "meanwhile") || ear.alarms() > 1);
}

TEST(FollowerAtRest, asks_nothing_until_it_is_needed_and_knows_what_happened_meanwhile) {
    Server server;
    Database database = server.open();
    std::atomic<int> looks{0};
    ChangeFollower::Options options;
    options.quoted_schema = database.quoted_schema();
    options.rest_after = 50ms;
    options.bound = 30ms;
    ChangeFollower follower(
        options,
        [&](const Statement& statement, Deadline deadline) {
            ++looks;
            return database.query(statement, deadline);
        },
        [](std::string_view text) { ADD_FAILURE() << text; });
    Ear ear;
    ChangeFollower::Subscription subscription = follower.subscribe(ear);
    ASSERT_TRUE(eventually([&] { return follower.fresh(); }));
    ASSERT_TRUE(eventually([&] {
        const int before = looks;
        std::this_thread::sleep_for(200ms);
        return looks == before;
    }));
    database.execute(Statement(Sql("INSERT INTO " + database.quoted_schema() +
                                   ".configurations (identifier, content) VALUES ('meanwhile', '{}')")));
    EXPECT_FALSE(follower.fresh());
    ASSERT_TRUE(eventually([&] { return follower.fresh(); }));
    EXPECT_TRUE(ear.heard("configurations", "meanwhile"));
    EXPECT_EQ(ear.alarms(), 1);
    subscription = {};
}

// A follower that rests is woken by who needs it, also when the last thing it knew was that the server is away.
TEST(FollowerAtRest, looks_again_when_it_is_needed_though_its_last_look_failed) {
    Server server;
    Database database = server.open();
    std::atomic<int> looks{0};
    std::atomic<bool> away{false};
    ChangeFollower::Options options;
    options.quoted_schema = database.quoted_schema();
    options.rest_after = 50ms;
    options.bound = 30ms;
    ChangeFollower follower(
        options,
        [&](const Statement& statement, Deadline deadline) {
            ++looks;
            if (away) raise(ErrorCode::unavailable, "away");
            return database.query(statement, deadline);
        },
        [](std::string_view) {});
    Ear ear;
    ChangeFollower::Subscription subscription = follower.subscribe(ear);
    ASSERT_TRUE(eventually([&] { return follower.fresh(); }));
    away = true;
    ASSERT_TRUE(eventually([&] { return !follower.fresh(); }));
    EXPECT_EQ(error_of([&] { follower.catch_up(Deadline::after(10s)); }).message, "away");
    ASSERT_TRUE(eventually([&] {
        const int before = looks;
        std::this_thread::sleep_for(200ms);
        return looks == before;
    }));
    away = false;
    ASSERT_TRUE(eventually([&] { return follower.fresh(); }, 5s));
    subscription = {};
}

TEST(FollowerThatIsHeldUp, vouches_for_nothing_that_is_older_than_the_bound) {
    Server server;
    Database database = server.open();
    std::atomic<bool> held{false};
    ChangeFollower::Options options;
    options.quoted_schema = database.quoted_schema();
    ChangeFollower follower(
        options,
        [&](const Statement& statement, Deadline deadline) {
            // as if the process had been stopped, or the server had: between the look and its answer
            const Rows rows = database.query(statement, deadline);
            while (held) std::this_thread::sleep_for(1ms);
            return rows;
        },
        [](std::string_view) {});
    Ear ear;
    ChangeFollower::Subscription subscription = follower.subscribe(ear);
    ASSERT_TRUE(eventually([&] { return follower.fresh(); }));
    held = true;
    EXPECT_TRUE(eventually([&] { return !follower.fresh(); }, 2 * options.bound));
    std::this_thread::sleep_for(2 * options.bound);
    EXPECT_FALSE(follower.fresh());
    EXPECT_EQ(error_of([&] { follower.catch_up(Deadline::after(20ms)); }).code, ErrorCode::deadline_exceeded);
    held = false;
    EXPECT_TRUE(eventually([&] { return follower.fresh(); }));
    subscription = {};
}

}  // namespace
}  // namespace stele
