#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/server_run.hpp"
#include "stele/migrations.hpp"

namespace stele::test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

bool exists(const Server& server) {
    return server.bare()
        .query(Statement("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", server.schema()))[0]
        .get<bool>(0);
}

TEST(MigrateCommand, a_plan_shows_the_sql_and_changes_nothing) {
    const Server server;
    const Outcome run = run_on(server, {"migrate", "--plan", "--json"});
    ASSERT_EQ(run.exit, 0) << run.err;
    const json plan = run.document();
    EXPECT_EQ(plan.at("schema"), server.schema());
    ASSERT_EQ(plan.at("pending").size(), migrations().size());
    const std::string sql = plan.at("pending").at(0).at("sql");
    EXPECT_THAT(sql, AllOf(HasSubstr("CREATE TABLE IF NOT EXISTS \"" + server.schema() + "\".entries"),
                           Not(HasSubstr("{schema}"))));
    EXPECT_FALSE(exists(server));
    const Outcome text = run_on(server, {"migrate", "--plan"});
    EXPECT_THAT(text.out, HasSubstr("-- 1 "));
    EXPECT_THAT(text.err, HasSubstr("nothing was changed"));
}

TEST(MigrateCommand, applies_once_and_then_says_so) {
    const Server server;
    EXPECT_EQ(run_on(server, {"migrate", "--status"}).exit, 1);
    const Outcome first = run_on(server, {"migrate", "--json"});
    ASSERT_EQ(first.exit, 0) << first.err;
    EXPECT_EQ(first.document().at("applied").size(), migrations().size());
    EXPECT_EQ(first.document().at("applied").at(0).at("number"), 1);
    const Outcome second = run_on(server, {"migrate", "--json"});
    EXPECT_EQ(second.document().at("applied"), json::array());

    const Outcome status = run_on(server, {"migrate", "--status", "--json"});
    EXPECT_EQ(status.exit, 0);
    const json document = status.document();
    EXPECT_EQ(document.at("up_to_date"), true);
    const json& entry = document.at("migrations").at(0);
    EXPECT_EQ(entry.at("number"), 1);
    EXPECT_EQ(entry.at("applied"), true);
    EXPECT_EQ(entry.at("changed"), false);
    EXPECT_THAT(entry.at("applied_at").get<std::string>(), HasSubstr("T"));
}

TEST(MigrateCommand, a_table_of_another_s_is_no_table_of_stele_s) {
    const Server server;
    Database database = server.bare();
    database.execute(Statement(Sql("CREATE SCHEMA " + server.schema())));
    database.execute(Statement(Sql("CREATE TABLE " + server.schema() + ".configurations (id int, content text)")));
    const json error = error_on(server, {"migrate"}, 4);
    EXPECT_EQ(error.at("code"), "schema_conflict");
    EXPECT_THAT(error.at("message").get<std::string>(), AllOf(HasSubstr("configurations"), HasSubstr("identifier")));
    EXPECT_EQ(run_on(server, {"migrate", "--status"}).exit, 1);
}

TEST(MigrateCommand, a_newer_schema_does_not_fit) {
    const Server server;
    server.open().execute(Statement(Sql("INSERT INTO " + server.schema() +
                                        ".stele_migrations (number, name, checksum) VALUES (999, 'future', 'x')")));
    const Outcome run = run_on(server, {"migrate", "--json"});
    EXPECT_EQ(run.exit, 4);
    EXPECT_EQ(run.error().at("code"), "schema_newer");
}

}  // namespace
}  // namespace stele::test
