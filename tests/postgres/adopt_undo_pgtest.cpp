#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "postgres/adopt_fixture.hpp"
#include "stele/adopt.hpp"
#include "stele/labels.hpp"
#include "support/own_database.hpp"
#include "support/python_tables.hpp"
#include "support/server.hpp"
#include "support/session.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::Adopt;
using test::create_tables;
using test::dump;
using test::error_of;
using test::kDraive;
using test::kHaiway;
using test::kMneme;
using test::rows_of;
using test::table;
using test::write_as_python;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

void adopt_and_give_back(Database& database, const std::string& dsn, const std::string& tables) {
    create_tables(database, tables);
    const std::string before = dump(dsn, database.schema());
    for (int round = 1; round <= 2; ++round) {
        const auto rows = rows_of(database);
        const AdoptionPlan done = adopt(database);
        EXPECT_EQ(done.migrations.size(), migrations().size());
        check_migrated(database);
        for (const std::string& row : rows) EXPECT_THAT(rows_of(database), Contains(row));
        EXPECT_THAT(adopt(database).created, IsEmpty());

        write_as_python(database, tables, round);
        const Statement log(Sql("SELECT count(*) FROM " + database.quoted_schema() + ".stele_changes WHERE key = $1"),
                            std::to_string(round));
        const auto writes = [&tables](const char* table) { return tables.find(table) != std::string::npos ? 1 : 0; };
        EXPECT_EQ(database.query(log)[0].get<std::int64_t>(0), writes("configurations") + writes("entries"));
        const auto written = rows_of(database);

        const UndoPlan planned = plan_undo(database);
        EXPECT_NE(dump(dsn, database.schema()), before);
        const UndoPlan undone = undo_adoption(database);
        EXPECT_EQ(planned.dropped, undone.dropped);
        EXPECT_THAT(undone.kept, IsEmpty());
        EXPECT_EQ(dump(dsn, database.schema()), before);
        for (const std::string& row : rows_of(database)) EXPECT_THAT(written, Contains(row));
        write_as_python(database, tables, 100 + round);
    }
}

TEST_F(Adopt, adopting_and_undoing_leaves_a_schema_of_draives_as_it_was) {
    adopt_and_give_back(database_, test::server_dsn(), kDraive);
}
TEST_F(Adopt, adopting_and_undoing_leaves_a_schema_of_mnemes_as_it_was) {
    adopt_and_give_back(database_, test::server_dsn(), kMneme);
}
/// As the Python libraries have it.
TEST_F(Adopt, adopting_and_undoing_leaves_public_as_it_was) {
    for (const std::string& tables :
         {std::string(kDraive) + test::kDraiveMemories + test::kDraiveTurns + kMneme, std::string(kHaiway) + kMneme}) {
        const test::OwnDatabase own;
        DatabaseOptions options;
        options.dsn = own.dsn();
        options.schema = "public";
        options.bare = true;
        options.max_connections = 1;
        Database database = Database::open(options);
        adopt_and_give_back(database, own.dsn(), tables);
    }
}

TEST_F(Adopt, undoing_waits_for_readers_no_longer_than_told) {
    create_tables(database_, kDraive);
    adopt(database_);
    const std::string before = shape();
    Database other = Database::open(bare_options());
    Transaction reader = other.begin({.read_only = true});
    const int pid = test::backend_pid(reader);
    reader.query(Statement(Sql("SELECT FROM " + in_schema("configurations"))));
    test::leave_no_snapshot(reader);
    const ErrorInfo error = error_of([&] { undo_adoption(database_, {.lock_timeout = 200ms}); });
    EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
    EXPECT_THAT(error.message, AllOf(HasSubstr("\"configurations\""), HasSubstr("process " + std::to_string(pid))));
    EXPECT_EQ(shape(), before);
    reader.rollback();
    undo_adoption(database_);
    EXPECT_FALSE(exists("stele_changes"));
}

TEST_F(Adopt, labels_and_notes_are_lost_only_by_force) {
    create_tables(database_, kDraive);
    const std::string before = shape();
    adopt(database_);
    label();
    execute("INSERT INTO " + in_schema("stele_revision_notes") + " VALUES ('configurations', 'a', now(), 'me', 'why')");
    const auto rows = rows_of(database_);
    const ErrorInfo error = error_of([&] { undo_adoption(database_); });
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    EXPECT_THAT(error.message, AllOf(HasSubstr("labels (1 in stele_labels)"), HasSubstr("moves of labels (1 in"),
                                     HasSubstr("notes on revisions (1 in"), HasSubstr("nothing was changed")));
    EXPECT_EQ(count("stele_labels"), 1);
    EXPECT_EQ(plan_undo(database_).lost.size(), 3U);
    Labels(database_).remove({{LabelStore::configurations, "a", "production"}});
    EXPECT_EQ(plan_undo(database_).lost.size(), 2U) << "a label that was taken away is none";
    undo_adoption(database_, {.force = true});
    EXPECT_EQ(shape(), before);
    for (const char* kept : {"configurations", "templates"}) EXPECT_TRUE(exists(kept));
    adopt(database_);
    EXPECT_EQ(count("stele_labels"), 0);
    EXPECT_EQ(rows_of(database_), rows);
}

