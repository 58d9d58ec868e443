// The embedded cluster's decisions and parsers, without a server.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "postgres/cluster_plan.hpp"
#include "postgres/cluster_process.hpp"
#include "postgres/cluster_programs.hpp"
#include "postgres/cluster_site.hpp"
#include "stele/error.hpp"
#include "support/environment.hpp"
#include "support/temporary_directory.hpp"

namespace stele {
namespace {

namespace fs = std::filesystem;
using test::EnvironmentVariable;
using test::TemporaryDirectory;
using testing::ElementsAre;
using testing::HasSubstr;

// A directory with a script that calls itself a server of that major.
void pretend_programs(const fs::path& directory, int major) {
    fs::create_directories(directory);
    for (const char* name : {"postgres", "initdb"}) {
        std::ofstream(directory / name) << "#!/bin/sh\necho 'postgres (PostgreSQL) " << major << ".4 (Debian)'\n";
        ::chmod((directory / name).c_str(), 0755);
    }
}

template <class F>
std::string message_of(F&& call) {
    try {
        call();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::cluster);
        return error.what();
    }
    return "nothing was thrown";
}

TEST(ClusterPlan, creates_for_the_newest_programs_when_nothing_is_there) {
    const ClusterPlan plan = plan_cluster({{13, 15}, 15, {}});
    EXPECT_EQ(plan.step, ClusterStep::create);
    EXPECT_EQ(plan.major, 15);
}

TEST(ClusterPlan, uses_what_is_there) {
    const ClusterPlan plan = plan_cluster({{15}, 15, {13, 15}});
    EXPECT_EQ(plan.step, ClusterStep::use);
    EXPECT_EQ(plan.major, 15);
}

TEST(ClusterPlan, takes_over_from_the_newest_older_directory) {
    const ClusterPlan plan = plan_cluster({{13, 15, 17}, 17, {13, 15}});
    EXPECT_EQ(plan.step, ClusterStep::take_over);
    EXPECT_EQ(plan.major, 17);
    EXPECT_EQ(plan.from, 15);
}

TEST(ClusterPlan, names_the_package_of_the_old_programs_that_a_take_over_needs) {
    const ClusterPlan plan = plan_cluster({{17}, 17, {15}});
    EXPECT_EQ(plan.step, ClusterStep::refuse);
    EXPECT_THAT(plan.refusal, HasSubstr("apt-get install postgresql-15'"));
}

TEST(ClusterPlan, names_the_package_when_the_data_is_newer_than_the_programs) {
    const ClusterPlan plan = plan_cluster({{15}, 15, {15, 17}});
    EXPECT_EQ(plan.step, ClusterStep::refuse);
    EXPECT_THAT(plan.refusal, HasSubstr("apt-get install postgresql-17'"));
}

TEST(ClusterPlan, never_goes_back_to_an_older_directory_when_older_programs_are_named) {
    const ClusterPlan plan = plan_cluster({{15, 17}, 15, {15, 17}});
    EXPECT_EQ(plan.step, ClusterStep::refuse);
    EXPECT_THAT(plan.refusal, HasSubstr("name the programs of 17 in STELE_PG_BINDIR"));
}

TEST(ClusterPlan, names_the_package_when_there_are_no_programs) {
    EXPECT_THAT(plan_cluster({{}, 0, {}}).refusal, HasSubstr("apt-get install postgresql'"));
    EXPECT_THAT(plan_cluster({{}, 0, {15}}).refusal, HasSubstr("apt-get install postgresql-15'"));
}

TEST(ClusterRun, is_done_when_the_server_is_ready_and_kept) {
    EXPECT_EQ(next_run_step({ServerState::ready, true, 0}), RunStep::done);
    EXPECT_EQ(next_run_step({ServerState::ready, true, 1}), RunStep::done);
}

TEST(ClusterRun, a_ready_server_without_a_keeper_gets_one) {
    EXPECT_EQ(next_run_step({ServerState::ready, false, 0}), RunStep::start_keeper);
}

TEST(ClusterRun, a_missing_or_leaving_server_without_a_keeper_gets_one) {
    EXPECT_EQ(next_run_step({ServerState::absent, false, 0}), RunStep::start_keeper);
    EXPECT_EQ(next_run_step({ServerState::busy, false, 0}), RunStep::start_keeper);
}

TEST(ClusterRun, waits_for_the_keeper_to_bring_the_server_up) {
    EXPECT_EQ(next_run_step({ServerState::absent, true, 1}), RunStep::wait);
    EXPECT_EQ(next_run_step({ServerState::busy, true, 0}), RunStep::wait);
}

TEST(ClusterRun, gives_up_when_keeper_after_keeper_ended_without_a_server) {
    EXPECT_EQ(next_run_step({ServerState::absent, false, kKeeperAttempts - 1}), RunStep::start_keeper);
    EXPECT_EQ(next_run_step({ServerState::absent, false, kKeeperAttempts}), RunStep::give_up);
    EXPECT_EQ(next_run_step({ServerState::busy, false, kKeeperAttempts}), RunStep::give_up);
}

TEST(ClusterRun, a_ready_server_whose_keepers_fail_is_still_of_use) {
    EXPECT_EQ(next_run_step({ServerState::ready, false, kKeeperAttempts}), RunStep::done);
}

TEST(ClusterPrograms, the_major_is_read_from_the_version) {
    EXPECT_EQ(parse_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), 15);
    EXPECT_EQ(parse_major("postgres (PostgreSQL) 18beta1\n"), 18);
    EXPECT_EQ(parse_major("postgres (PostgreSQL) \n"), std::nullopt);
    EXPECT_EQ(parse_major("a shell script 15\n"), std::nullopt);
}

