// The embedded cluster: what it is, how it is shared, when it stops.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "postgres/cluster_server.hpp"
#include "postgres/cluster_site.hpp"
#include "support/eventually.hpp"

namespace stele::test {
namespace {

using testing::HasSubstr;

TEST_F(ClusterServer, is_private_and_durable) {
    const Cluster cluster = Cluster::start(options_);
    EXPECT_EQ(ask(cluster.dsn(), "SELECT current_user || ' ' || current_database()"), "stele stele");
    EXPECT_EQ(ask(cluster.dsn(), "SHOW listen_addresses"), "");
    EXPECT_EQ(ask(cluster.dsn(), "SHOW data_checksums"), "on");
    EXPECT_EQ(ask(cluster.dsn(), "SHOW fsync"), "on");
    EXPECT_EQ(ask(cluster.dsn(), "SHOW synchronous_commit"), "on");
    EXPECT_EQ(ask(cluster.dsn(), "SHOW server_encoding"), "UTF8");
    EXPECT_EQ(ask(cluster.dsn(), "SELECT datcollate || datctype FROM pg_database WHERE datname = 'stele'"), "CC");
    EXPECT_EQ(ask(cluster.dsn(), "SELECT string_agg(DISTINCT type || ' ' || auth_method, ',') FROM pg_hba_file_rules"),
              "local peer");
    struct stat status{};
    ASSERT_EQ(::stat(directory().path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0700U);
    EXPECT_NE(status.st_uid, 0U);
    ASSERT_EQ(::stat(cluster.dsn().parameters().at("host").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0700U);
}

TEST_F(ClusterServer, data_survives_a_stop_and_a_start) {
    {
        const Cluster cluster = Cluster::start(options_);
        EXPECT_EQ(ask(cluster.dsn(), "CREATE TABLE kept AS SELECT 42 AS value"), "done");
    }
    EXPECT_TRUE(Cluster::stop(options_));
    EXPECT_FALSE(running());
    EXPECT_FALSE(Cluster::stop(options_)) << "nothing is left to stop";
    const Cluster cluster = Cluster::start(options_);
    EXPECT_EQ(ask(cluster.dsn(), "SELECT value FROM kept"), "42");
}

TEST_F(ClusterServer, status_of_nothing_changes_nothing) {
    const ClusterStatus status = Cluster::status(options_);
    EXPECT_FALSE(status.created);
    EXPECT_FALSE(status.running);
    EXPECT_EQ(status.major, 0);
    EXPECT_EQ(status.pid, 0);
    EXPECT_FALSE(Cluster::stop(options_));
    EXPECT_FALSE(fs::exists(options_.directory));
}

TEST_F(ClusterServer, status_shows_what_runs) {
    const Cluster cluster = Cluster::start(options_);
    const ClusterStatus status = Cluster::status(options_);
    EXPECT_TRUE(status.created);
    EXPECT_TRUE(status.running);
    EXPECT_EQ(status.directory, options_.directory / std::to_string(status.major));
    EXPECT_EQ(status.socket_directory, cluster.dsn().parameters().at("host"));
    EXPECT_TRUE(fs::exists(status.binaries / "postgres"));
    EXPECT_THAT(read_file(status.log), HasSubstr("ready to accept connections"));
    EXPECT_EQ(read_file(status.directory / "data" / "postmaster.pid").rfind(std::to_string(status.pid), 0), 0U);
}

TEST_F(ClusterServer, many_processes_may_start_it_at_once) {
    std::vector<ChildProcess> users;
    users.reserve(8);
    while (users.size() < 8) users.push_back(user());
    for (ChildProcess& one : users) EXPECT_EQ(one.hear(), "ready");
    const std::string text = log();
    const std::size_t first = text.find("starting PostgreSQL");
    EXPECT_NE(first, std::string::npos);
    EXPECT_EQ(text.find("starting PostgreSQL", first + 1), std::string::npos) << text;
}

TEST_F(ClusterServer, starts_without_an_environment) {
    ChildProcess bare([&](const ChildProcess::Say& say) {
        const ClusterStatus before = Cluster::status(options_);
        ::clearenv();
        ::setenv("STELE_PG_BINDIR", before.binaries.c_str(), 1);
        ::setenv("PATH", "/nonexistent", 1);
        ::umask(0777);
        const Cluster cluster = Cluster::start(options_);
        say(ask(cluster.dsn(), "SELECT 'answer'"));
    });
    EXPECT_EQ(bare.hear(), "answer");
    EXPECT_TRUE(bare.succeeded());
}

TEST_F(ClusterServer, outlives_its_killed_starter_and_stops_after_its_last_user) {
    ChildProcess starter = user();
    ASSERT_EQ(starter.hear(), "ready");
    const long pid = server_pid();
    starter.kill();
    {
        const Cluster second = Cluster::start(options_);
        std::this_thread::sleep_for(options_.linger + milliseconds(500));
        EXPECT_EQ(server_pid(), pid) << "a user that came while it lingered keeps it";
        EXPECT_EQ(ask(second.dsn(), "SELECT 1"), "1");
    }
    EXPECT_TRUE(eventually([&] { return stopped(); }));
    EXPECT_THAT(log(), HasSubstr("database system is shut down"));
}

TEST_F(ClusterServer, without_linger_it_stops_with_its_last_user_and_starts_for_the_next) {
    options_.linger = seconds(0);
    for (int i = 0; i < 3; ++i) {
        // the second and third come while the server of the one before may still be stopping
        Cluster cluster = Cluster::start(options_);
        EXPECT_EQ(ask(cluster.dsn(), "SELECT 1"), "1");
    }
    EXPECT_TRUE(eventually([&] { return stopped(); }));
}

TEST_F(ClusterServer, the_last_comer_decides_how_long_it_lingers) {
    options_.linger = seconds(3600);
    const Cluster first = Cluster::start(options_);
    options_.linger = seconds(0);
    {
        const Cluster second = Cluster::start(options_);
    }
    EXPECT_TRUE(running());
    {
        const Cluster gone = std::move(const_cast<Cluster&>(first));
    }
    EXPECT_TRUE(eventually([&] { return stopped(); }));
}

TEST_F(ClusterServer, a_long_path_gets_its_socket_elsewhere) {
    options_.directory = root_ / std::string(100, 'd') / std::string(100, 'e');
    const Cluster cluster = Cluster::start(options_);
    EXPECT_EQ(ask(cluster.dsn(), "SELECT 1"), "1");
    EXPECT_LT(cluster.dsn().parameters().at("host").size(), 90U);
}

}  // namespace
}  // namespace stele::test