TEST_F(Adopt, tables_that_came_with_it_stay_when_they_are_used) {
    create_tables(database_, kDraive);
    adopt(database_);
    write_as_python(database_, kMneme, 7);  // mneme, on tables that Stele made
    const UndoPlan undone = undo_adoption(database_);
    EXPECT_THAT(undone.kept, UnorderedElementsAre("entries", "schema_meta", "cache_counters", "namespace_quotas",
                                                  "multi_process_state"));
    EXPECT_EQ(count("entries"), 1);
    EXPECT_EQ(count("multi_process_state"), 1);
    EXPECT_FALSE(exists("stele_scopes"));
    write_as_python(database_, kMneme, 8);

    adopt(database_);
    EXPECT_THAT(undo_adoption(database_).kept, IsEmpty());  // by now they were there before
    EXPECT_EQ(count("entries"), 2);
}

TEST_F(Adopt, of_a_schema_that_was_migrated_before_all_but_steles_own_stays) {
    migrate(database_);
    define("a");
    const ErrorInfo error = error_of([&] { undo_adoption(database_); });
    EXPECT_EQ(error.code, ErrorCode::not_found);
    EXPECT_THAT(error.message, HasSubstr("stele adopt"));
    const AdoptionPlan done = adopt(database_);
    EXPECT_THAT(done.migrations, IsEmpty());
    EXPECT_THAT(done.created, ElementsAre(table("stele_adopted")));
    undo_adoption(database_);
    EXPECT_EQ(count("configurations"), 1);
    EXPECT_TRUE(exists("entries"));
    EXPECT_FALSE(exists("stele_changes"));
    define("b");
}

TEST_F(Adopt, columns_and_indexes_that_later_versions_add_are_undone_and_the_users_stay) {
    create_tables(database_, kDraive);
    std::vector<Migration> newer = migrations();
    const int last = newer.back().number;
    newer.push_back({last + 1, "author",
                     "ALTER TABLE {schema}.configurations ADD COLUMN IF NOT EXISTS author text; "
                     "CREATE INDEX IF NOT EXISTS configurations_author ON {schema}.configurations (author)",
                     true});
    newer.push_back(
        {last + 2, "newest",
         "CREATE INDEX CONCURRENTLY IF NOT EXISTS configurations_newest ON {schema}.configurations (created)", false});
    const std::string before = shape();
    const SchemaObject author{SchemaObjectKind::column, "configurations", "author"};
    const SchemaObject newest{SchemaObjectKind::index, "configurations", "configurations_newest"};

    EXPECT_THAT(plan_adoption(database_, {}, newer).created, AllOf(Contains(author), Contains(newest)));
    adopt(database_, {}, {}, newer);
    check_migrated(database_, {}, newer);
    EXPECT_TRUE(exists("configurations_newest"));
    undo_adoption(database_, {}, {}, newer);
    EXPECT_EQ(shape(), before);

    // an upgrade of what an older version adopted
    adopt(database_);
    execute("CREATE INDEX of_the_user ON " + in_schema("configurations (content)"));
    const AdoptionPlan upgrade = plan_adoption(database_, {}, newer);
    EXPECT_TRUE(upgrade.adopted);
    EXPECT_THAT(upgrade.migrations, ElementsAre(last + 1, last + 2));
    EXPECT_THAT(upgrade.created,
                UnorderedElementsAre(author, newest,
                                     SchemaObject{SchemaObjectKind::index, "configurations", "configurations_author"}));
    migrate(database_, {}, newer);
    EXPECT_EQ(error_of([&] { undo_adoption(database_); }).code, ErrorCode::schema_newer);
    undo_adoption(database_, {}, {}, newer);
    EXPECT_TRUE(exists("of_the_user"));
    execute("DROP INDEX " + in_schema("of_the_user"));
    EXPECT_EQ(shape(), before);
}

TEST_F(Adopt, what_the_user_built_on_steles_tables_stops_the_undoing) {
    create_tables(database_, kDraive);
    adopt(database_);
    execute("CREATE VIEW " + in_schema("labelled") + " AS SELECT label FROM " + in_schema("stele_labels"));
    const std::string before = shape();
    const ErrorInfo error = error_of([&] { undo_adoption(database_); });
    EXPECT_EQ(error.sqlstate, "2BP01");
    EXPECT_THAT(error.message, AllOf(HasSubstr("\"stele_labels\""), HasSubstr("Nothing was changed")));
    EXPECT_EQ(shape(), before);
}

}  // namespace
}  // namespace stele
