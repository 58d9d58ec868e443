#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <set>
#include <string>
#include <vector>

#include "postgres/adopt_fixture.hpp"
#include "stele/adopt.hpp"
#include "support/eventually.hpp"
#include "support/python_tables.hpp"
#include "support/role.hpp"
#include "support/server.hpp"
#include "support/session.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::Adopt;
using test::create_tables;
using test::error_of;
using test::kDraive;
using test::kHaiway;
using test::kMneme;
using test::Role;
using test::rows_of;
using test::table;
using test::trigger;
using test::write_as_python;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

TEST_F(Adopt, a_plan_says_what_is_there_and_what_will_come_and_changes_nothing) {
    create_tables(database_, std::string(kHaiway) + kMneme);
    const std::string before = shape();
    Database other = Database::open(bare_options());
    Transaction holder = other.begin();  // the plan waits for nobody
    holder.execute(Statement(Sql("LOCK TABLE " + in_schema("configurations") + ", " + in_schema("entries"))));
    const AdoptionPlan plan = plan_adoption(database_, Deadline::after(20s));
    holder.rollback();
    EXPECT_EQ(shape(), before);

    EXPECT_FALSE(plan.adopted);
    EXPECT_EQ(plan.migrations.size(), migrations().size());
    EXPECT_THAT(plan.obstacles, IsEmpty());
    std::vector<std::string> found;
    for (const FoundTable& each : plan.found) {
        found.push_back(each.system + " " + each.name + (each.used ? "" : ", not used"));
    }
    EXPECT_THAT(found, UnorderedElementsAre("haiway configurations", "mneme entries", "mneme schema_meta",
                                            "mneme cache_counters", "mneme namespace_quotas",
                                            "mneme multi_process_state", "draive memories"));
    EXPECT_THAT(plan.created, AllOf(Contains(table("templates")), Contains(table("stele_changes")),
                                    Contains(table("stele_migrations")), Contains(table("stele_adopted")),
                                    Contains(trigger("configurations", "stele_note_inserted")),
                                    Contains(SchemaObject{SchemaObjectKind::function, "", "stele_note_all()"})));
    EXPECT_THAT(plan.created, AllOf(Not(Contains(table("configurations"))), Not(Contains(table("entries")))));
}

TEST_F(Adopt, what_a_plan_names_is_what_adopt_makes) {
    create_tables(database_, kDraive);
    execute("CREATE INDEX idx_entries_created_at ON " + in_schema("configurations (created)"));  // in the way
    EXPECT_THAT(plan_adoption(database_).obstacles,
                ElementsAre(AllOf(Field(&Obstacle::object, "idx_entries_created_at"),
                                  Field(&Obstacle::problem, HasSubstr("an index of entries")))));
    execute("DROP INDEX " + in_schema("idx_entries_created_at"));

    const auto objects = [this] {
        std::set<std::string> names;
        const Statement look(
            "SELECT 'table ' || relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'r' UNION "
            "ALL "
            "SELECT 'index ' || i.relname FROM pg_class i WHERE relnamespace = $1::regnamespace AND relkind = 'i' AND "
            "NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.oid) UNION ALL "
            "SELECT 'trigger ' || c.relname || '.' || tgname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid "
            "WHERE relnamespace = $1::regnamespace AND NOT tgisinternal UNION ALL "
            "SELECT 'function ' || proname || '(' || pg_get_function_identity_arguments(oid) || ')' FROM pg_proc WHERE "
            "pronamespace = $1::regnamespace",
            database_.quoted_schema());
        for (const Row& row : database_.query(look)) names.insert(row.get<std::string>(0));
        return names;
    };
    std::set<std::string> expected = objects();
    for (const SchemaObject& object : adopt(database_).created) {
        const std::string on = object.kind == SchemaObjectKind::trigger ? object.table + "." : "";
        EXPECT_TRUE(expected.insert(std::string(to_string(object.kind)) + " " + on + object.name).second);
    }
    EXPECT_EQ(objects(), expected);
}

TEST_F(Adopt, memories_with_uuids_are_left_to_draive) {
    create_tables(database_, std::string(kDraive) + test::kDraiveUuidMemories);
    const std::string before = shape();
    const AdoptionPlan plan = plan_adoption(database_);
    ASSERT_EQ(plan.obstacles.size(), 1U);
    EXPECT_EQ(plan.obstacles[0].object, "memories");
    EXPECT_THAT(plan.obstacles[0].problem, HasSubstr("draive 0.93 to 0.99"));
    EXPECT_THAT(plan.obstacles[0].fix, HasSubstr("name another schema"));
    EXPECT_THAT(error_of([&] { adopt(database_); }).message, HasSubstr("draive 0.93 to 0.99"));
    EXPECT_EQ(shape(), before);
}

TEST_F(Adopt, revisions_and_entries_keep_all_their_rows) {
    create_tables(database_, kDraive);
    define("b");
    define("b");
    const auto rows = rows_of(database_);
    adopt(database_);
    EXPECT_EQ(count("configurations", "identifier = 'b'"), 2);
    undo_adoption(database_);
    EXPECT_EQ(rows_of(database_), rows);
}

