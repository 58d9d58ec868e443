#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "stele/database.hpp"
#include "stele/migrations.hpp"
#include "support/eventually.hpp"
#include "support/own_database.hpp"
#include "support/python_tables.hpp"
#include "support/role.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::kDraive;
using test::kDraiveMemories;
using test::kDraiveTurns;
using test::kMneme;
using test::Role;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Migration step(int number, std::string sql, bool transactional = true) {
    return {number, "step_" + std::to_string(number), std::move(sql), transactional};
}

class Migrations : public ::testing::Test {
protected:
    DatabaseOptions bare_options() {
        DatabaseOptions options = server_.bare_options();
        options.max_connections = 1;  // a migration must not need more
        return options;
    }

    std::int64_t count(const std::string& from, const std::string& where = "true") {
        const Statement statement(Sql("SELECT count(*) FROM " + in_schema(from) + " WHERE " + where));
        return database_.query(statement)[0].get<std::int64_t>(0);
    }
    bool exists(const std::string& relation) {
        const Statement statement("SELECT to_regclass($1) IS NOT NULL", in_schema(relation));
        return database_.query(statement)[0].get<bool>(0);
    }
    void execute(const std::string& sql) { database_.execute(Statement(Sql(sql))); }
    std::string in_schema(const std::string& name) const { return database_.quoted_schema() + "." + name; }

    std::vector<int> applied() {
        std::vector<int> numbers;
        const Statement statement(Sql("SELECT number FROM " + in_schema("stele_migrations") + " ORDER BY number"));
        for (const Row& row : database_.query(statement)) numbers.push_back(row.get<std::int32_t>(0));
        return numbers;
    }
    std::vector<int> run(const std::vector<Migration>& all, std::optional<Deadline> deadline = {}) {
        return migrate(database_, deadline, all);
    }
    ErrorInfo failure_of(const std::vector<Migration>& all) {
        return error_of([&] { run(all); });
    }

    /// Waits until another session waits for a lock while it runs a statement that holds this text.
    void wait_until_blocked(const std::string& text) {
        const Statement look(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND strpos(query, $1) > 0 AND pid <> pg_backend_pid()",
            text);
        EXPECT_TRUE(test::eventually([&] { return database_.query(look)[0].get<std::int64_t>(0) > 0; })) << text;
    }

    test::Server server_;
    Database database_ = Database::open(bare_options());
};

const Migration kTable = step(1, "CREATE TABLE {schema}.t (a int); INSERT INTO {schema}.t VALUES (1), (2)");

TEST_F(Migrations, draive_016_a_missing_table_is_created_and_only_later_migrations_run) {
    const Migration second = step(2, "INSERT INTO {schema}.t VALUES (3)");
    const Migration third = step(3, "UPDATE {schema}.t SET a = a * 10");
    EXPECT_THAT(run({kTable}), ElementsAre(1));
    EXPECT_THAT(run({kTable, second, third}), ElementsAre(2, 3));
    EXPECT_THAT(run({kTable, second, third}), IsEmpty());
    EXPECT_EQ(count("t", "a IN (10, 20, 30)"), 3);
    EXPECT_THAT(applied(), ElementsAre(1, 2, 3));
    EXPECT_EQ(count("stele_migrations", "name = 'step_' || number AND length(checksum) = 64"), 3);
}

TEST_F(Migrations, draive_017_a_failing_migration_is_undone_and_earlier_ones_stay) {
    const auto error = failure_of({kTable,
                                   step(2,
                                        "CREATE TABLE {schema}.u (a int); INSERT INTO {schema}.t VALUES (3); "
                                        "SELECT 1/0"),
                                   step(3, "CREATE TABLE {schema}.v (a int)")});
    EXPECT_EQ(error.sqlstate, "22012");
    EXPECT_EQ(error.server_message, "division by zero");
    EXPECT_THAT(error.message, HasSubstr("migration 2 (step_2)"));
    EXPECT_THAT(applied(), ElementsAre(1));
    EXPECT_EQ(count("t"), 2);
    EXPECT_FALSE(exists("u"));
    EXPECT_FALSE(exists("v"));
    EXPECT_THAT(run({kTable, step(2, "CREATE TABLE {schema}.u (a int)")}), ElementsAre(2));
}

