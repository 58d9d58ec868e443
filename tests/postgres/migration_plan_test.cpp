#include "postgres/migration_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace stele {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Migration made(int number, std::string sql = "SELECT 1") {
    return {number, "step_" + std::to_string(number), std::move(sql), true};
}

AppliedMigration applied(const Migration& migration) {
    return {migration.number, migration.name, migration.checksum(), Timestamp()};
}

std::vector<int> planned(const std::vector<Migration>& all, const std::vector<AppliedMigration>& rows) {
    std::vector<int> numbers;
    for (const Migration* migration : value_or_raise(plan_migrations(all, rows))) numbers.push_back(migration->number);
    return numbers;
}

TEST(MigrationPlan, draive_016_only_later_migrations_are_pending_and_in_order) {
    const std::vector<Migration> all{made(1), made(2), made(3)};
    EXPECT_THAT(planned(all, {}), ElementsAre(1, 2, 3));
    EXPECT_THAT(planned(all, {applied(all[0])}), ElementsAre(2, 3));
    EXPECT_THAT(planned(all, {applied(all[0]), applied(all[1]), applied(all[2])}), IsEmpty());
    EXPECT_THAT(planned({}, {}), IsEmpty());
}

TEST(MigrationPlan, draive_018_numbers_run_from_one_without_gaps_or_duplicates) {
    for (const auto& numbers : {std::vector<int>{0, 1}, {2}, {1, 3}, {1, 1}, {2, 1}, {-1}}) {
        std::vector<Migration> all;
        for (const int number : numbers) all.push_back(made(number));
        const auto plan = plan_migrations(all, {});
        ASSERT_FALSE(plan);
        EXPECT_EQ(plan.error().code, ErrorCode::invalid_argument);
        EXPECT_THAT(plan.error().message, HasSubstr("1, 2, 3"));
    }
}

TEST(MigrationPlan, draive_018_files_are_named_by_number_and_name) {
    const Migration read = value_or_raise(read_migration("0012_change_log.sql", "SELECT 1;\n"));
    EXPECT_EQ(read.number, 12);
    EXPECT_EQ(read.name, "change_log");
    EXPECT_EQ(read.sql, "SELECT 1;\n");
    EXPECT_TRUE(read.transactional);
    for (const char* name : {"", "x.sql", "1.sql", "1_x", "_x.sql", "x_1.sql", "1a_x.sql", "1_x.SQL", ".sql"}) {
        EXPECT_FALSE(read_migration(name, "SELECT 1")) << name;
    }
}

TEST(MigrationPlan, draive_019_a_newer_database_is_refused_with_both_numbers) {
    const std::vector<Migration> all{made(1), made(2)};
    const auto plan = plan_migrations(all, {applied(all[0]), applied(all[1]), applied(made(7))});
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, ErrorCode::schema_newer);
    EXPECT_THAT(plan.error().message, AllOf(HasSubstr("migration 7 (step_7)"), HasSubstr("knows 2")));
    EXPECT_FALSE(compare_migrations(all, {applied(made(3))}));
    EXPECT_FALSE(compare_migrations(all, {applied(made(0))}));
}

TEST(MigrationPlan, an_edited_migration_is_refused_and_shown) {
    const std::vector<Migration> all{made(1), made(2), made(3)};
    const std::vector<AppliedMigration> rows{applied(all[0]), applied(made(2, "SELECT 2"))};
    const auto plan = plan_migrations(all, rows);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, ErrorCode::schema_changed);
    EXPECT_THAT(plan.error().message, AllOf(HasSubstr("migration 2 (step_2)"), HasSubstr(all[1].checksum())));

    const auto statuses = value_or_raise(compare_migrations(all, rows));
    ASSERT_THAT(statuses, SizeIs(3));
    EXPECT_TRUE(statuses[0].applied && !statuses[0].changed && statuses[0].applied_at);
    EXPECT_TRUE(statuses[1].applied && statuses[1].changed);
    EXPECT_TRUE(!statuses[2].applied && !statuses[2].changed && !statuses[2].applied_at);
}

