// Many callers on a wire that breaks, before a server that dies: nothing acknowledged is lost, nothing is applied
// twice, every answer is its caller's, nobody waits past his deadline, and all is well again without help.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <thread>

#include "chaos/storm.hpp"
#include "support/private_server.hpp"
#include "support/proxy.hpp"
#include "support/server.hpp"

namespace stele::test {
namespace {

using namespace std::chrono_literals;

/// Faults of the wire, each on the transport where it is at home.
class ChaosOfTheWire : public testing::Test {
protected:
    void storm(const std::string& name, Transport transport, const std::function<void(Storm&, Proxy&)>& fault) {
        const std::string direct = transport == Transport::tcp ? tcp_dsn() : server_dsn();
        Proxy proxy(direct, transport);
        Storm storm(name, server.schema(), proxy.dsn(), direct);
        storm.run([&] { fault(storm, proxy); }, [&] { proxy.heal(); });
        const Proxy::Counts counts = proxy.counts();
        fmt::print(
            "chaos: {}: the wire made {} connections, cut {}, carried {} kB there and {} kB back, swallowed {} B\n",
            name, counts.connections, counts.cuts, counts.bytes[0] / 1024, counts.bytes[1] / 1024,
            counts.swallowed_bytes);
        EXPECT_GT(storm.counts().failed + storm.counts().in_doubt, 0u) << "no call felt the fault";
    }
    Server server;
};

TEST_F(ChaosOfTheWire, a_delay_that_comes_and_goes_costs_nothing_but_time) {
    storm("delay", Transport::tcp, [](Storm& storm, Proxy& proxy) {
        proxy.delay(Way::to_server, storm.between(0, 30) * 1ms);
        proxy.delay(Way::to_client, storm.between(0, 30) * 1ms);
        storm.pause(100, 300);
        if (storm.between(0, 3) > 0) return;
        proxy.delay(700ms);  // more than some deadlines, less than others
        storm.pause(100, 300);
    });
}

TEST_F(ChaosOfTheWire, a_connection_cut_at_any_byte_loses_no_write_and_repeats_none) {
    storm("cut", Transport::tcp, [](Storm& storm, Proxy& proxy) {
        const std::uint64_t before = proxy.counts().cuts;
        const auto way = storm.between(0, 1) == 0 ? Way::to_server : Way::to_client;
        proxy.cut_after(way, static_cast<std::uint64_t>(storm.between(0, 3'000)));
        for (int i = 0; i < 100 && proxy.counts().cuts == before; ++i) storm.pause(1, 1);
        storm.pause(0, 20);
    });
}

TEST_F(ChaosOfTheWire, a_server_that_takes_no_connection_is_found_again_when_it_does) {
    storm("stop accepting", Transport::unix_socket, [](Storm& storm, Proxy& proxy) {
        proxy.door(storm.between(0, 1) == 0 ? Door::silent : Door::shut);
        proxy.cut_all();
        storm.hold();
        proxy.door(Door::open);
        storm.pause(100, 300);
    });
}

TEST_F(ChaosOfTheWire, half_open_connections_hold_nobody_past_the_deadline) {
    storm("half-open", Transport::tcp, [](Storm& storm, Proxy& proxy) {
        const int which = storm.between(0, 2);
        if (which != 0) proxy.swallow(Way::to_server);
        if (which != 1) proxy.swallow(Way::to_client);
        storm.hold();
        proxy.heal();
        storm.pause(100, 300);
    });
}

TEST(ChaosOfTheServer, killed_backends_lose_no_write_and_repeat_none) {
    Server server;
    Database direct = server.bare();
    Storm storm("backends killed", server.schema(), server_dsn(), server_dsn());
    int kills = 0;
    const auto kill = [&](int most) {
        const Statement some(
            "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE application_name = $1 "
            "ORDER BY random() LIMIT $2) AS victims",
            storm.application(), std::int64_t{most});
        kills += static_cast<int>(direct.query(some).size());
    };
    storm.run(
        [&] {
            kill(storm.between(0, 9) == 0 ? 100 : 1);
            storm.pause(2, 40);
        },
        [] {});
    fmt::print("chaos: {}: {} backends\n", storm.application(), kills);
    EXPECT_GT(kills, 50);
    EXPECT_GT(storm.counts().in_doubt, 0u) << "no call felt the fault";
}

class ChaosOfRestarts : public testing::Test {
protected:
    void storm(const std::string& name, PrivateServer::Stop how) {
        PrivateServer server;
        Storm storm(name, "chaos", server.dsn(), server.dsn());
        int restarts = 0;
        const auto restart = [&] {
            storm.pause(100, 400);
            server.stop(how);
            storm.pause(0, 200);
            server.start();
            ++restarts;
        };
        storm.run(restart, [] {});
        fmt::print("chaos: {}: {} restarts\n", name, restarts);
        EXPECT_GT(restarts, 1);
        EXPECT_GT(storm.counts().failed + storm.counts().in_doubt, 0u) << "no call felt the fault";
    }
};

TEST_F(ChaosOfRestarts, a_server_that_is_shut_down_and_comes_back_is_used_again) {
    storm("restarted", PrivateServer::Stop::fast);
}

TEST_F(ChaosOfRestarts, a_server_that_crashes_keeps_every_acknowledged_write) {
    storm("crashed", PrivateServer::Stop::immediate);
}

// Whether a commit happened is asked of a server that went down meanwhile.
class CommitAcrossARestart : public testing::Test {
protected:
    CommitAcrossARestart() { database.execute("CREATE TABLE log (who text)"); }
    static DatabaseOptions options(std::string dsn) {
        DatabaseOptions options;
        options.dsn = std::move(dsn);
        options.bare = true;
        return options;
    }
    bool stored(const char* who) { return !database.query({"SELECT FROM log WHERE who = $1", who}).empty(); }
    PrivateServer server;
    Proxy proxy{server.dsn()};
    Database database = Database::open(options(proxy.dsn()));
};

TEST_F(CommitAcrossARestart, is_known_after_a_clean_shutdown) {
    Transaction transaction = database.begin();
    transaction.execute("INSERT INTO log VALUES ('stored')");
    proxy.refuse(true);
    proxy.drop_reply(1);
    std::thread committer([&] { EXPECT_NO_THROW(transaction.commit()); });
    while (!proxy.dropped()) std::this_thread::sleep_for(1ms);
    server.stop(PrivateServer::Stop::fast);
    server.start();
    proxy.heal();
    committer.join();
    EXPECT_TRUE(stored("stored"));
}

TEST_F(CommitAcrossARestart, is_not_taken_for_that_of_a_stranger_who_got_its_id_after_a_crash) {
    Transaction lost = database.begin();
    lost.execute("INSERT INTO log VALUES ('lost')");
    server.stop(PrivateServer::Stop::immediate);  // before its records were stored
    server.start();
    for (int i = 0; i < 20; ++i) database.execute("INSERT INTO log VALUES ('stranger')");
    EXPECT_TRUE(error_of([&] { lost.commit(); }).in_doubt);
    EXPECT_FALSE(stored("lost"));
}

}  // namespace
}  // namespace stele::test
