// What processes serve after their server went back in time, or became another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "coherence/process.hpp"
#include "stele/database.hpp"
#include "support/eventually.hpp"
#include "support/kill_process.hpp"
#include "support/private_server.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::PrivateServer;
using test::Process;
using Stop = test::PrivateServer::Stop;

constexpr auto kBound = 300ms;  // a standby needs more: its primary's sign of life is a third of it old
const char* const kSchema = "stele";

std::string number(int n) {
    return "{\"n\": " + std::to_string(n) + "}";
}
void wait_out_the_bound() {
    std::this_thread::sleep_for(kBound);
}

Process start(const std::string& dsn, std::vector<std::string> options = {}) {
    options.push_back("bound=" + std::to_string(kBound.count()));
    return Process(STELE_COHERENCE_PROCESS, dsn, kSchema, options);
}
void keep(Process& process, const std::string& key) {
    ASSERT_TRUE(eventually([&] { return process.load(key).kept; }));
}
/// Until the server is there.
std::string load(Process& process, const std::string& key) {
    std::string content;
    EXPECT_TRUE(eventually([&] {
        try {
            content = process.load(key).content;
            return true;
        } catch (const std::runtime_error&) {
            return false;
        }
    }));
    return content;
}

Database bare(const PrivateServer& server) {
    DatabaseOptions options;
    options.dsn = server.dsn();
    options.bare = true;
    return Database::open(options);
}
/// As nobody should: the change log says nothing of it. Stands for what a server forgets when it goes back in time.
void change_in_secret(const PrivateServer& server, int n) {
    Database database = bare(server);
    Transaction transaction = database.begin();
    transaction.execute("SET LOCAL session_replication_role = replica");
    transaction.execute(
        {"INSERT INTO stele.configurations (identifier, content, created) VALUES ('k', $1::text::jsonb, "
         "clock_timestamp())",
         number(n)});
    transaction.commit();
}

class OnAServerOfItsOwn : public testing::Test {
protected:
    OnAServerOfItsOwn() : process_(start(server_.dsn())) { process_.define("k", number(1)); }

    PrivateServer server_;
    Process process_;
};

TEST_F(OnAServerOfItsOwn, a_restart_is_noticed) {
    keep(process_, "k");
    process_.hold();  // so that it does not notice it by its connections alone
    server_.stop(Stop::fast);
    server_.start();
    change_in_secret(server_, 2);
    wait_out_the_bound();
    process_.tell("load k");
    process_.go_on();
    EXPECT_EQ(process_.hear_load().content, number(2));
    keep(process_, "k");
    EXPECT_EQ(process_.load("k").content, number(2)) << "it has forgotten what it knew";
}

TEST_F(OnAServerOfItsOwn, a_crash_is_noticed) {
    keep(process_, "k");
    process_.hold();
    {
        Database database = bare(server_);
        const int backend = database.query("SELECT pg_backend_pid()")[0].get<int>(0);
        test::kill_process(backend);
    }
    ASSERT_TRUE(eventually([&] {
        try {
            change_in_secret(server_, 2);
            return true;
        } catch (const Error&) {
            return false;
        }
    }));
    wait_out_the_bound();
    process_.tell("load k");
    process_.go_on();
    EXPECT_EQ(load(process_, "k"), number(2));
    keep(process_, "k");
    EXPECT_EQ(process_.load("k").content, number(2));
}

TEST_F(OnAServerOfItsOwn, what_a_restored_base_backup_does_not_have_is_not_served) {
    server_.back_up();
    process_.define("k", number(2));
    process_.define("new", number(1));
    keep(process_, "k");
    keep(process_, "new");
    server_.stop(Stop::fast);
    server_.restore();
    server_.start();
    wait_out_the_bound();
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(load(process_, "k"), number(1));
        EXPECT_EQ(load(process_, "new"), "none");
        std::this_thread::sleep_for(20ms);
    }
    keep(process_, "k");
}

TEST_F(OnAServerOfItsOwn, what_a_restored_dump_does_not_have_is_not_served) {
    server_.shell("\"$bindir/pg_dump\" -h \"$2\" -U stele_test -n stele postgres >\"$1/dump\"");
    process_.define("k", number(2));
    keep(process_, "k");
    // at one stroke, with the log's own id and without a word in the log
    server_.shell(
        "{ echo 'DROP SCHEMA stele CASCADE;'; cat \"$1/dump\"; } | \"$bindir/psql\" -X -q -1 -v ON_ERROR_STOP=1 -h "
        "\"$2\" -U stele_test postgres");
    wait_out_the_bound();
    EXPECT_EQ(load(process_, "k"), number(1));
    keep(process_, "k");
    EXPECT_EQ(process_.load("k").content, number(1));
}