TEST_F(Migrations, draive_018_a_malformed_list_is_refused_before_anything_is_done) {
    EXPECT_EQ(failure_of({kTable, step(3, "SELECT 1")}).code, ErrorCode::invalid_argument);
    EXPECT_EQ(failure_of({kTable, step(2, "SELECT 1; COMMIT")}).code, ErrorCode::invalid_argument);
    EXPECT_EQ(failure_of({kTable, step(2, "SELECT 'x")}).code, ErrorCode::invalid_argument);
    EXPECT_FALSE(exists("stele_migrations"));
}

TEST_F(Migrations, draive_019_a_newer_database_is_refused_by_every_call) {
    const std::vector<Migration> newer{kTable, step(2, "SELECT 1")};
    const std::vector<Migration> older{kTable};
    run(newer);
    for (const ErrorInfo& error : {failure_of(older), error_of([&] { migration_status(database_, {}, older); }),
                                   error_of([&] { check_migrated(database_, {}, older); })}) {
        EXPECT_EQ(error.code, ErrorCode::schema_newer);
        EXPECT_THAT(error.message, AllOf(HasSubstr("migration 2 (step_2)"), HasSubstr("knows 1")));
    }
}

TEST_F(Migrations, draive_020_concurrent_runners_apply_each_migration_once) {
    const std::vector<Migration> all{kTable, step(2, "SELECT pg_sleep(0.02); INSERT INTO {schema}.t VALUES (3)"),
                                     step(3, "CREATE INDEX CONCURRENTLY IF NOT EXISTS t_a ON {schema}.t (a)", false),
                                     step(4, "INSERT INTO {schema}.t VALUES (4)")};
    std::vector<std::future<std::vector<int>>> runners;
    runners.reserve(8);
    for (int i = 0; i < 8; ++i) {
        runners.push_back(std::async(std::launch::async, [&] {
            Database own = Database::open(bare_options());
            return migrate(own, {}, all);
        }));
    }
    std::vector<int> done;
    for (auto& runner : runners) {
        for (const int number : runner.get()) done.push_back(number);
    }
    EXPECT_THAT(done, ::testing::UnorderedElementsAre(1, 2, 3, 4));
    EXPECT_THAT(applied(), ElementsAre(1, 2, 3, 4));
    EXPECT_EQ(count("t"), 4);
}

TEST_F(Migrations, draive_020_waiting_for_another_runner_ends_at_the_deadline) {
    Database other = Database::open(bare_options());
    // Asked for, not waited for: a test beside this one may be building an index under the lock.
    const Statement take("SELECT pg_try_advisory_xact_lock(1264456023)");
    Transaction holder = other.begin();
    while (!holder.query(take)[0].get<bool>(0)) {
        holder.rollback();
        std::this_thread::sleep_for(5ms);
        holder = other.begin();
    }
    const auto error = error_of([&] { run({kTable}, Deadline::after(200ms)); });
    EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
    EXPECT_FALSE(exists("stele_migrations"));
    holder.rollback();
    EXPECT_THAT(run({kTable}), ElementsAre(1));
}

TEST_F(Migrations, draive_021_lock_and_timeouts_are_released_after_success_and_failure) {
    const auto settings = [&] {  // the pool has one connection, so it is the one that migrated
        const Row row = database_.query(Statement(
            "SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks, "
            "current_setting('lock_timeout') AS lock_timeout, current_setting('statement_timeout') AS "
            "statement_timeout"))[0];
        return row.get<std::string>("lock_timeout") + " " + row.get<std::string>("statement_timeout") + " " +
               std::to_string(row.get<std::int64_t>("locks"));
    };
    const std::string before = settings();
    run({kTable});
    EXPECT_EQ(settings(), before);
    failure_of({kTable, step(2, "SELECT 1/0")});
    EXPECT_EQ(settings(), before);
}