TEST_F(Adopt, a_role_with_rights_on_configurations_alone_still_writes_and_is_noted) {
    create_tables(database_, kDraive);
    Role python(database_, database_.schema() + "_python");
    python.execute("GRANT USAGE ON SCHEMA " + database_.quoted_schema() + " TO " + python.name());
    python.execute("GRANT SELECT, INSERT ON " + in_schema("configurations") + " TO " + python.name());
    const std::string before = shape();
    adopt(database_);
    Database limited = Database::open(python.assumed(bare_options()));
    EXPECT_EQ(error_of([&] { limited.query(Statement(Sql("SELECT FROM " + in_schema("stele_changes")))); }).code,
              ErrorCode::permission);
    write_as_python(limited, kDraive, 1);
    EXPECT_EQ(count("stele_changes", "store = 'configurations' AND key = '1'"), 1);
    undo_adoption(database_);
    write_as_python(limited, kDraive, 2);
    EXPECT_EQ(shape(), before);
}

TEST_F(Adopt, a_busy_table_ends_it_in_time_and_says_who_has_it) {
    create_tables(database_, std::string(kDraive) + kMneme);
    const std::string before = shape();
    Database other = Database::open(bare_options());
    Transaction writer = other.begin();
    const int pid = test::backend_pid(writer);
    writer.execute(Statement(
        Sql("INSERT INTO " + in_schema("templates (identifier, content)") + " VALUES ('busy', 'not yet committed')")));
    test::leave_no_snapshot(writer);
    writer.execute("SET LOCAL app.password = 'Top-Secret'");

    Database third = Database::open(bare_options());
    Transaction in_nobodys_way = third.begin();
    in_nobodys_way.execute(Statement(
        Sql("INSERT INTO " + in_schema("namespace_quotas (namespace, max_entries)") + " VALUES ('acme', 3)")));
    test::leave_no_snapshot(in_nobodys_way);

    const auto start = std::chrono::steady_clock::now();
    const ErrorInfo error = error_of([&] { adopt(database_, {.lock_timeout = 200ms}); });
    EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
    EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
    EXPECT_EQ(error.retry, Retry::call);
    EXPECT_EQ(error.sqlstate, "55P03");
    EXPECT_THAT(error.message, AllOf(HasSubstr(in_schema("\"templates\"")), HasSubstr("200 ms"),
                                     HasSubstr("process " + std::to_string(pid)), HasSubstr("idle in transaction"),
                                     HasSubstr("Nothing was changed"), Not(HasSubstr("busy"))));
    EXPECT_THAT(error.message + error.server_message, Not(HasSubstr("Top-Secret")));
    EXPECT_EQ(shape(), before);

    auto adopted = std::async(std::launch::async, [&] {
        Database own = Database::open(bare_options());
        return adopt(own, {.lock_timeout = 60s}).created.size();
    });
    const Statement waiting("SELECT FROM pg_locks WHERE NOT granted AND relation = $1::regclass",
                            in_schema("templates"));
    EXPECT_TRUE(test::eventually([&] { return !database_.query(waiting).empty(); }));
    writer.commit();
    EXPECT_GT(adopted.get(), 0U);
    EXPECT_EQ(count("templates", "identifier = 'busy'"), 1);
}

TEST_F(Adopt, the_time_to_wait_must_be_given) {
    create_tables(database_, kDraive);
    for (const auto none : {0ms, -1ms}) {
        EXPECT_EQ(error_of([&] { adopt(database_, {.lock_timeout = none}); }).code, ErrorCode::invalid_argument);
        EXPECT_EQ(error_of([&] { undo_adoption(database_, {.lock_timeout = none}); }).code,
                  ErrorCode::invalid_argument);
    }
}

TEST_F(Adopt, everything_in_the_way_is_said_at_once_and_the_fixes_are_enough) {
    create_tables(database_, R"(
        CREATE TABLE {schema}.configurations (identifier varchar NOT NULL, content json, created timestamptz NOT NULL,
            owner text NOT NULL);
        CREATE TABLE {schema}.templates (identifier text, description text NOT NULL, content text NOT NULL,
            variables jsonb NOT NULL DEFAULT '{}', meta jsonb NOT NULL DEFAULT '{}',
            created timestamptz NOT NULL DEFAULT now()))");
    const std::string before = shape();
    const ErrorInfo error = error_of([&] { adopt(database_); });
    EXPECT_EQ(error.code, ErrorCode::schema_conflict);
    EXPECT_EQ(shape(), before);
    const AdoptionPlan plan = plan_adoption(database_);
    std::vector<std::string> problems;
    for (const Obstacle& obstacle : plan.obstacles) {
        problems.push_back(obstacle.object + ": " + obstacle.problem);
        EXPECT_THAT(error.message, AllOf(HasSubstr(problems.back()), HasSubstr(obstacle.fix)));
        EXPECT_FALSE(obstacle.is_right);
    }
    EXPECT_THAT(
        problems,
        UnorderedElementsAre(
            "configurations: its column identifier is of type character varying, not text",
            "configurations: its column content is of type json, not jsonb",
            "configurations: its column content may be null", "configurations: its column created has no default",
            "configurations: its column owner, which Stele does not know, must not be null and has no default",
            "configurations: it has no primary key (identifier, created)",
            "templates: its column identifier may be null",
            "templates: its column description must not be null, but Stele leaves it empty where nothing is said",
            "templates: it has no primary key (identifier, created)"));
    for (const Obstacle& obstacle : plan.obstacles) execute(obstacle.fix);
    adopt(database_);
    define("b");
    EXPECT_EQ(count("stele_changes", "key = 'b'"), 1);
}

