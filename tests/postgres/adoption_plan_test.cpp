#include "postgres/adoption_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace stele {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

SchemaObject made(SchemaObjectKind kind, const std::string& table, const std::string& name) {
    return {kind, table, name};
}

SchemaTable keyed() {
    SchemaTable table;
    table.columns = {{"id", "bigint", true, true, "nextval('pg_temp_3.t_id_seq'::regclass)"}, {"text", "text"}};
    table.indexes = {{"t_pkey", {"id"}, true, true, true}};
    return table;
}

void put(SchemaInventory& inventory, const std::string& name, const SchemaTable& table) {
    inventory.tables[name] = table;
    inventory.relations[name] = {"table", "owner", true, {}};
    for (const SchemaIndex& index : table.indexes) inventory.relations[index.name] = {"index", "owner", true, {}};
}

/// Migrations that make `t`, with a trigger.
class AdoptionPlanTest : public ::testing::Test {
protected:
    AdoptionPlanTest() {
        SchemaTable table = keyed();
        table.triggers = {"stele_note"};
        put(wanted_.after, "t", table);
        wanted_.original["t"] = table;
        wanted_.after.functions["stele_note()"] = {"stele_note", "", "owner", true};
        put(actual_, "t", keyed());
        site_.quoted_schema = "\"s\"";
        site_.quoted_role = "app";
        site_.pending = {1};
    }

    SchemaTable& there() { return actual_.tables["t"]; }
    std::vector<std::string> problems() {
        std::vector<std::string> found;
        for (const Obstacle& obstacle : make_adoption_plan(wanted_, actual_, site_).obstacles) {
            found.push_back(obstacle.problem + " -> " + obstacle.fix);
        }
        return found;
    }

    WantedSchema wanted_;
    SchemaInventory actual_;
    AdoptionSite site_;
};

TEST_F(AdoptionPlanTest, what_fits_is_in_nobodys_way) {
    EXPECT_THAT(problems(), IsEmpty());
    there().columns[0].default_value.clear();  // GENERATED ... AS IDENTITY does as well
    there().columns.push_back({"more", "integer"});
    there().columns.push_back({"much_more", "integer", true, true, "0"});
    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(AdoptionPlanTest, a_key_is_one_in_whatever_order_its_columns_stand_but_not_of_some_rows_only) {
    wanted_.original["t"].indexes[0].columns = {"id", "text"};
    there().indexes[0] = {"other", {"text", "id"}, true, false, false};
    EXPECT_THAT(problems(), IsEmpty());
    there().indexes[0].is_key = false;
    EXPECT_THAT(problems(), ElementsAre("it has no primary key (id, text) -> ALTER TABLE \"s\".\"t\" ADD PRIMARY KEY "
                                        "(\"id\", \"text\")"));
}

TEST_F(AdoptionPlanTest, a_missing_default_gets_a_fix_only_where_one_can_be_written_down) {
    there().columns[0].has_default = false;
    EXPECT_THAT(problems(), ElementsAre("its column id has no default -> "));
    wanted_.original["t"].columns[0].default_value = "7";
    EXPECT_THAT(
        problems(),
        ElementsAre("its column id has no default -> ALTER TABLE \"s\".\"t\" ALTER COLUMN \"id\" SET DEFAULT 7"));
}

TEST_F(AdoptionPlanTest, rights_matter_only_while_something_is_to_be_done) {
    actual_.relations["t"].lacking = {"SELECT", "TRIGGER"};
    site_.may_create = false;
    EXPECT_EQ(problems().size(), 2U);
    const auto refused = check_obstacles(make_adoption_plan(wanted_, actual_, site_), site_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::permission);
    EXPECT_THAT(refused.error().message, HasSubstr("GRANT SELECT, TRIGGER ON \"s\".\"t\" TO app"));
    wanted_.before = wanted_.after;
    site_.pending.clear();
    site_.adopted = true;
    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(AdoptionPlanTest, a_column_of_a_later_migration_is_no_obstacle_but_comes) {
    wanted_.after.tables["t"].columns.push_back({"author", "text"});
    EXPECT_THAT(problems(), IsEmpty());
    EXPECT_THAT(
        make_adoption_plan(wanted_, actual_, site_).created,
        ElementsAre(made(SchemaObjectKind::table, "", "stele_adopted"),
                    made(SchemaObjectKind::table, "", "stele_migrations"),
                    made(SchemaObjectKind::column, "t", "author"), made(SchemaObjectKind::trigger, "t", "stele_note"),
                    made(SchemaObjectKind::function, "", "stele_note()")));
    there().columns.push_back({"author", "text"});
    EXPECT_EQ(make_adoption_plan(wanted_, actual_, site_).created.size(), 4U);
}

TEST_F(AdoptionPlanTest, undoing_drops_nothing_before_what_depends_on_it) {
    SchemaTable& table = wanted_.after.tables["t"];
    table.columns.push_back({"author", "text"});
    table.indexes.push_back({"t_author", {"author"}, false, false, false});
    put(actual_, "t", table);
    put(wanted_.after, "stele_labels", keyed());
    put(actual_, "stele_labels", keyed());
    put(actual_, "stele_adopted", {});
    actual_.functions = wanted_.after.functions;
    const AdoptionRecord record{{"t", {{"id", "text"}, {"t_pkey"}}}};
    const UndoPlan plan = make_undo_plan(wanted_, actual_, record, {});
    EXPECT_THAT(
        plan.dropped,
        ElementsAre(made(SchemaObjectKind::trigger, "t", "stele_note"), made(SchemaObjectKind::index, "t", "t_author"),
                    made(SchemaObjectKind::column, "t", "author"), made(SchemaObjectKind::table, "", "stele_adopted"),
                    made(SchemaObjectKind::table, "", "stele_labels"),
                    made(SchemaObjectKind::function, "", "stele_note()")));
    EXPECT_THAT(tables_to_lock(plan), ElementsAre("t", "stele_adopted", "stele_labels"));
}

TEST_F(AdoptionPlanTest, undoing_keeps_what_came_with_it_and_is_used_and_mnemes_tables_together) {
    for (const char* name : {"entries", "schema_meta", "configurations"}) {
        put(wanted_.after, name, keyed());
        put(actual_, name, keyed());
    }
    const AdoptionRecord record{{"t", {{"id", "text"}, {"t_pkey"}}}};
    EXPECT_THAT(added_tables(wanted_, actual_, record), ElementsAre("configurations", "entries", "schema_meta"));
    EXPECT_THAT(make_undo_plan(wanted_, actual_, record, {}).kept, IsEmpty());
    EXPECT_THAT(make_undo_plan(wanted_, actual_, record, {"schema_meta"}).kept,
                UnorderedElementsAre("entries", "schema_meta"));
    const UndoPlan plan = make_undo_plan(wanted_, actual_, record, {"configurations"});
    EXPECT_THAT(plan.kept, ElementsAre("configurations"));
    EXPECT_THAT(plan.dropped, ElementsAre(made(SchemaObjectKind::table, "", "entries"),
                                          made(SchemaObjectKind::table, "", "schema_meta")));
}

}  // namespace
}  // namespace stele
