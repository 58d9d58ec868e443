#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/server_run.hpp"
#include "support/python_tables.hpp"

namespace stele::test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// The findings of a check; it must have at least one.
std::vector<json> findings_of(const json& document, const std::string& check) {
    std::vector<json> found;
    for (const json& finding : document.at("findings")) {
        if (finding.at("check") == check) found.push_back(finding);
    }
    EXPECT_FALSE(found.empty()) << check << " in " << document.dump(2);
    if (found.empty()) found.push_back({{"status", ""}, {"finding", ""}, {"fix", ""}});
    return found;
}

json finding_of(const json& document, const std::string& check) {
    return findings_of(document, check).front();
}

json examine(const Server& server) {
    return run_on(server, {"doctor", "--json"}).document();
}

TEST(Doctor, a_fine_schema_has_nothing_but_the_test_server_s_own_settings_against_it) {
    const Server server;
    server.open();
    const Outcome run = run_on(server, {"doctor", "--json"});
    const json document = run.document();
    std::vector<std::string> checks;
    for (const json& finding : document.at("findings")) {
        const std::string check = finding.at("check");
        checks.push_back(check);
        // a test server trades durability for speed, and may have any version and use
        if (check == "fsync" || check == "full_page_writes" || check == "synchronous_commit" ||
            check == "data_checksums" || check == "server_version" || check == "connections" || check == "pgvector") {
            continue;
        }
        EXPECT_EQ(finding.at("status"), "ok") << finding.dump();
        EXPECT_EQ(finding.at("fix"), nullptr) << finding.dump();
    }
    EXPECT_THAT(checks, ::testing::ElementsAre("connection", "server_version", "writable", "encoding", "role", "fsync",
                                               "full_page_writes", "synchronous_commit", "data_checksums",
                                               "connections", "statement_timeout", "pooler", "pgvector", "schema",
                                               "tables", "indexes", "version_counter", "embedder"));
    EXPECT_EQ(run.exit, document.at("failures") == 0 ? 0 : 1);
    EXPECT_EQ(document.at("healthy"), document.at("failures") == 0);
}

TEST(Doctor, each_finding_s_fix_mends_it) {
    const Server server;
    Database database = server.open();
    const std::string schema = server.schema();
    for (const std::string& sql : {
             "DROP INDEX " + schema + ".idx_entries_ns_lru",
             "DROP INDEX " + schema + ".stele_memories_elements_requests",
             "ALTER TABLE " + schema + ".entries DROP CONSTRAINT entries_namespace_query_hash_key",
             "ALTER TABLE " + schema + ".schema_meta DROP CONSTRAINT schema_meta_pkey",
             "DELETE FROM " + schema + ".multi_process_state",
         }) {
        database.execute(Statement(Sql(sql)));
    }
    const Outcome run = run_on(server, {"doctor", "--json"});
    EXPECT_EQ(run.exit, 1);
    const json sick = run.document();
    std::vector<std::string> fixes;
    for (const std::string check : {"indexes", "version_counter"}) {
        for (const json& finding : findings_of(sick, check)) {
            EXPECT_NE(finding.at("status"), "ok");
            fixes.push_back(finding.at("fix"));
        }
    }
    EXPECT_THAT(
        fixes,
        ::testing::UnorderedElementsAre(
            "ALTER TABLE \"" + schema + "\".schema_meta ADD PRIMARY KEY (key);",
            "ALTER TABLE \"" + schema + "\".entries ADD UNIQUE (namespace, query_hash);",
            "CREATE INDEX CONCURRENTLY idx_entries_ns_lru ON \"" + schema + "\".entries (namespace, last_accessed_at);",
            AllOf(StartsWith("CREATE INDEX CONCURRENTLY stele_memories_elements_requests ON \"" + schema),
                  HasSubstr("\"" + schema + "\".stele_tool_requests(")),
            StartsWith("INSERT INTO \"" + schema + "\".multi_process_state")));
    for (const std::string& fix : fixes) database.execute(Statement(Sql(fix)));
    const json healed = examine(server);
    EXPECT_EQ(finding_of(healed, "indexes").at("status"), "ok");
    EXPECT_EQ(finding_of(healed, "version_counter").at("status"), "ok");
    // above any that a running process can know, as a counter that goes back is taken for a restored backup
    EXPECT_GT(std::stoll(finding_of(healed, "version_counter").at("finding").get<std::string>()), 1'700'000'000'000);
}