TEST_F(Migrations, an_edited_migration_is_refused) {
    run({kTable});
    const std::vector<Migration> edited{step(1, kTable.sql + " "), step(2, "SELECT 1")};
    EXPECT_EQ(failure_of(edited).code, ErrorCode::schema_changed);
    EXPECT_EQ(error_of([&] { check_migrated(database_, {}, edited); }).code, ErrorCode::schema_changed);
    EXPECT_TRUE(migration_status(database_, {}, edited)[0].changed);
    EXPECT_THAT(applied(), ElementsAre(1));
}

TEST_F(Migrations, status_and_check_say_what_is_pending_and_change_nothing) {
    const std::vector<Migration> all{kTable, step(2, "SELECT 1")};
    for (const MigrationStatus& status : migration_status(database_, {}, all)) EXPECT_FALSE(status.applied);
    auto error = error_of([&] { check_migrated(database_, {}, all); });
    EXPECT_EQ(error.code, ErrorCode::schema_missing);
    EXPECT_THAT(error.message, AllOf(HasSubstr(database_.schema()), HasSubstr(" migrate`")));
    EXPECT_FALSE(exists("stele_migrations"));

    run({kTable});
    const auto statuses = migration_status(database_, {}, all);
    EXPECT_TRUE(statuses[0].applied && statuses[0].applied_at && !statuses[0].changed);
    EXPECT_FALSE(statuses[1].applied || statuses[1].applied_at);
    error = error_of([&] { check_migrated(database_, {}, all); });
    EXPECT_EQ(error.code, ErrorCode::schema_missing);
    EXPECT_THAT(error.message, HasSubstr("migration 2"));
    run(all);
    check_migrated(database_, {}, all);
}

TEST_F(Migrations, an_index_is_built_concurrently_by_a_pool_of_one_connection) {
    const std::vector<Migration> all{kTable, step(2,
                                                  "CREATE INDEX CONCURRENTLY IF NOT EXISTS t_a ON {schema}.t (a); "
                                                  "CREATE INDEX CONCURRENTLY IF NOT EXISTS t_b ON {schema}.t ((a + 1))",
                                                  false)};
    EXPECT_THAT(run(all, Deadline::after(20s)), ElementsAre(1, 2));
    EXPECT_THAT(run(all), IsEmpty());
    EXPECT_TRUE(exists("t_a") && exists("t_b"));
}

TEST_F(Migrations, a_first_migration_can_run_outside_a_transaction) {
    EXPECT_THAT(run({step(1, "CREATE TABLE IF NOT EXISTS {schema}.t (a int)", false)}, Deadline::after(20s)),
                ElementsAre(1));
    EXPECT_TRUE(exists("t"));
}

TEST_F(Migrations, an_invalid_index_left_by_an_interrupted_run_is_built_again) {
    const std::vector<Migration> all{
        kTable, step(2, "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS t_a ON {schema}.t (a)", false)};
    run({kTable});
    execute("INSERT INTO " + in_schema("t") + " VALUES (2)");
    EXPECT_EQ(failure_of(all).sqlstate, "23505");
    EXPECT_THAT(applied(), ElementsAre(1));
    ASSERT_TRUE(exists("t_a"));  // invalid: no query uses it, and IF NOT EXISTS would leave it so

    execute("DELETE FROM " + in_schema("t") + " WHERE a = 2");
    EXPECT_THAT(run(all), ElementsAre(2));
    const Statement valid("SELECT indisvalid FROM pg_index WHERE indexrelid = $1::regclass", in_schema("t_a"));
    EXPECT_TRUE(database_.query(valid)[0].get<bool>(0));
}

