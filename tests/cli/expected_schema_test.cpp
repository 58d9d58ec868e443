#include "expected_schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace stele::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Migration migration(int number, std::string sql) {
    Migration migration;
    migration.number = number;
    migration.name = "test";
    migration.sql = std::move(sql);
    return migration;
}

TEST(ExpectedSchema, tables_keys_and_indexes_are_read_from_sql) {
    const ExpectedSchema schema = expected_schema({migration(1, R"(-- CREATE TABLE {schema}.commented (
CREATE TABLE IF NOT EXISTS {schema}.things (
    id bigserial PRIMARY KEY,
    price numeric(10, 2) NOT NULL, -- PRIMARY KEY
    name text UNIQUE,
    CONSTRAINT both UNIQUE (name, price)
);
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS by_name ON {schema}.things (lower(name), price);
)")});
    ASSERT_EQ(schema.tables.size(), 1U);
    const ExpectedTable& table = schema.tables.front();
    EXPECT_EQ(table.name, "things");
    EXPECT_TRUE(table.sql.starts_with("CREATE TABLE IF NOT EXISTS {schema}.things (")) << table.sql;
    EXPECT_TRUE(table.sql.ends_with(");")) << table.sql;
    ASSERT_EQ(table.keys.size(), 3U);
    EXPECT_THAT(table.keys[0].columns, ElementsAre("id"));
    EXPECT_TRUE(table.keys[0].primary);
    EXPECT_THAT(table.keys[1].columns, ElementsAre("name"));
    EXPECT_THAT(table.keys[2].columns, ElementsAre("name", "price"));
    EXPECT_FALSE(table.keys[2].primary);
    ASSERT_EQ(schema.indexes.size(), 1U);
    EXPECT_EQ(schema.indexes[0].name, "by_name");
    EXPECT_EQ(schema.indexes[0].table, "things");
    EXPECT_TRUE(schema.indexes[0].unique);
    EXPECT_THAT(schema.indexes[0].columns, ElementsAre("lower(name)", "price"));
    EXPECT_EQ(schema.indexes[0].definition, "things (lower(name), price)");
}

TEST(ExpectedSchema, a_later_migration_takes_things_away) {
    const ExpectedSchema schema = expected_schema(
        {migration(1,
                   "CREATE TABLE {schema}.a (\n    id int PRIMARY KEY\n);\nCREATE INDEX a_id ON {schema}.a (id);\n"
                   "CREATE TABLE {schema}.b (\n    id int\n);\nCREATE INDEX b_id ON {schema}.b (id);\n"),
         migration(2, "DROP INDEX IF EXISTS {schema}.a_id;\nDROP TABLE {schema}.b;\n")});
    ASSERT_EQ(schema.tables.size(), 1U);
    EXPECT_EQ(schema.tables[0].name, "a");
    EXPECT_THAT(schema.indexes, IsEmpty());
}

TEST(ExpectedSchema, stele_s_own_migrations_are_understood) {
    const ExpectedSchema schema = expected_schema(migrations());
    const auto entries = std::find_if(schema.tables.begin(), schema.tables.end(),
                                      [](const ExpectedTable& table) { return table.name == "entries"; });
    ASSERT_NE(entries, schema.tables.end());
    ASSERT_EQ(entries->keys.size(), 2U);
    EXPECT_THAT(entries->keys[1].columns, ElementsAre("namespace", "query_hash"));
    for (const ExpectedTable& table : schema.tables) {
        // what is only added to, and draive's has no keys
        const bool keyless = table.name == "stele_changes" || table.name == "stele_cache_deltas" ||
                             table.name == "memories_variables" || table.name == "memories_elements";
        EXPECT_EQ(table.keys.empty(), keyless) << table.name;
        EXPECT_NE(table.sql.find("{schema}." + table.name), std::string::npos);
    }
    // none was overlooked
    std::size_t tables = 0, indexes = 0;
    for (const Migration& each : migrations()) {
        for (std::size_t at = 0; (at = each.sql.find("\nCREATE TABLE ", at)) != std::string::npos; ++at) ++tables;
        for (const char* create : {"\nCREATE INDEX ", "\nCREATE UNIQUE INDEX "}) {
            for (std::size_t at = 0; (at = each.sql.find(create, at)) != std::string::npos; ++at) ++indexes;
        }
    }
    EXPECT_EQ(schema.tables.size(), tables);
    EXPECT_EQ(schema.indexes.size(), indexes);
}

}  // namespace
}  // namespace stele::cli