TEST(Doctor, entries_that_hold_no_vector_at_all_are_given_zeros_by_the_fix) {
    const Server server;
    Database database = server.open();
    const std::string schema = server.schema();
    database.execute(Statement("INSERT INTO " + schema +
                               ".entries (namespace, query_hash, query, response, embedding, metadata, created_at,"
                               " last_accessed_at) VALUES ('default', 'h', 'q', 'a', '', '{}', 0, 0)"));
    database.execute(
        Statement("INSERT INTO " + schema +
                  ".schema_meta (key, value) VALUES ('embedder_fingerprint', 'e'), ('embedder_dim', '8')"));
    const std::vector<json> findings = findings_of(examine(server), "embedder");
    ASSERT_EQ(findings.size(), 2u);
    EXPECT_EQ(findings[1].at("status"), "warning");
    database.execute(Statement(Sql(findings[1].at("fix").get<std::string>())));
    EXPECT_EQ(findings_of(examine(server), "embedder").size(), 1u);
    EXPECT_EQ(
        database.query(Statement("SELECT octet_length(embedding) FROM " + schema + ".entries"))[0].get<std::int64_t>(0),
        32);
}

TEST(Doctor, a_missing_table_comes_with_the_statement_that_makes_it) {
    const Server server;
    Database database = server.open();
    database.execute(Statement(Sql("DROP TABLE " + server.schema() + ".namespace_quotas")));
    const json finding = finding_of(examine(server), "tables");
    EXPECT_EQ(finding.at("status"), "failure");
    database.execute(Statement(Sql(finding.at("fix").get<std::string>())));
    EXPECT_EQ(finding_of(examine(server), "tables").at("status"), "ok");
}

TEST(Doctor, an_index_whose_building_was_interrupted_is_rebuilt_by_the_fix) {
    const Server server;
    Database database = server.open();
    database.execute(Statement("UPDATE pg_index SET indisvalid = false WHERE indexrelid = $1::text::regclass",
                               server.schema() + ".idx_entries_created_at"));
    const json finding = finding_of(examine(server), "indexes");
    EXPECT_EQ(finding.at("status"), "failure");
    EXPECT_THAT(finding.at("finding").get<std::string>(), HasSubstr("idx_entries_created_at is invalid"));
    database.execute(Statement(Sql(finding.at("fix").get<std::string>())));
    EXPECT_EQ(finding_of(examine(server), "indexes").at("status"), "ok");
}

TEST(Doctor, the_vector_extension_is_shown_with_its_version_and_schema) {
    const Server server;
    server.bare().execute(Statement("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public"));
    const Row row = server.bare().query(
        Statement("SELECT extversion, quote_ident(nspname) FROM pg_extension JOIN pg_namespace n ON n.oid = "
                  "extnamespace WHERE extname = 'vector'"))[0];
    EXPECT_THAT(finding_of(examine(server), "pgvector").at("finding").get<std::string>(),
                StartsWith(row.get<std::string>(0) + " in schema " + row.get<std::string>(1)));
}

TEST(Doctor, an_empty_database_is_told_to_migrate) {
    const Server server;
    const json document = examine(server);
    const std::string fix = finding_of(document, "schema").at("fix");
    EXPECT_THAT(fix, ::testing::AllOf(StartsWith("stele --dsn "),
                                      ::testing::EndsWith(" --schema " + server.schema() + " migrate")));
    EXPECT_EQ(run_program({"sh", "-c", "PATH=$(dirname \"$0\"):$PATH; " + fix, STELE_COMMAND}).exit, 0);
    EXPECT_EQ(finding_of(examine(server), "schema").at("status"), "ok");
    EXPECT_EQ(finding_of(document, "role").at("status"), "ok");
}

