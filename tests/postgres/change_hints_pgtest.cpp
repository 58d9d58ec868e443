// Hints, which make followers of other processes look at once. Looks by the clock are 20 seconds apart here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "postgres/database_impl.hpp"
#include "support/eventually.hpp"
#include "support/pgbouncer.hpp"
#include "support/scrape.hpp"
#include "support/server.hpp"
#include "support/session.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::Scrape;
using test::Server;

constexpr auto kSooner = 15s;  // than the next look by the clock

/// One with stores, as another process would have it.
class Process : ChangeListener {
public:
    explicit Process(DatabaseOptions options) : database_(open(std::move(options))) {
        subscription_ = follower().subscribe(*this);
        EXPECT_TRUE(eventually([&] { return follower().fresh(); }));
    }

    ChangeFollower& follower() const { return *database_.impl().changes; }
    const Database& database() const { return database_; }
    /// A write, and a word about it.
    void define(const std::string& identifier) {
        database_.execute(
            Statement(Sql("INSERT INTO " + database_.quoted_schema() +
                          ".configurations (identifier, content, created) VALUES ($1, '{}', clock_timestamp())"),
                      identifier));
        announce();
    }
    void announce() {
        const Change change{"configurations", "", "a"};
        follower().announce({&change, 1});
    }
    int told() const { return told_; }
    double hints(const std::string& direction) const {
        return Scrape(*metrics_)["stele_postgres_change_hints_total{direction=\"" + direction + "\"}"];
    }
    double looks() const {
        const Scrape all(*metrics_);
        return all["stele_postgres_change_looks_total{result=\"followed\"}"] +
               all["stele_postgres_change_looks_total{result=\"reloaded\"}"];
    }

private:
    Database open(DatabaseOptions options) {
        options.max_staleness = 60s;
        options.metrics = metrics_;
        return Database::open(options);
    }
    void changed(std::span<const Change>) noexcept override { ++told_; }
    void all_changed() noexcept override {}

    std::shared_ptr<PrometheusMetrics> metrics_ = std::make_shared<PrometheusMetrics>();
    Database database_;
    std::atomic<int> told_{0};
    ChangeFollower::Subscription subscription_;
};

class Hints : public testing::Test {
protected:
    /// The sessions that listen for this schema and have not sent anything since.
    std::vector<int> listeners(const Server& server) {
        const auto id = bare_.query(Statement(Sql("SELECT id FROM " + server.schema() + ".stele_change_log")))[0];
        const std::string channel = ChangeHints::channel_of('"' + server.schema() + '"', id.get<Uuid>(0).to_string());
        std::vector<int> sessions;
        for (const Row& row :
             bare_.query({"SELECT pid FROM pg_stat_activity WHERE query = $1", "LISTEN \"" + channel + "\""})) {
            sessions.push_back(row.get<int>(0));
        }
        return sessions;
    }
    void wait_for_listeners(std::size_t count) {
        ASSERT_TRUE(eventually([&] { return listeners(server_).size() == count; }));
    }

    Server server_;
    Database bare_ = server_.bare();
};

TEST_F(Hints, make_another_process_look_at_once_and_are_not_passed_on) {
    Process writer(server_.options()), reader(server_.options());
    wait_for_listeners(2);
    const double before = reader.looks();
    writer.define("a");
    EXPECT_TRUE(eventually([&] { return reader.told() == 1; }, kSooner));
    EXPECT_GT(reader.looks(), before);
    EXPECT_EQ(reader.hints("sent"), 0);
    EXPECT_TRUE(eventually([&] { return writer.hints("sent") == 1; }));
    EXPECT_EQ(writer.hints("received"), 0) << "one's own";
}

TEST_F(Hints, are_at_most_one_each_10_ms) {
    Process writer(server_.options());
    wait_for_listeners(1);
    const auto begin = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() < begin + 200ms) writer.announce();
    ASSERT_TRUE(eventually([&] { return writer.hints("sent") >= 2; }));
    const auto took = std::chrono::steady_clock::now() - begin;
    EXPECT_LE(writer.hints("sent"), static_cast<double>(took / 10ms) + 1);
}