TEST_F(Migrations, a_session_killed_at_any_step_leaves_nothing_half_applied) {
    const std::string kill = "SELECT pg_terminate_backend(pg_backend_pid())";
    const std::vector<std::string> parts{"CREATE TABLE {schema}.u (a int)", "INSERT INTO {schema}.t VALUES (3)",
                                         "INSERT INTO {schema}.u VALUES (1)"};
    const auto migration = [&](std::size_t killed_before) {
        std::string sql;
        for (std::size_t i = 0; i <= parts.size(); ++i) {
            if (i == killed_before) sql += kill + ";";
            if (i < parts.size()) sql += parts[i] + ";";
        }
        return step(2, sql);
    };
    const auto expect_untouched = [&](const std::string& when) {
        EXPECT_THAT(applied(), ElementsAre(1)) << when;
        EXPECT_EQ(count("t"), 2) << when;
        EXPECT_FALSE(exists("u")) << when;
    };
    run({kTable});
    for (std::size_t at = 0; at <= parts.size(); ++at) {
        EXPECT_EQ(failure_of({kTable, migration(at)}).code, ErrorCode::unavailable);
        expect_untouched("killed before statement " + std::to_string(at + 1));
    }

    // when it notes the migration, and while it commits
    execute("CREATE FUNCTION " + in_schema("kill()") + " RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM " +
            kill.substr(7) + "; RETURN NEW; END $$");
    for (const char* when : {"TRIGGER killer AFTER INSERT ON %",
                             "CONSTRAINT TRIGGER killer AFTER INSERT ON % DEFERRABLE INITIALLY DEFERRED"}) {
        std::string sql = "CREATE " + std::string(when) + " FOR EACH ROW EXECUTE FUNCTION " + in_schema("kill()");
        execute(sql.replace(sql.find('%'), 1, in_schema("stele_migrations")));
        EXPECT_EQ(failure_of({kTable, migration(99)}).code, ErrorCode::unavailable);
        expect_untouched(when);
        execute("DROP TRIGGER killer ON " + in_schema("stele_migrations"));
    }
    EXPECT_THAT(run({kTable, migration(99)}), ElementsAre(2));
    EXPECT_EQ(count("u"), 1);
}

TEST_F(Migrations, a_killed_migration_outside_a_transaction_runs_again_from_its_first_statement) {
    const std::string index = "CREATE INDEX CONCURRENTLY IF NOT EXISTS t_a ON {schema}.t (a)";
    run({kTable});
    const auto error = failure_of({kTable, step(2, index + "; SELECT pg_terminate_backend(pg_backend_pid())", false)});
    EXPECT_EQ(error.code, ErrorCode::unavailable);
    EXPECT_TRUE(exists("t_a"));
    EXPECT_THAT(applied(), ElementsAre(1));
    EXPECT_THAT(run({kTable, step(2, index, false)}), ElementsAre(2));
}

TEST_F(Migrations, someone_who_creates_the_schema_at_the_same_moment_without_the_lock_does_no_harm) {
    // in one database an index that another test builds might wait for the creator, and we for the lock of that test
    const test::OwnDatabase place;
    DatabaseOptions options = bare_options();
    options.dsn = place.dsn();
    Database other = Database::open(options);
    Transaction creator = other.begin();
    creator.execute(Statement(Sql("CREATE SCHEMA " + database_.quoted_schema())));
    auto migrated = std::async(std::launch::async, [&] {
        Database own = Database::open(options);
        return migrate(own, {}, {kTable});
    });
    wait_until_blocked("CREATE SCHEMA " + database_.quoted_schema());
    creator.commit();
    EXPECT_THAT(migrated.get(), ElementsAre(1));
}

TEST_F(Migrations, a_schema_of_draives_is_taken_over_unharmed) {
    run({step(1, kDraive)});
    execute("DROP TABLE " + in_schema("stele_migrations"));
    migrate(database_);
    EXPECT_EQ(count("configurations"), 1);
    EXPECT_EQ(count("stele_changes"), 0);
    execute("INSERT INTO " + in_schema("templates") + " (identifier, content) VALUES ('t', 'Hi')");
    EXPECT_EQ(count("stele_changes", "store = 'templates' AND key = 't'"), 1);
}

