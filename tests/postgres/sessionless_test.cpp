#include "postgres/sessionless.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stele {
namespace {

using testing::HasSubstr;

std::string refusal(const std::string& sql) {
    const Statement statements[] = {Statement("SELECT 1"), Statement(Sql(sql))};
    const Result<void> checked = check_sessionless(statements);
    if (checked) return {};
    EXPECT_EQ(checked.error().code, ErrorCode::invalid_argument);
    return checked.error().message;
}

TEST(Sessionless, commands_of_a_session_are_refused_with_what_to_do) {
    EXPECT_THAT(refusal("LISTEN news"), testing::AllOf(HasSubstr("LISTEN needs a session"), HasSubstr("directly")));
    EXPECT_THAT(refusal("SET search_path = here"), testing::AllOf(HasSubstr("SET needs"), HasSubstr("SET LOCAL")));
    for (const char* sql : {"set session statement_timeout = 0", "UNLISTEN *", "DISCARD ALL", "RESET ALL",
                            "PREPARE p AS SELECT 1", "EXECUTE p", "DEALLOCATE ALL", "LOAD 'auto_explain'",
                            "  -- a remark\n /* and /* another */ */ Listen news", "SET\tTIME ZONE 'UTC'"}) {
        EXPECT_THAT(refusal(sql), HasSubstr("pooler=transaction")) << sql;
    }
}

TEST(Sessionless, what_ends_with_the_transaction_is_not) {
    for (const char* sql :
         {"SET LOCAL statement_timeout = 0", "set /* */ local x = 1", "SET TRANSACTION READ ONLY",
          "SET CONSTRAINTS ALL DEFERRED", "PREPARE TRANSACTION 'two phases'", "NOTIFY news", "SELECT 1",
          "UPDATE t SET listen = 1", "settle", "", "  ", "-- only a remark", "/* open", "\"listen\"", "listening"}) {
        EXPECT_EQ(refusal(sql), "") << sql;
    }
}

}  // namespace
}  // namespace stele