TEST_F(Hints, of_one_schema_are_not_heard_in_another) {
    const Server elsewhere;
    Process writer(server_.options()), near(server_.options()), far(elsewhere.options());
    wait_for_listeners(2);
    ASSERT_TRUE(eventually([&] { return listeners(elsewhere).size() == 1; }));
    writer.define("a");
    ASSERT_TRUE(eventually([&] { return near.hints("received") == 1; }, kSooner));
    EXPECT_EQ(far.hints("received"), 0);
}

TEST_F(Hints, are_neither_sent_nor_heard_where_they_are_not_wanted) {
    DatabaseOptions deaf = server_.options();
    deaf.change_hints = false;
    Process writer(server_.options()), quiet(deaf);
    wait_for_listeners(1);
    quiet.define("a");
    writer.define("b");
    ASSERT_TRUE(eventually([&] { return writer.hints("sent") == 1; }));
    EXPECT_EQ(quiet.hints("sent"), 0);
    EXPECT_EQ(quiet.hints("received"), 0);
    EXPECT_EQ(writer.hints("received"), 0);
}

TEST_F(Hints, are_not_listened_for_by_a_process_without_stores) {
    const Database open = server_.open();
    Process writer(server_.options());
    wait_for_listeners(1);
}

TEST_F(Hints, are_heard_again_after_the_connection_that_listens_was_killed) {
    Process writer(server_.options()), reader(server_.options());
    wait_for_listeners(2);
    const std::vector<int> before = listeners(server_);
    for (const int session : before) test::end_session(bare_, session, 10s);
    ASSERT_TRUE(eventually([&] {
        const std::vector<int> now = listeners(server_);
        return now.size() == 2 && std::find_first_of(now.begin(), now.end(), before.begin(), before.end()) == now.end();
    }));
    const int told = reader.told();
    writer.define("a");
    EXPECT_TRUE(eventually([&] { return reader.told() > told; }, kSooner));
}

TEST_F(Hints, give_their_connection_to_whoever_needs_it) {
    DatabaseOptions few = server_.options();
    few.max_connections = 2;
    Process process(few);
    wait_for_listeners(1);
    {
        Database database = process.database();
        const Transaction first = database.begin(), second = database.begin();
        EXPECT_TRUE(listeners(server_).empty());
        process.announce();  // must take none from them either
    }
    wait_for_listeners(1);
}

TEST_F(Hints, never_take_the_only_connection) {
    DatabaseOptions one = server_.options();
    one.max_connections = 1;
    Process process(one), other(server_.options());
    wait_for_listeners(1);
    process.define("a");
    EXPECT_TRUE(eventually([&] { return other.told() == 1; }, kSooner)) << "it can send all the same";
    EXPECT_EQ(listeners(server_).size(), 1u);
}

TEST_F(Hints, go_out_from_behind_a_transaction_pooler) {
    Process reader(server_.options());
    const test::PgBouncer bouncer;
    DatabaseOptions behind = server_.options(bouncer.dsn());
    behind.pooler = Pooler::transaction;
    Process writer(behind);
    wait_for_listeners(1);
    writer.define("a");
    EXPECT_TRUE(eventually([&] { return reader.told() == 1; }, kSooner));
    EXPECT_EQ(listeners(server_).size(), 1u);
}

TEST_F(Hints, are_not_listened_for_at_rest) {
    Database database = server_.open();
    const auto run = [&](const Statement& statement, Deadline deadline) { return database.query(statement, deadline); };
    const auto complain = [](std::string_view text) { ADD_FAILURE() << text; };
    ChangeHints hints(run, &*database.impl().pool, complain, Observer::nobody());
    ChangeFollower::Options options;
    options.quoted_schema = database.quoted_schema();
    options.bound = 30ms;
    options.rest_after = 300ms;
    struct Nobody final : ChangeListener {
        void changed(std::span<const Change>) noexcept override {}
        void all_changed() noexcept override {}
    } nobody;
    ChangeFollower follower(options, run, complain, Observer::nobody(), &hints);
    ChangeFollower::Subscription subscription = follower.subscribe(nobody);
    ASSERT_TRUE(eventually([&] {
        follower.fresh();
        return listeners(server_).size() == 1;
    }));
    wait_for_listeners(0);
    ASSERT_TRUE(eventually([&] {
        follower.fresh();
        return listeners(server_).size() == 1;
    }));
    subscription = {};
}

}  // namespace
}  // namespace stele
