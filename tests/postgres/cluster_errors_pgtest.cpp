// What keeps an embedded cluster from being created or started, and what is said about it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "postgres/cluster_server.hpp"
#include "postgres/cluster_site.hpp"

namespace stele::test {
namespace {

using testing::HasSubstr;

TEST_F(ClusterServer, a_disk_that_is_full_while_creating_is_reported_and_leaves_nothing) {
    ChildProcess starter([&](const ChildProcess::Say&) {
        rlimit limit{1 << 20, 1 << 20};  // bytes of a file; the transaction log has larger ones
        ::setrlimit(RLIMIT_FSIZE, &limit);
        const Cluster cluster = Cluster::start(options_);
    });
    EXPECT_THAT(starter.hear(), HasSubstr("cannot create the PostgreSQL cluster in " + options_.directory.string()));
    EXPECT_TRUE(created_majors(options_.directory).empty());
    for (const auto& entry : fs::directory_iterator(options_.directory)) {
        EXPECT_EQ(entry.path().filename(), "create.lock");
    }
    const Cluster cluster = Cluster::start(options_);
    EXPECT_EQ(ask(cluster.dsn(), "SELECT 1"), "1");
}

TEST_F(ClusterServer, a_server_that_does_not_start_is_reported_with_the_end_of_its_log) {
    {
        const Cluster cluster = Cluster::start(options_);
    }
    Cluster::stop(options_);
    const fs::path settings = directory().data() / "postgresql.conf";
    const auto size = fs::file_size(settings);
    std::ofstream(settings, std::ios::app) << "no_such_setting = 1\n";
    const std::string message = error_of_start();
    EXPECT_THAT(message, HasSubstr("does not start"));
    EXPECT_THAT(message, HasSubstr("unrecognized configuration parameter \"no_such_setting\""));
    fs::resize_file(settings, size);
    EXPECT_EQ(error_of_start(), "it started");
}

TEST_F(ClusterServer, who_creates_it_is_named_to_those_who_wait_in_vain) {
    fs::create_directory(options_.directory);
    std::ofstream(options_.directory / "create.lock") << "4242\n";
    const int lock = ::open((options_.directory / "create.lock").c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_EQ(::flock(lock, LOCK_EX | LOCK_NB), 0);
    EXPECT_THAT(error_of_start(Deadline::after(milliseconds(50))),
                HasSubstr("process 4242 is still creating the cluster"));
    ::close(lock);
}

TEST_F(ClusterServer, a_directory_that_cannot_be_made_is_an_error) {
    std::ofstream(root_ / "file") << "";
    options_.directory = root_ / "file" / "base";
    EXPECT_THAT(error_of_start(), HasSubstr((root_ / "file").string() + " is not a directory"));
    options_.directory = "/proc/stele";
    EXPECT_THAT(error_of_start(), HasSubstr("cannot create /proc/stele"));
}

TEST_F(ClusterServer, a_file_in_the_place_of_the_cluster_is_an_error) {
    const fs::path place = Cluster::status(options_).directory;
    fs::create_directory(options_.directory);
    std::ofstream(place) << "";
    EXPECT_THAT(error_of_start(), HasSubstr(place.string() + " is not a directory"));
    fs::remove(place);
}

TEST_F(ClusterServer, an_account_that_does_not_exist_is_an_error) {
    options_.account = "no-such-account";
    EXPECT_THAT(error_of_start(), HasSubstr("'no-such-account'"));
}

TEST_F(ClusterServer, data_of_another_user_is_refused) {
    fs::path foreign = "/";  // root's, on every machine
    ChildProcess stranger([&](const ChildProcess::Say& say) {
        if (::geteuid() == 0) {
            const passwd* nobody = ::getpwnam("nobody");
            if (::setgid(nobody->pw_gid) != 0 || ::setuid(nobody->pw_uid) != 0) say("cannot become nobody");
        }
        cluster_owner(options_, foreign);
    });
    EXPECT_THAT(stranger.hear(), HasSubstr("/ belongs to user 'root': run as that user or as root"));
}

TEST_F(ClusterServer, a_parent_that_the_server_cannot_enter_is_named) {
    const fs::path closed = root_ / "closed";
    fs::create_directory(closed);
    ::chmod(closed.c_str(), 0700);
    options_.directory = closed / "base";
    const std::string outcome = error_of_start();
    if (::geteuid() == 0) {
        EXPECT_THAT(outcome, HasSubstr("cannot enter " + closed.string() + " (mode 0700)"));
    } else {
        EXPECT_EQ(outcome, "it started");
    }
}

TEST_F(ClusterServer, missing_programs_are_named_by_their_package) {
    options_.binaries = root_;
    EXPECT_THAT(error_of_start(), HasSubstr("apt-get install postgresql"));
    options_.binaries.clear();
    fs::create_directories(options_.directory / "99");
    EXPECT_THAT(error_of_start(), HasSubstr("apt-get install postgresql-99"));
    fs::remove(options_.directory / "99");
    fs::create_directories(options_.directory / "9");
    EXPECT_THAT(error_of_start(), HasSubstr("apt-get install postgresql-9'"));
}

}  // namespace
}  // namespace stele::test