TEST(ClusterPrograms, the_newest_installed_major_is_preferred_by_number) {
    const TemporaryDirectory root;
    const EnvironmentVariable none("STELE_PG_BINDIR", "");
    pretend_programs(root.path() / "9" / "bin", 9);
    pretend_programs(root.path() / "15" / "bin", 15);
    fs::create_directories(root.path() / "17" / "bin");  // libraries of a client alone: no server in it
    fs::create_directories(root.path() / "old-20" / "bin");
    const Programs programs = find_programs({}, root.path());
    EXPECT_EQ(programs.preferred, 15);
    EXPECT_EQ(programs.of(15), root.path() / "15" / "bin");
    EXPECT_EQ(programs.of(9), root.path() / "9" / "bin");
    EXPECT_EQ(programs.of(17), fs::path());
}

TEST(ClusterPrograms, named_programs_are_used_and_the_installed_ones_stay_known) {
    const TemporaryDirectory root;
    pretend_programs(root.path() / "17" / "bin", 17);
    pretend_programs(root.path() / "own", 16);
    const EnvironmentVariable variable("STELE_PG_BINDIR", root.path() / "own");
    const Programs programs = find_programs({}, root.path());
    EXPECT_EQ(programs.preferred, 16);
    EXPECT_EQ(programs.of(16), root.path() / "own");
    EXPECT_EQ(programs.of(17), root.path() / "17" / "bin");
    EXPECT_EQ(find_programs(root.path() / "17" / "bin", root.path()).preferred, 17)
        << "the argument beats the variable";
}