TEST_F(Migrations, a_schema_of_mnemes_is_taken_over_unharmed) {
    run({step(1, kMneme)});
    execute("DROP TABLE " + in_schema("stele_migrations"));
    migrate(database_);
    EXPECT_EQ(count("entries"), 1);
    EXPECT_EQ(count("multi_process_state", "key = 'version_counter' AND value = '41'"), 1);
    EXPECT_EQ(count("schema_meta"), 2);
    EXPECT_EQ(count("stele_scopes"), 0);
    check_migrated(database_);
}

TEST_F(Migrations, steles_own_tables_are_those_of_mneme_and_draive) {
    const auto shape = [](Database& database) {
        std::vector<std::string> lines;
        const Statement columns(
            "SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, replace(column_default, $1, '')) "
            "FROM information_schema.columns WHERE table_schema = $1 AND table_name NOT LIKE 'stele\\_%' AND "
            "column_name NOT LIKE "
            "'stele\\_%' ORDER BY 1",
            database.schema());
        const Statement indexes(
            "SELECT replace(indexdef, $1, '') FROM pg_indexes WHERE schemaname = $1 AND tablename NOT LIKE 'stele\\_%' "
            "AND indexname NOT LIKE 'stele\\_%' ORDER BY 1",
            database.schema());
        for (const Statement& statement : {columns, indexes}) {
            for (const Row& row : database.query(statement)) lines.push_back(row.get<std::string>(0));
        }
        return lines;
    };
    test::Server mnemes;
    Database other = mnemes.bare();
    migrate(other, {}, {step(1, kMneme), step(2, kDraive), step(3, kDraiveMemories), step(4, kDraiveTurns)});
    migrate(database_);
    EXPECT_THAT(shape(database_), ::testing::ElementsAreArray(shape(other)));
    EXPECT_EQ(count("multi_process_state", "key = 'version_counter' AND value = '0'"), 1);
    EXPECT_EQ(count("schema_meta", "key = 'schema_version' AND value = '1'"), 1);
}

TEST_F(Migrations, a_role_that_only_reads_and_writes_can_use_a_provisioned_schema) {
    migrate(database_);
    Role role(database_, database_.schema() + "_app");
    role.execute("GRANT USAGE ON SCHEMA " + database_.quoted_schema() + " TO " + role.name());
    role.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + database_.quoted_schema() + " TO " +
                 role.name());
    DatabaseOptions options = role.assumed(server_.options());  // migrates when it is opened
    Database limited = Database::open(options);
    EXPECT_EQ(limited.query(Statement("SELECT current_user::text"))[0].get<std::string>(0), role.name());
    check_migrated(limited);
}

TEST_F(Migrations, a_role_without_rights_is_told_what_to_ask_for) {
    Role role(database_, database_.schema() + "_app");
    Database limited = Database::open(role.assumed(bare_options()));
    auto error = error_of([&] { migrate(limited); });
    EXPECT_EQ(error.code, ErrorCode::permission);
    EXPECT_THAT(error.message,
                AllOf(HasSubstr("stele migrate"), HasSubstr("GRANT CREATE"), HasSubstr(database_.schema())));

    migrate(database_);
    error = error_of([&] { migrate(limited); });
    EXPECT_EQ(error.code, ErrorCode::permission);
    EXPECT_THAT(error.message, AllOf(HasSubstr("stele_migrations"), HasSubstr("GRANT USAGE")));
}

TEST_F(Migrations, a_role_that_may_create_in_a_given_schema_needs_no_right_on_the_database) {
    execute("CREATE SCHEMA " + database_.quoted_schema());
    Role role(database_, database_.schema() + "_owner");
    role.execute("GRANT USAGE, CREATE ON SCHEMA " + database_.quoted_schema() + " TO " + role.name());
    Database limited = Database::open(role.assumed(bare_options()));
    EXPECT_THAT(migrate(limited), ::testing::Not(IsEmpty()));
    check_migrated(limited);
}

}  // namespace
}  // namespace stele
