#include "postgres/merged_statement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "postgres/sql_split.hpp"

namespace stele {
namespace {

using testing::HasSubstr;

TEST(MergedStatement, runs_the_select_for_each_element_of_its_arrays) {
    const Statement one("SELECT text FROM t WHERE a = $1 AND b = $2 -- why", "x", std::int64_t{7});
    const auto merged = MergedStatement::of(one);
    ASSERT_TRUE(merged);
    const Statement two("SELECT text FROM t WHERE a = $1 AND b = $2 -- why", "y", std::int64_t{8});
    ASSERT_TRUE(merged->takes(two));
    const Statement all = merged->merge(std::array{&one, &two});
    EXPECT_EQ(
        all.sql().text(),
        "SELECT k.i, r.* FROM (SELECT unnest($1) AS p1, unnest($2) AS p2, generate_subscripts($1, 1) AS i "
        "OFFSET 0) k CROSS JOIN LATERAL (SELECT * FROM (SELECT text FROM t WHERE a = k.p1 AND b = k.p2) q OFFSET 0) r");
    Statement wanted(Sql(std::string(all.sql().text())), std::vector<std::string>{"x", "y"},
                     std::vector<std::int64_t>{7, 8});
    EXPECT_EQ(all.parameters().bytes(), wanted.parameters().bytes());
    EXPECT_TRUE(all.is_repeatable());
}

TEST(MergedStatement, takes_only_its_own_text_and_types_and_no_null) {
    const auto merged = MergedStatement::of(Statement("SELECT $1", "x"));
    ASSERT_TRUE(merged);
    EXPECT_TRUE(merged->takes(Statement("SELECT $1", "y")));
    EXPECT_FALSE(merged->takes(Statement("SELECT  $1", "y")));
    EXPECT_FALSE(merged->takes(Statement("SELECT $1", 1)));
    EXPECT_FALSE(merged->takes(Statement("SELECT $1", std::optional<std::string>())));
    EXPECT_FALSE(merged->takes(Statement("SELECT $1", "y", "z")));
}

TEST(MergedStatement, leaves_alone_what_is_no_select_or_has_no_scalar_parameter) {
    EXPECT_FALSE(MergedStatement::of(Statement("SELECT 1")));
    EXPECT_FALSE(MergedStatement::of(Statement("UPDATE t SET a = $1", 1)));
    EXPECT_FALSE(MergedStatement::of(Statement("SELECT $1", std::vector<std::string>{"x"})));
    EXPECT_FALSE(MergedStatement::of(Statement("SELECT $1", std::optional<int>())));
    EXPECT_FALSE(MergedStatement::of(Statement("SELECT $1; SELECT 2", 1)));
    EXPECT_TRUE(MergedStatement::of(Statement(" select $1;", 1)));
}

TEST(MergedStatement, runs_the_text_over_arrays_that_a_write_brings) {
    const auto write = [](std::string_view name, std::optional<std::int64_t> size) {
        Statement statement("INSERT INTO t VALUES ($1, $2)", name, size);
        statement.group_commit(std::string(name)).merged_as("INSERT INTO t SELECT * FROM unnest($1, $2)");
        return statement;
    };
    const Statement one = write("x", 7), two = write("y", std::nullopt);
    const auto merged = MergedStatement::of(two);
    ASSERT_TRUE(merged);
    EXPECT_TRUE(merged->takes(one));
    EXPECT_FALSE(merged->takes(Statement("INSERT INTO t VALUES ($1, $2)", "x", std::int64_t{7})));
    const Statement all = merged->merge(std::array{&one, &two});
    EXPECT_EQ(all.sql().text(), "INSERT INTO t SELECT * FROM unnest($1, $2)");
    EXPECT_FALSE(all.is_repeatable());
    ASSERT_EQ(all.parameters().slots().size(), 2u);
}

TEST(RenameParameters, changes_parameters_and_nothing_that_looks_like_one) {
    EXPECT_EQ(rename_parameters("SELECT $1, $22 + $3", "k.p"), "SELECT k.p1, k.p22 + k.p3");
    EXPECT_EQ(rename_parameters("SELECT '$1', \"$2\", $$ $3 $$, $x$ $4 $x$, a$5, E'\\'$6' /* $7 */ -- $8", "k.p"),
              "SELECT '$1', \"$2\", $$ $3 $$, $x$ $4 $x$, a$5, E'\\'$6'");
    EXPECT_EQ(rename_parameters("SELECT $1; SELECT $2", "k.p"), std::nullopt);
    EXPECT_EQ(rename_parameters("SELECT '$1", "k.p"), std::nullopt);
    EXPECT_EQ(rename_parameters("", "k.p"), std::nullopt);
}

}  // namespace
}  // namespace stele
