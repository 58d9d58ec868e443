#include "revisions/revision_sql.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stele {
namespace {

using testing::HasSubstr;
using testing::Not;

const RevisionTableShape kShape{"templates", {"description", "content"}, "name"};

TEST(RevisionSql, binds_columns_in_order_and_then_what_the_statement_needs) {
    const RevisionSql sql(kShape, "\"s\"");
    EXPECT_THAT(sql.define(false, false), HasSubstr("(SELECT $2 AS description, $3 AS content)"));
    EXPECT_THAT(sql.define(false, false), HasSubstr("WHERE $4 OR"));
    EXPECT_THAT(sql.define(true, false), HasSubstr("$4 AS name)"));
    EXPECT_THAT(sql.define(true, true), HasSubstr("$6::text, $7::text"));
    EXPECT_THAT(sql.define(true, true), HasSubstr("WHERE $5 OR"));
}

TEST(RevisionSql, names_the_schema_everywhere) {
    const RevisionSql sql(kShape, "\"s\"");
    for (const std::string& text :
         {sql.identifiers(), sql.page(), sql.newest(), sql.labelled(), sql.as_of(), sql.exactly(),
          sql.define(true, true), sql.restore(true), sql.remove(), sql.history(), sql.prune(true), sql.prune(false)}) {
        EXPECT_THAT(text, HasSubstr("\"s\".templates"));
        EXPECT_THAT(text, Not(HasSubstr(" templates"))) << "without a schema";
    }
}

TEST(RevisionSql, a_dry_run_of_prune_removes_nothing) {
    const RevisionSql sql(kShape, "\"s\"");
    EXPECT_THAT(sql.prune(false), Not(HasSubstr("DELETE")));
    EXPECT_THAT(sql.prune(true), HasSubstr("DELETE"));
}

}  // namespace
}  // namespace stele
