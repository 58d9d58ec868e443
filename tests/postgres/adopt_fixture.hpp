// A schema to be adopted, and what it looks like to pg_dump.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "stele/adopt.hpp"
#include "support/server.hpp"

namespace stele::test {

inline SchemaObject table(const std::string& name) {
    return {SchemaObjectKind::table, "", name};
}
inline SchemaObject trigger(const std::string& on, const std::string& name) {
    return {SchemaObjectKind::trigger, on, name};
}

/// pg_dump --schema-only, without what differs at every run.
inline std::string dump(const std::string& dsn, const std::string& schema) {
    const std::string command =
        from_runner("STELE_TEST_PG_BINDIR") + "/pg_dump --schema-only --schema='" + schema + "' --dbname='" + dsn + "'";
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error("popen");
    std::string text;
    char line[4096];
    while (std::fgets(line, sizeof line, pipe) != nullptr) {
        const std::string_view view = line;
        if (!view.starts_with("\\restrict") && !view.starts_with("\\unrestrict")) text += view;
    }
    EXPECT_EQ(::pclose(pipe), 0) << command;
    EXPECT_THAT(text, ::testing::HasSubstr("CREATE TABLE"));
    return text;
}

class Adopt : public ::testing::Test {
protected:
    DatabaseOptions bare_options() {
        DatabaseOptions options = server_.bare_options();
        options.max_connections = 1;  // nothing here may need more
        return options;
    }
    void execute(const std::string& sql) { database_.execute(Statement(Sql(sql))); }
    std::string in_schema(const std::string& name) const { return database_.quoted_schema() + "." + name; }
    std::int64_t count(const std::string& from, const std::string& where = "true") {
        const Statement statement(Sql("SELECT count(*) FROM " + in_schema(from) + " WHERE " + where));
        return database_.query(statement)[0].get<std::int64_t>(0);
    }
    bool exists(const std::string& relation) {
        return database_.query(Statement("SELECT to_regclass($1) IS NOT NULL", in_schema(relation)))[0].get<bool>(0);
    }
    std::string shape() const { return dump(server_dsn(), server_.schema()); }

    /// As draive writes them.
    void define(const std::string& identifier) {
        execute("INSERT INTO " + in_schema("configurations (identifier, content)") + " VALUES ('" + identifier +
                "', '{}')");
    }
    void label() {
        execute("INSERT INTO " + in_schema("stele_labels (store, identifier, label, revision)") +
                " SELECT 'configurations', identifier, 'production', created FROM " + in_schema("configurations") +
                " WHERE identifier = 'a'");
    }

    Server server_;
    Database database_ = Database::open(bare_options());
};

/// Python's own writes, on those of its tables that this text makes.
inline void write_as_python(Database& database, const std::string& tables, int number) {
    const std::string schema = database.quoted_schema() + ".";
    const auto has = [&tables](const char* part) { return tables.find(part) != std::string::npos; };
    const std::string text = std::to_string(number);
    if (has("name TEXT NOT NULL, content JSONB")) {
        database.execute(Statement(
            Sql("INSERT INTO " + schema + "configurations (identifier, name, content) VALUES ($1, 'Settings', '{}')"),
            text));
    } else if (has("configurations")) {
        database.execute(
            Statement(Sql("INSERT INTO " + schema + "configurations (identifier, content) VALUES ($1, '{}')"), text));
    }
    if (has("entries")) {
        database.execute(Statement(Sql("INSERT INTO " + schema +
                                       "entries (namespace, query_hash, query, response, embedding, metadata, "
                                       "created_at, last_accessed_at, ttl, access_count) VALUES ('default', $1, 'q', "
                                       "'r', '\\x00', '{}', 1, 1, NULL, 0)"),
                                   text));
    }
}

/// Rows of all tables that are not Stele's, without columns that are.
inline std::vector<std::string> rows_of(Database& database) {
    std::vector<std::string> rows;
    const Statement tables(
        "SELECT relname::text, (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute "
        "WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND NOT starts_with(attname, 'stele_')) "
        "FROM pg_class c WHERE relnamespace = $1::regnamespace AND relkind = 'r' "
        "AND NOT starts_with(relname, 'stele_') ORDER BY 1",
        database.quoted_schema());
    for (const Row& table : database.query(tables)) {
        const auto name = table.get<std::string>(0);
        const Statement read(Sql("SELECT ROW(" + table.get<std::string>(1) + ")::text FROM " +
                                 database.quoted_schema() + "." + name + " ORDER BY 1"));
        for (const Row& row : database.query(read)) rows.push_back(name + " " + row.get<std::string>(0));
    }
    return rows;
}

}  // namespace stele::test
