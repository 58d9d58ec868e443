#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/server_run.hpp"

namespace stele::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(RefusedConnection, a_database_that_is_not_there_is_named_with_the_command_that_makes_it) {
    const std::string dsn = server_dsn() + " dbname=no_such_database";
    const Outcome run = run_stele({"cache", "get", "q", "--json", "--dsn", dsn});
    EXPECT_EQ(run.exit, 3);
    EXPECT_EQ(run.error().at("code"), "database_missing");
    EXPECT_EQ(run.error().at("retry"), "no");
    const Outcome doctor = run_stele({"doctor", "--json", "--dsn", dsn});
    EXPECT_EQ(doctor.exit, 1);
    EXPECT_THAT(doctor.document().at("findings").at(0).at("fix").get<std::string>(),
                AllOf(HasSubstr("createdb -h "), HasSubstr("--encoding=UTF8 --template=template0 no_such_database")));
}

TEST(RefusedConnection, a_role_that_is_not_there_is_an_authentication_error) {
    const Outcome run = run_stele({"migrate", "--json", "--dsn", server_dsn() + " user=nobody_at_all"});
    EXPECT_EQ(run.exit, 3);
    EXPECT_EQ(run.error().at("code"), "authentication");
}

TEST(RefusedConnection, a_wrong_password_is_refused_and_never_shown) {
    const std::string right = tcp_dsn();  // a Unix socket asks for no password
    std::string wrong = right;
    wrong.replace(wrong.find("password="), 9, "password=Top-Secret-");
    const Outcome get = run_stele({"cache", "get", "q", "--dsn", wrong, "--json"});
    EXPECT_EQ(get.exit, 3);
    EXPECT_EQ(get.error().at("code"), "authentication");
    const Outcome doctor = run_stele({"doctor", "--dsn", wrong, "--verbose"});
    EXPECT_EQ(doctor.exit, 1);
    EXPECT_THAT(doctor.out, AllOf(HasSubstr("refuses this user or password"), HasSubstr("POSTGRES_PASSWORD")));
    EXPECT_EQ(run_stele({"migrate", "--plan", "--dsn", right, "--json"}).exit, 0);
    EXPECT_THAT(get.out + get.err + doctor.out + doctor.err, Not(HasSubstr("Top-Secret")));
}

}  // namespace
}  // namespace stele::test
