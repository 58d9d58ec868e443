// The embedded cluster when its server, its keeper or the process that starts it is killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "postgres/cluster_server.hpp"
#include "postgres/cluster_site.hpp"
#include "support/eventually.hpp"
#include "support/kill_process.hpp"

namespace stele::test {
namespace {

using testing::HasSubstr;

TEST_F(ClusterServer, a_killed_server_is_started_again) {
    Cluster cluster = Cluster::start(options_);
    EXPECT_EQ(ask(cluster.dsn(), "CREATE TABLE kept AS SELECT 42 AS value"), "done");
    const long pid = server_pid();
    kill_process(pid);
    ASSERT_TRUE(eventually([&] { return runs_anew(pid); })) << "its keeper does it, unasked";
    EXPECT_EQ(ask(cluster.dsn(), "SELECT value FROM kept"), "42");

    const long second = server_pid();
    kill_process(second);
    EXPECT_TRUE(eventually([&] { return server_pid() != second; }));
    cluster.ensure_running(soon());
    EXPECT_EQ(ask(cluster.dsn(), "SELECT value FROM kept"), "42");
}

TEST_F(ClusterServer, a_killed_keeper_is_replaced_and_its_server_adopted) {
    Cluster cluster = Cluster::start(options_);
    const long pid = server_pid();
    const pid_t keeper = keeper_pid();
    kill_process(keeper);
    ASSERT_TRUE(eventually([&] { return !lock_is_held(directory().keeper_lock()); }));
    EXPECT_EQ(ask(cluster.dsn(), "SELECT 1"), "1") << "the server runs on";

    cluster.ensure_running(soon());
    EXPECT_EQ(server_pid(), pid);
    EXPECT_TRUE(lock_is_held(directory().keeper_lock()));
    kill_process(pid);
    EXPECT_TRUE(eventually([&] { return runs_anew(pid); })) << "the new keeper watches what it adopted";
    EXPECT_EQ(ask(cluster.dsn(), "SELECT 1"), "1");
}

TEST_F(ClusterServer, an_adopted_server_stops_after_its_last_user) {
    {
        Cluster cluster = Cluster::start(options_);
        kill_process(keeper_pid());
        ASSERT_TRUE(eventually([&] { return !lock_is_held(directory().keeper_lock()); }));
        cluster.ensure_running(soon());
    }
    EXPECT_TRUE(eventually([&] { return stopped(); }));
    EXPECT_THAT(log(), HasSubstr("database system is shut down"));
}

TEST_F(ClusterServer, stop_stops_it_in_spite_of_users_who_can_have_it_again) {
    Cluster cluster = Cluster::start(options_);
    EXPECT_TRUE(Cluster::stop(options_));
    EXPECT_TRUE(stopped());
    cluster.ensure_running(soon());
    EXPECT_EQ(ask(cluster.dsn(), "SELECT 1"), "1");

    kill_process(keeper_pid());
    ASSERT_TRUE(eventually([&] { return !lock_is_held(directory().keeper_lock()); }));
    EXPECT_TRUE(Cluster::stop(options_)) << "also when its keeper was killed";
    EXPECT_TRUE(stopped());
}

TEST_F(ClusterServer, a_starter_killed_while_creating_leaves_nothing_half_made) {
    ChildProcess starter = user();
    ASSERT_TRUE(eventually([&] {
        std::error_code ignored;
        for (fs::directory_iterator entry(options_.directory, ignored), end; entry != end; ++entry) {
            if (fs::exists(entry->path() / "data" / "base")) return true;
        }
        return false;
    }));
    starter.kill();
    EXPECT_TRUE(created_majors(options_.directory).empty());
    const Cluster cluster = Cluster::start(options_);
    EXPECT_EQ(ask(cluster.dsn(), "SELECT 1"), "1");
    for (const auto& entry : fs::directory_iterator(options_.directory)) {
        EXPECT_THAT(entry.path().filename().string(),
                    testing::AnyOf("create.lock", std::to_string(Cluster::status(options_).major)));
    }
}

}  // namespace
}  // namespace stele::test