TEST(MigrationPlan, a_checksum_is_the_sha256_of_the_text) {
    EXPECT_EQ(made(1, "abc").checksum(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(MigrationPlan, the_first_line_can_take_a_migration_out_of_transactions) {
    EXPECT_FALSE(value_or_raise(read_migration("1_x.sql", "-- stele: no transaction\nSELECT 1")).transactional);
    EXPECT_FALSE(value_or_raise(read_migration("1_x.sql", "-- stele: no transaction")).transactional);
    EXPECT_TRUE(value_or_raise(read_migration("1_x.sql", "-- x\n-- stele: no transaction\nSELECT 1")).transactional);
    EXPECT_TRUE(value_or_raise(read_migration("1_x.sql", "-- stele: no transactions\nSELECT 1")).transactional);
}

TEST(MigrationPlan, the_schema_is_put_in_place_wherever_it_is_marked) {
    auto statements = migration_statements(
        made(1, "CREATE TABLE {schema}.a (); SELECT '{schema}', $$ {schema}.f() $$;"), "\"my\"\"schema\"");
    EXPECT_THAT(
        value_or_raise(std::move(statements)),
        ElementsAre("CREATE TABLE \"my\"\"schema\".a ()", "SELECT '\"my\"\"schema\"', $$ \"my\"\"schema\".f() $$"));
}

TEST(MigrationPlan, a_migration_must_hold_statements_and_leave_transactions_alone) {
    for (const char* sql : {"", "-- nothing", "SELECT 'x", "SELECT 1; COMMIT", "begin; SELECT 1", "START TRANSACTION",
                            "END", "Rollback", "SAVEPOINT a", "RELEASE a", "ABORT", "PREPARE TRANSACTION 'x'"}) {
        const auto statements = migration_statements(made(4, sql), "\"s\"");
        ASSERT_FALSE(statements) << sql;
        EXPECT_THAT(statements.error().message, HasSubstr("migration 4 (step_4)"));
    }
    EXPECT_TRUE(migration_statements(made(1, "DO $$ BEGIN NULL; END $$"), "\"s\""));
}

TEST(MigrationPlan, names_are_found_as_whole_words) {
    const std::vector<std::string> names{"idx", "idx_a", "idx_b", "größe"};
    EXPECT_THAT(names_in("CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_a ON \"idx_b\"", names),
                ElementsAre("idx_a", "idx_b"));
    EXPECT_THAT(names_in("xidx idx_ab idx", names), ElementsAre("idx"));
    EXPECT_THAT(names_in("größen", names), IsEmpty());
}

TEST(MigrationPlan, steles_own_migrations_are_well_formed) {
    const auto& all = migrations();
    EXPECT_THAT(planned(all, {}), SizeIs(all.size()));
    std::set<std::string> names;
    for (const Migration& migration : all) {
        EXPECT_TRUE(names.insert(migration.name).second) << migration.name;
        for (const std::string& statement : value_or_raise(migration_statements(migration, "\"schema_here\""))) {
            EXPECT_THAT(statement, HasSubstr("\"schema_here\".")) << "names nothing in the schema: " << statement;
        }
    }
}

// An applied migration must never change. To change the schema, add one, and add it here.
TEST(MigrationPlan, the_checksums_of_released_migrations_stay) {
    std::vector<std::string> checksums;
    for (const Migration& migration : migrations()) checksums.push_back(migration.checksum());
    EXPECT_THAT(checksums, ElementsAre("bc65290fe827daba5f5c540a7e0841d81af8c7da8a64d312f1b8824dff0b2c10",
                                       "ac0cfc78bfef6d4caf6a951d4cace45579808224a5d755075200db0bb6f1be41",
                                       "35ef59efb879b79634463423b63039b5eafcdeb8afc2bc5484ab433171d9b13c",
                                       "a093b9187ae650dcd38f9afe3a9a4d833c26bc2e07fe368c27105cc22f3a8bbd",
                                       "937626b0ab5e7371651d8b8d00f1419de4451d97919a2e506716b2bd4216e6e9",
                                       "399057c07806fcf35faa8c8e34eb4a9d7fe113bd437a0120207d1cb42309b5d5",
                                       "2f45cba1b1699165a9d2caa47096bb534453a606ac4df376b7aca48a80531472",
                                       "22413a63cbcf10c6d4c0d4191d5224d58dcb02c4af51c24e8c623d2224ca1832",
                                       "21e9a02bdf03edc60c999817cbaa023787af76af797e32207a8bdf7715c0a3c1",
                                       "5c3267d5e62e63239532eee47752f8c9b2adf860835e9ca1f9692013d7eec293",
                                       "d820239cf60dbe91eff6a45f6f1ccf9522b982a3e4b1f92f4d97f20192ef3488",
                                       "297222b34a09eb7a899e50f79b9a468adfc565086ccdbf4a125df4445a17378e",
                                       "7e7c9115f5c4303d55e544237c201b52877751a89cd53e5ac07d7bb9c4dee4d1",
                                       "25e49723692f69dcf8d5ee088e845d1e10349b72518798e27fba9ee56cbfc07c",
                                       "0e4f97a6234632f42950c98ecc30d08c8f7f58b6eae23168b1fe54ab4320a42c",
                                       "079484e3fdba3db1414ea5075692b3ce7f54c24619ad886230b70aa7ef6dcc05",
                                       "fb5cf5f29cb21ffea7482b0c71420010b39334eb423af657a676109b5f2bff51",
                                       "8e399efe5efd268184f4a1a65a6aa3f539ee96c921e479d33ba9d09c5fbdcb9e"));
}

}  // namespace
}  // namespace stele