class WithAReplica : public OnAServerOfItsOwn {
protected:
    Database primary() const { return bare(server_); }
    Database standby() const { return bare(replica_); }
    /// Until the replica shows all that is committed on the primary.
    void wait_for_replay() const {
        const auto written = primary().query("SELECT pg_current_wal_lsn()::text")[0].get<std::string>(0);
        Database behind = standby();
        ASSERT_TRUE(eventually([&] {
            return behind.query({"SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn", written})[0].get<bool>(0);
        }));
    }
    Process reader() const { return start(replica_.dsn(), {"migrate=off"}); }
    /// Until it is served from memory on the standby, which needs somebody alive on the primary.
    void keep_on_standby(Process& reader) {
        ASSERT_TRUE(eventually([&] {
            process_.load("k");
            return reader.load("k").kept;
        }));
    }

    PrivateServer replica_{PrivateServer::ReplicaOf{server_}};
};

TEST_F(WithAReplica, a_process_on_a_hot_standby_sees_a_change_within_the_bound_and_the_replay) {
    wait_for_replay();
    Process on_standby = reader();
    for (int n = 2; n <= 6; ++n) {
        keep_on_standby(on_standby);
        process_.define("k", number(n));
        wait_for_replay();
        wait_out_the_bound();
        EXPECT_EQ(on_standby.load("k").content, number(n));
    }
}

TEST_F(WithAReplica, a_process_on_a_standby_that_is_paused_serves_nothing_from_memory) {
    wait_for_replay();
    Process on_standby = reader();
    keep_on_standby(on_standby);
    Database database = standby();
    database.query("SELECT pg_wal_replay_pause()");
    ASSERT_TRUE(eventually(
        [&] { return database.query("SELECT pg_get_wal_replay_pause_state()")[0].get<std::string>(0) == "paused"; }));
    process_.define("k", number(2));
    wait_out_the_bound();
    for (int i = 0; i < 10; ++i) {
        EXPECT_FALSE(on_standby.load("k").kept);
        process_.load("k");
        std::this_thread::sleep_for(20ms);
    }
    database.query("SELECT pg_wal_replay_resume()");
    wait_for_replay();
    wait_out_the_bound();
    EXPECT_EQ(on_standby.load("k").content, number(2));
    keep_on_standby(on_standby);
}

TEST_F(WithAReplica, a_process_on_a_standby_whose_primary_is_dead_serves_nothing_from_memory) {
    wait_for_replay();
    Process on_standby = reader();
    keep_on_standby(on_standby);
    server_.stop(Stop::immediate);
    wait_out_the_bound();
    for (int i = 0; i < 10; ++i) {
        const test::Loaded loaded = on_standby.load("k");
        EXPECT_FALSE(loaded.kept);
        EXPECT_EQ(loaded.content, number(1));
        std::this_thread::sleep_for(20ms);
    }
}

TEST_F(WithAReplica, what_a_failover_lost_is_not_served) {
    wait_for_replay();
    Process client = start("host=" + server_.host() + "," + replica_.host() +
                           " user=stele_test dbname=postgres target_session_attrs=read-write");
    Database database = standby();
    database.execute("ALTER SYSTEM SET primary_conninfo = ''");
    database.query("SELECT pg_reload_conf()");
    ASSERT_TRUE(eventually([&] { return database.query("SELECT FROM pg_stat_wal_receiver").empty(); }));
    client.define("k", number(2));
    client.define("new", number(1));
    keep(client, "k");
    keep(client, "new");
    EXPECT_EQ(client.load("k").content, number(2));
    client.hold();
    server_.stop(Stop::immediate);
    ASSERT_TRUE(database.query("SELECT pg_promote()")[0].get<bool>(0));
    // until its transactions have the numbers of those that were lost
    for (int i = 0; i < 100; ++i) database.query("SELECT pg_current_xact_id()");
    client.go_on();
    wait_out_the_bound();
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(load(client, "k"), number(1));
        EXPECT_EQ(load(client, "new"), "none");
        std::this_thread::sleep_for(20ms);
    }
    client.define("k", number(3));
    EXPECT_EQ(client.load("k").content, number(3));
}

}  // namespace
}  // namespace stele