TEST_F(Adopt, other_things_of_those_names_are_not_taken_for_the_systems) {
    create_tables(database_, std::string(kMneme) + R"(
        CREATE TABLE {schema}.templates (name text PRIMARY KEY, body text);
        CREATE VIEW {schema}.configurations AS SELECT 1 AS one)");
    const AdoptionPlan plan = plan_adoption(database_);
    EXPECT_THAT(plan.found, Each(Field(&FoundTable::system, "mneme")));
    EXPECT_THAT(plan.obstacles,
                UnorderedElementsAre(
                    AllOf(Field(&Obstacle::object, "configurations"),
                          Field(&Obstacle::problem, HasSubstr("taken by another view"))),
                    AllOf(Field(&Obstacle::object, "templates"),
                          Field(&Obstacle::problem, HasSubstr("lacks the columns identifier, description, content")))));
    EXPECT_EQ(error_of([&] { adopt(database_); }).code, ErrorCode::schema_conflict);
    EXPECT_FALSE(exists("stele_adopted"));
}

TEST_F(Adopt, a_role_is_told_what_to_ask_for_and_that_is_enough) {
    create_tables(database_, std::string(kDraive) + kMneme);
    const std::string before = shape();
    Role owner(database_, database_.schema() + "_owner");
    Role role(database_, database_.schema() + "_role");
    execute("ALTER TABLE " + in_schema("entries") + " OWNER TO " + owner.name());
    Database limited = Database::open(role.assumed(bare_options()));
    const AdoptionPlan plan = plan_adoption(limited);
    EXPECT_THAT(plan.obstacles, Each(Field(&Obstacle::is_right, true)));
    const ErrorInfo error = error_of([&] { adopt(limited); });
    EXPECT_EQ(error.code, ErrorCode::permission);
    EXPECT_THAT(error.message,
                AllOf(HasSubstr("SELECT, INSERT, UPDATE, DELETE, TRIGGER ON " + in_schema("\"configurations\"")),
                      HasSubstr("only its owner, \"" + owner.name() + "\""), HasSubstr("USAGE, CREATE ON SCHEMA")));
    EXPECT_FALSE(exists("stele_adopted"));
    for (const Obstacle& obstacle : plan.obstacles) {
        const auto grant = obstacle.fix.find("GRANT");
        ASSERT_NE(grant, std::string::npos) << obstacle.fix;
        role.execute(obstacle.fix.substr(grant));
    }
    adopt(limited);
    check_migrated(limited);

    const ErrorInfo undo = error_of([&] { undo_adoption(limited); });  // DROP TRIGGER is the owner's
    EXPECT_EQ(undo.code, ErrorCode::permission);
    EXPECT_THAT(undo.message,
                HasSubstr("does not own configurations (of stele_test), schema_meta (of stele_test), templates "
                          "(of stele_test)"));
    EXPECT_TRUE(exists("stele_adopted"));
    undo_adoption(database_);
}

TEST_F(Adopt, a_schema_with_nothing_to_adopt_is_refused_and_the_right_one_named) {
    create_tables(database_, kDraive);
    test::Server empty;
    Database other = empty.bare();
    const ErrorInfo error = error_of([&] { adopt(other); });
    EXPECT_EQ(error.code, ErrorCode::not_found);
    EXPECT_THAT(error.message, AllOf(HasSubstr("stele migrate"), HasSubstr(database_.schema())));
    EXPECT_THAT(plan_adoption(other).found, IsEmpty());
    const ErrorInfo undo = error_of([&] { undo_adoption(other); });
    EXPECT_EQ(undo.code, ErrorCode::not_found);
    EXPECT_THAT(undo.message, HasSubstr("holds nothing of Stele's"));
}

TEST_F(Adopt, several_at_once_adopt_it_once) {
    create_tables(database_, std::string(kDraive) + kMneme);
    std::vector<std::future<std::size_t>> adopters;
    for (int i = 0; i < 4; ++i) {
        adopters.push_back(std::async(std::launch::async, [this] {
            Database own = Database::open(bare_options());
            return adopt(own).migrations.size();
        }));
    }
    std::size_t applied = 0;
    for (auto& each : adopters) applied += each.get();
    EXPECT_EQ(applied, migrations().size());
}

}  // namespace
}  // namespace stele
