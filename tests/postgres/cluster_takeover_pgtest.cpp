// The embedded cluster under the programs of the next major, which take the data of the old over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "postgres/cluster_programs.hpp"
#include "postgres/cluster_server.hpp"
#include "postgres/cluster_site.hpp"

namespace stele::test {
namespace {

using testing::HasSubstr;

/// With programs that call themselves the next major and are the installed ones.
class ClusterTakeover : public ClusterServer {
public:
    ClusterTakeover() {
        // another test's environment must not choose the old programs
        ::unsetenv("STELE_PG_BINDIR");
        const Programs installed = find_programs({});
        old_ = installed.preferred;
        new_ = old_ + 1;
        next_ = root_ / "next";
        fs::create_directory(next_);
        for (const char* name : {"postgres", "initdb", "pg_dump", "pg_dumpall", "pg_restore", "psql"}) {
            wrap(name, (installed.of(old_) / name).string());
        }
    }

protected:
    void wrap(const std::string& name, const std::string& program) {
        fs::remove(next_ / name);
        std::ofstream(next_ / name) << "#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'postgres (PostgreSQL) " << new_
                                    << ".1'; exit; fi\nexec " << program << " \"$@\"\n";
        ::chmod((next_ / name).c_str(), 0755);
    }

    void fill_old() {
        const Cluster cluster = Cluster::start(options_);
        EXPECT_EQ(ask(cluster.dsn(),
                      "CREATE ROLE reader; CREATE SCHEMA \"Odd name\";"
                      "CREATE TABLE \"Odd name\".\"T\" AS SELECT g AS id FROM generate_series(1, 1000) g;"
                      "GRANT SELECT ON \"Odd name\".\"T\" TO reader"),
                  "done");
    }

    fs::path next_;
    int old_ = 0;
    int new_ = 0;
};

TEST_F(ClusterTakeover, brings_everything_and_keeps_the_old) {
    fill_old();
    options_.binaries = next_;
    {
        const Cluster cluster = Cluster::start(options_);
        EXPECT_EQ(directory().path, options_.directory / std::to_string(new_));
        EXPECT_EQ(ask(cluster.dsn(), "SELECT sum(id) FROM \"Odd name\".\"T\""), "500500");
        EXPECT_EQ(ask(cluster.dsn(), "SELECT has_table_privilege('reader', '\"Odd name\".\"T\"', 'SELECT')"), "t");
        EXPECT_EQ(ask(cluster.dsn(), "SHOW data_checksums"), "on");
    }
    const fs::path former = options_.directory / std::to_string(old_);
    EXPECT_TRUE(fs::exists(former / "data" / "PG_VERSION"));
    EXPECT_THAT(read_file(former / "TAKEN_OVER"), HasSubstr((options_.directory / std::to_string(new_)).string()));

    Cluster::stop(options_);
    options_.binaries.clear();
    EXPECT_THAT(error_of_start(), HasSubstr("apt-get install postgresql-" + std::to_string(new_)))
        << "older programs never go back to the old data unasked";
    options_.binaries = next_;
}

TEST_F(ClusterTakeover, that_fails_changes_nothing) {
    fill_old();
    wrap("pg_restore", "sh -c 'echo a failing restore; exit 1'");
    options_.binaries = next_;
    const std::string message = error_of_start();
    EXPECT_THAT(message, HasSubstr("a failing restore"));
    EXPECT_THAT(message, HasSubstr("STELE_PG_BINDIR="));
    EXPECT_THAT(created_majors(options_.directory), testing::ElementsAre(old_));
    options_.binaries.clear();
    const Cluster cluster = Cluster::start(options_);
    EXPECT_EQ(ask(cluster.dsn(), "SELECT sum(id) FROM \"Odd name\".\"T\""), "500500");
}

TEST_F(ClusterTakeover, that_loses_rows_is_noticed) {
    fill_old();
    wrap("pg_restore", (find_programs({}).of(old_) / "pg_restore").string() + " --schema-only");
    options_.binaries = next_;
    EXPECT_THAT(error_of_start(), HasSubstr("table \"Odd name\".\"T\" has 1000 rows, its copy 0"));
    EXPECT_THAT(created_majors(options_.directory), testing::ElementsAre(old_));
    options_.binaries.clear();
}

TEST_F(ClusterTakeover, waits_for_the_users_of_the_old_to_go) {
    ChildProcess other = user();
    ASSERT_EQ(other.hear(), "ready");
    options_.binaries = next_;
    EXPECT_THAT(error_of_start(Deadline::after(seconds(1))), HasSubstr("is in use by other processes"));
    other.kill();
    EXPECT_EQ(error_of_start(), "it started");
}

}  // namespace
}  // namespace stele::test
