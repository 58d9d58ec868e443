#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/server_run.hpp"
#include "support/pgbouncer.hpp"

namespace stele::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json finding_of(const json& document, const std::string& check) {
    for (const json& finding : document.at("findings")) {
        if (finding.at("check") == check) return finding;
    }
    ADD_FAILURE() << check << " in " << document.dump(2);
    return {{"status", ""}, {"finding", ""}, {"fix", ""}};
}

class DoctorOfAPooler : public ::testing::Test {
protected:
    json examine(const std::string& dsn, const Environment& environment = {}) const {
        return run_stele({"doctor", "--json", "--dsn", dsn, "--schema", server.schema()}, environment).document();
    }
    Server server;
    Database database = server.open();
};

TEST_F(DoctorOfAPooler, in_transaction_mode_names_the_option_to_set_and_examines_the_rest) {
    const PgBouncer pooler;
    const json document = examine(pooler.dsn());
    const json connection = finding_of(document, "connection");
    EXPECT_EQ(connection.at("status"), "failure");
    EXPECT_THAT(connection.at("finding").get<std::string>(), HasSubstr("PgBouncer"));
    EXPECT_THAT(connection.at("fix").get<std::string>(), HasSubstr("pooler=transaction"));
    const json found = finding_of(document, "pooler");
    EXPECT_EQ(found.at("status"), "failure");
    EXPECT_THAT(found.at("fix").get<std::string>(), HasSubstr("pooler=transaction"));
    EXPECT_EQ(finding_of(document, "schema").at("status"), "ok");
}

TEST_F(DoctorOfAPooler, that_lets_the_options_pass_is_found_too) {
    const PgBouncer pooler({.more = "ignore_startup_parameters = options"});
    const json document = examine(pooler.dsn());
    EXPECT_EQ(finding_of(document, "connection").at("status"), "ok");
    EXPECT_EQ(finding_of(document, "pooler").at("status"), "failure");
}

TEST_F(DoctorOfAPooler, of_which_stele_was_told_is_fine) {
    const PgBouncer pooler;
    for (const bool by_variable : {false, true}) {
        const json document = by_variable ? examine(pooler.dsn(), {{"POSTGRES_POOLER", "transaction"}})
                                          : examine(pooler.dsn() + " pooler=transaction");
        EXPECT_EQ(finding_of(document, "connection").at("status"), "ok");
        EXPECT_EQ(finding_of(document, "pooler").at("status"), "ok");
        EXPECT_THAT(finding_of(document, "pooler").at("finding").get<std::string>(),
                    HasSubstr("pooler=transaction is right"));
    }
}

TEST_F(DoctorOfAPooler, that_is_not_there_is_not_to_be_named) {
    const json found = finding_of(examine(server_dsn() + " pooler=transaction"), "pooler");
    EXPECT_EQ(found.at("status"), "warning");
    EXPECT_THAT(found.at("fix").get<std::string>(), HasSubstr("leave pooler=transaction out"));
}

TEST_F(DoctorOfAPooler, the_commands_work_behind_it) {
    const PgBouncer pooler;
    const std::string dsn = pooler.dsn() + " pooler=transaction";
    EXPECT_EQ(run_stele({"cache", "put", "question", "answer", "--dsn", dsn, "--schema", server.schema()}).exit, 0);
    const Outcome get = run_stele({"cache", "get", "question", "--dsn", dsn, "--schema", server.schema()});
    EXPECT_EQ(get.exit, 0);
    EXPECT_EQ(get.out, "answer\n");
    EXPECT_EQ(run_stele({"migrate", "--dsn", dsn, "--schema", server.schema() + "_two"}).exit, 0);
    database.execute(Statement(Sql("DROP SCHEMA " + server.schema() + "_two CASCADE")));
}

}  // namespace
}  // namespace stele::test