TEST(ClusterPrograms, a_tree_of_ones_own_stands_for_the_installed_server_of_its_major) {
    const TemporaryDirectory root;
    const EnvironmentVariable none("STELE_PG_BINDIR", "");
    const fs::path installed = root.path() / "installed";
    const fs::path own = root.path() / "own";
    pretend_programs(installed / "15" / "bin", 15);
    pretend_programs(installed / "16" / "bin", 16);
    const auto tree = [&](int major) {
        return own / std::to_string(major) / (installed / std::to_string(major) / "bin").relative_path();
    };
    pretend_programs(tree(15), 15);
    pretend_programs(tree(17), 17);  // its server was removed: what is left may not run any more
    const Programs programs = find_programs({}, installed, own);
    EXPECT_EQ(programs.of(15), tree(15));
    EXPECT_EQ(programs.of(16), installed / "16" / "bin");
    EXPECT_EQ(programs.preferred, 16);
    const EnvironmentVariable named("STELE_PG_BINDIR", installed / "15" / "bin");
    EXPECT_EQ(find_programs({}, installed, own).of(15), installed / "15" / "bin") << "named beats all";
}

TEST(ClusterPrograms, without_installed_majors_they_are_found_on_the_path) {
    const TemporaryDirectory root;
    const EnvironmentVariable none("STELE_PG_BINDIR", "");
    pretend_programs(root.path() / "own", 16);
    {
        const EnvironmentVariable path("PATH", "relative:" + (root.path() / "own").string());
        EXPECT_EQ(find_programs({}, root.path()).of(16), root.path() / "own");
    }
    const EnvironmentVariable path("PATH", root.path().string());
    EXPECT_EQ(find_programs({}, root.path()).preferred, 0);
}

TEST(ClusterPrograms, a_named_directory_without_programs_is_an_error_that_names_the_package) {
    const TemporaryDirectory root;
    EXPECT_THAT(message_of([&] { find_programs(root.path()); }),
                testing::AllOf(HasSubstr(root.path().string()), HasSubstr("apt-get install postgresql")));
}

TEST(ClusterSite, only_numbers_are_majors) {
    const TemporaryDirectory base;
    for (const char* name : {"9", "15", ".new-abc", "15.old", "x15"}) fs::create_directory(base.path() / name);
    EXPECT_THAT(created_majors(base.path()), ElementsAre(9, 15));
    EXPECT_THAT(created_majors(base.path() / "missing"), ElementsAre());
}

TEST(ClusterSite, the_base_is_the_option_else_the_variable_else_the_users_own) {
    ClusterOptions options;
    const EnvironmentVariable home("HOME", "/home/somebody");
    const EnvironmentVariable xdg("XDG_DATA_HOME", "relative/is/ignored");
    {
        const EnvironmentVariable none("STELE_DATA_DIR", "");
        EXPECT_EQ(cluster_base(options), ::geteuid() == 0 ? "/var/lib/stele" : "/home/somebody/.local/share/stele");
    }
    const EnvironmentVariable variable("STELE_DATA_DIR", "/srv//stele/");
    EXPECT_EQ(cluster_base(options), "/srv/stele");
    options.directory = "/srv/other/../chosen";
    EXPECT_EQ(cluster_base(options), "/srv/chosen");
}

TEST(ClusterSite, the_socket_lies_in_the_directory_while_its_path_is_short_enough) {
    // ".../run/.s.PGSQL.5432" of 107 characters is the longest path of a socket
    const std::string fits(107 - std::string("/run/.s.PGSQL.5432").size() - 1, 'd');
    const ClusterDirectory longest{"/" + fits};
    EXPECT_EQ(socket_directory(longest, 7), longest.path / "run");
    const fs::path shortened = socket_directory({"/" + fits + "d"}, 7);
    EXPECT_THAT(shortened.string(), testing::StartsWith("/tmp/stele-7-"));
    EXPECT_EQ(shortened, socket_directory({"/" + fits + "d"}, 7));
    EXPECT_NE(shortened, socket_directory({"/" + fits + "e"}, 7));
    EXPECT_NE(shortened, socket_directory({"/" + fits + "d"}, 8));
}

TEST(ClusterSite, a_path_that_libpq_would_read_as_two_hosts_gets_a_socket_elsewhere) {
    EXPECT_THAT(socket_directory({"/srv/a,b/15"}, 7).string(), testing::StartsWith("/tmp/stele-7-"));
    EXPECT_THAT(socket_directory({"/srv/a b/15"}, 7).string(), testing::StartsWith("/tmp/stele-7-"));
}

