// A table for the tests of lanes.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "stele/database.hpp"
#include "support/server.hpp"

namespace stele::test {

/// A table of 1,000 rows, n and 'row N'.
inline Database with_rows(Server& server, const std::function<void(DatabaseOptions&)>& change = {}) {
    DatabaseOptions options = server.bare_options();
    if (change) change(options);
    Database database = Database::open(options);
    database.execute("CREATE SCHEMA IF NOT EXISTS " + database.quoted_schema());
    database.execute("CREATE TABLE " + database.quoted_schema() + ".t (n int PRIMARY KEY, text text)");
    database.execute("INSERT INTO " + database.quoted_schema() +
                     ".t SELECT n, 'row ' || n FROM generate_series(0, 999) n");
    return database;
}

inline Statement row(const Database& database, int n) {
    return Statement("SELECT text FROM " + database.quoted_schema() + ".t WHERE n = $1", n);
}

inline void expect_row(const Rows& rows, int n) {
    ASSERT_EQ(rows.size(), 1u) << n;
    EXPECT_EQ(rows[0].get<std::string>("text"), "row " + std::to_string(n));
}

}  // namespace stele::test