TEST(Doctor, the_embedder_of_the_vectors_is_shown) {
    const Server server;
    server.open();
    run_on(server, {"cache", "put", "q", "r", "--embedder", "hashing"});
    EXPECT_THAT(finding_of(examine(server), "embedder").at("finding").get<std::string>(),
                HasSubstr("'stele-hashing-v1-384', 384 elements"));
}

TEST(Doctor, a_role_without_rights_is_told_what_to_grant) {
    const Server server;
    Database database = server.open();
    const std::string role = "doctor_" + server.schema();
    database.execute(Statement(Sql("CREATE ROLE " + role + " LOGIN")));
    database.execute(Statement(Sql("CREATE TABLE " + server.schema() + ".elsewhere (n serial)")));
    const auto look = [&] {
        return run_stele({"doctor", "--json", "--dsn", server_dsn() + " user=" + role, "--schema", server.schema()})
            .document();
    };
    const json stranger = look();
    EXPECT_EQ(finding_of(stranger, "role").at("fix"),
              "GRANT USAGE ON SCHEMA \"" + server.schema() + "\" TO " + role + ";");
    EXPECT_EQ(finding_of(stranger, "schema").at("status"), "failure");

    database.execute(Statement(Sql("GRANT USAGE ON SCHEMA " + server.schema() + " TO " + role)));
    database.execute(Statement(Sql("GRANT SELECT ON ALL TABLES IN SCHEMA " + server.schema() + " TO " + role)));
    const json reader = look();
    EXPECT_EQ(finding_of(reader, "role").at("status"), "ok");
    const json tables = finding_of(reader, "tables");
    EXPECT_EQ(tables.at("status"), "failure");
    const std::string fixes = tables.at("fix");
    EXPECT_THAT(fixes, ::testing::Not(::testing::AnyOf(HasSubstr(" ALL "), HasSubstr("ROLE"), HasSubstr("elsewhere"))));
    for (std::size_t at = 0; at < fixes.size(); at = fixes.find(';', at) + 1) {
        database.execute(Statement(Sql(fixes.substr(at, fixes.find(';', at) - at))));
    }
    EXPECT_EQ(finding_of(look(), "tables").at("status"), "ok");
    const auto error =
        run_stele({"config", "list", "--dsn", server_dsn() + " user=" + role, "--schema", server.schema()});
    EXPECT_EQ(error.exit, 0) << error.err;

    database.execute(Statement(Sql("DROP OWNED BY " + role)));
    database.execute(Statement(Sql("DROP ROLE " + role)));
}

TEST(Doctor, tables_of_another_system_are_to_be_adopted) {
    const Server server;
    Database database = server.bare();
    create_tables(database, kDraive);
    EXPECT_THAT(finding_of(examine(server), "schema").at("fix").get<std::string>(),
                ::testing::EndsWith(" --schema " + server.schema() + " adopt"));
    EXPECT_THAT(error_on(server, {"config", "list"}, 4).at("message").get<std::string>(),
                HasSubstr("run `stele --schema " + server.schema() + " adopt --plan`"));
}

TEST(Doctor, shows_no_password_in_a_command) {
    const Server server;
    const std::string dsn = server_dsn() + " password=Top-Secret";
    const Outcome run = run_stele({"doctor", "--json", "--dsn", dsn, "--schema", server.schema()});
    EXPECT_THAT(finding_of(run.document(), "schema").at("fix").get<std::string>(), HasSubstr("--dsn"));
    EXPECT_THAT(run.out, ::testing::Not(HasSubstr("Top-Secret")));
}

TEST(Doctor, prints_each_finding_with_its_fix_for_people) {
    const Server server;
    const Outcome run = run_on(server, {"doctor"});
    EXPECT_EQ(run.exit, 1);
    EXPECT_THAT(run.out, HasSubstr("FAIL  schema"));
    EXPECT_THAT(run.out, HasSubstr(" --schema " + server.schema() + " migrate"));
    EXPECT_THAT(run.out, HasSubstr("failure"));
}

}  // namespace
}  // namespace stele::test
