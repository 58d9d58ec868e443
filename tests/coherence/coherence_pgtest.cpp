// What several processes with stores on one database see of each other.
//
// Deadlines hold however slow the machine is: a load may be late, and what it serves from memory is then checked by the
// process's own clock. So a test only waits until the bound has passed, and never fails because it waited longer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "coherence/process.hpp"
#include "stele/database.hpp"
#include "support/eventually.hpp"
#include "support/pgbouncer.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::PgBouncer;
using test::Process;
using test::Server;

constexpr auto kBound = 100ms;

std::string number(int n) {
    return "{\"n\": " + std::to_string(n) + "}";
}
void wait_out_the_bound() {
    std::this_thread::sleep_for(kBound);
}

class Processes : public testing::Test {
protected:
    Process start(const std::string& dsn = test::server_dsn(), const std::vector<std::string>& options = {}) const {
        return Process(STELE_COHERENCE_PROCESS, dsn, server_.schema(), options);
    }
    /// Until it is served from memory.
    static void keep(Process& process, const std::string& key) {
        ASSERT_TRUE(eventually([&] { return process.load(key).kept; }));
    }
    /// What other software would do.
    void insert(const std::string& key, int n) {
        bare_.execute(Statement(Sql("INSERT INTO " + server_.schema() +
                                    ".configurations (identifier, content, created) VALUES ($1, $2::text::jsonb, "
                                    "clock_timestamp())"),
                                key, number(n)));
    }
    /// Ends the sessions of that application whose last statement looks like this; returns how many.
    std::size_t end_sessions(const std::string& application, const std::string& query) {
        return bare_
            .query({"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND query LIKE "
                    "$2",
                    application, query})
            .size();
    }

    Server server_;
    Database bare_ = server_.bare();
};

TEST_F(Processes, see_each_others_changes_within_the_bound) {
    Process a = start(), b = start(test::server_dsn(), {"hints=off"});
    a.define("k", number(0));
    for (int n = 1; n <= 10; ++n) {
        keep(a, "k");
        keep(b, "k");
        (n % 2 == 0 ? a : b).define("k", number(n));
        EXPECT_EQ((n % 2 == 0 ? a : b).load("k").content, number(n)) << "one's own at once";
        wait_out_the_bound();
        EXPECT_EQ(a.load("k").content, number(n));
        EXPECT_EQ(b.load("k").content, number(n));
    }
    a.remove("k");
    wait_out_the_bound();
    EXPECT_EQ(b.load("k").content, "none");
    keep(b, "k");
    insert("k", 11);
    wait_out_the_bound();
    EXPECT_EQ(b.load("k").content, number(11));
}

TEST_F(Processes, that_stood_still_serve_nothing_from_before) {
    Process still = start(), other = start();
    other.define("k", number(0));
    for (int n = 1; n <= 5; ++n) {
        keep(still, "k");
        still.hold();
        other.define("k", number(n));
        std::this_thread::sleep_for(3 * kBound);
        still.tell("load k");  // it finds this when it goes on, before or after its follower does anything
        still.go_on();
        EXPECT_EQ(still.hear_load().content, number(n));
    }
}

TEST_F(Processes, see_nothing_of_a_transaction_before_its_commit_and_nothing_of_one_rolled_back) {
    Process writer = start(), reader = start();
    writer.define("k", number(0));
    for (int n = 1; n <= 6; ++n) {
        keep(reader, "k");
        const std::string before = reader.load("k").content;
        writer.begin();
        writer.define("k", number(n));
        EXPECT_EQ(writer.inside("k"), number(n));
        wait_out_the_bound();
        EXPECT_EQ(reader.load("k").content, before);
        EXPECT_EQ(writer.load("k").content, before) << "outside its transaction";
        if (n % 2 == 0) {
            writer.commit();
        } else {
            writer.rollback();
        }
        wait_out_the_bound();
        EXPECT_EQ(reader.load("k").content, n % 2 == 0 ? number(n) : before);
    }
}

TEST_F(Processes, are_not_delayed_by_a_long_transaction_and_see_it_when_it_commits) {
    Process slow = start(), quick = start(), reader = start();
    slow.define("slow", number(0));
    slow.begin();
    slow.define("slow", number(1));
    for (int n = 1; n <= 2000; ++n) insert("bulk", n);
    for (int n = 1; n <= 3; ++n) {
        quick.define("quick", number(n));
        wait_out_the_bound();
        EXPECT_EQ(reader.load("quick").content, number(n));
        EXPECT_EQ(reader.load("slow").content, number(0));
    }
    EXPECT_EQ(reader.load("bulk").content, number(2000));
    keep(reader, "slow");
    slow.commit();
    wait_out_the_bound();
    EXPECT_EQ(reader.load("slow").content, number(1));
}

TEST_F(Processes, lose_nothing_with_the_connections_of_their_follower) {
    Process writer = start(), reader = start(test::server_dsn() + " application_name=reader");
    std::size_t ended = 0;
    for (int n = 1; n <= 6; ++n) {
        keep(reader, "k");
        if (n % 2 == 0) ended += end_sessions("reader", "%");
        writer.define("k", number(n));
        if (n % 2 == 1) ended += end_sessions("reader", "%pg_current_snapshot%");
        wait_out_the_bound();
        EXPECT_EQ(reader.load("k").content, number(n));
    }
    EXPECT_GE(ended, 3u);
}

TEST_F(Processes, lose_nothing_with_the_connection_that_listens) {
    Process writer = start(), reader = start(test::server_dsn() + " application_name=reader");
    for (int n = 1; n <= 3; ++n) {
        keep(reader, "k");
        ASSERT_TRUE(eventually([&] {
            reader.load("k");
            return end_sessions("reader", "LISTEN%") > 0;
        }));
        writer.define("k", number(n));
        wait_out_the_bound();
        EXPECT_EQ(reader.load("k").content, number(n));
    }
}

TEST_F(Processes, are_coherent_behind_a_transaction_pooler) {
    const PgBouncer bouncer;
    const std::string dsn = bouncer.dsn() + " pooler=transaction";
    Process a = start(dsn), b = start(dsn), direct = start();
    for (int n = 1; n <= 6; ++n) {
        keep(b, "k");
        keep(direct, "k");
        b.hold();
        a.define("k", number(n));
        wait_out_the_bound();
        b.tell("load k");
        b.go_on();
        EXPECT_EQ(b.hear_load().content, number(n));
        EXPECT_EQ(direct.load("k").content, number(n));
        keep(a, "k");
        direct.define("k", number(-n));
        wait_out_the_bound();
        EXPECT_EQ(a.load("k").content, number(-n));
    }
}

}  // namespace
}  // namespace stele