TEST(ClusterSite, a_socket_directory_that_others_can_enter_is_refused) {
    const TemporaryDirectory root;
    const Account self{::geteuid(), ::getegid(), "self"};
    make_socket_directory(root.path() / "run", self);
    make_socket_directory(root.path() / "run", self);
    ::chmod((root.path() / "run").c_str(), 0755);
    EXPECT_THAT(message_of([&] { make_socket_directory(root.path() / "run", self); }), HasSubstr("would not be safe"));
    fs::create_symlink("/tmp", root.path() / "link");
    EXPECT_THAT(message_of([&] { make_socket_directory(root.path() / "link", self); }), HasSubstr("would not be safe"));
}

TEST(ClusterSite, the_postmaster_file_tells_the_process_and_whether_it_is_ready) {
    const std::string head = "4711\n/data\n1790000000\n5432\n/run\n\n  1234 5\n";
    const auto ready = parse_postmaster_file(head + "ready   \n");
    ASSERT_TRUE(ready);
    EXPECT_EQ(ready->pid, 4711);
    EXPECT_TRUE(ready->ready);
    EXPECT_FALSE(parse_postmaster_file(head + "starting\n")->ready);
    EXPECT_FALSE(parse_postmaster_file(head)->ready);
    EXPECT_FALSE(parse_postmaster_file(""));
    EXPECT_FALSE(parse_postmaster_file("garbage\n"));
    EXPECT_FALSE(parse_postmaster_file("-4711\n")) << "a standalone backend";
}

TEST(ClusterProcess, gives_input_collects_output_and_reports_the_end) {
    Command command;
    command.arguments = {"/bin/sh", "-c", "cat; echo error >&2; exit 3"};
    command.input = "input\n";
    Process process(command);
    EXPECT_EQ(process.wait(), 3);
    EXPECT_EQ(process.output(), "input\nerror\n");
    command.arguments = {"/bin/sh", "-c", "kill -9 $$"};
    EXPECT_EQ(Process(command).wait(), 256 + 9);
}

TEST(ClusterProcess, inherits_nothing_but_the_descriptor_that_is_kept) {
    const TemporaryDirectory root;
    std::ofstream(root.path() / "kept") << "kept";
    const int kept = ::open((root.path() / "kept").c_str(), O_RDONLY);
    const int other = ::dup(kept);
    Command command;
    command.arguments = {"/bin/sh", "-c", "cat <&3; pwd; ls /proc/self/fd | wc -l"};
    command.keep = kept;
    EXPECT_EQ(run_command(command, "looking"), "kept/\n5\n") << "0 to 3, and the listed directory itself";
    ::close(kept);
    ::close(other);
}

TEST(ClusterProcess, a_failure_says_why_it_was_run_and_how_it_ended) {
    Command command;
    command.arguments = {"/bin/sh", "-c", "echo details; exit 2"};
    EXPECT_THAT(message_of([&] { run_command(command, "cannot do it"); }),
                testing::AllOf(HasSubstr("cannot do it"), HasSubstr("with exit status 2"), HasSubstr("details")));
    command.arguments = {"/missing/program"};
    EXPECT_THAT(message_of([&] { run_command(command, "cannot do it"); }), HasSubstr("/missing/program"));
}

TEST(ClusterProcess, the_last_lines_of_a_text) {
    EXPECT_EQ(last_lines("a\nb\nc\n", 2), "b\nc");
    EXPECT_EQ(last_lines("a\nb\nc", 1), "c");
    EXPECT_EQ(last_lines("a\nb", 5), "a\nb");
    EXPECT_EQ(last_lines("\n\n", 5), "");
    EXPECT_EQ(last_lines("", 5), "");
}

}  // namespace
}  // namespace stele
