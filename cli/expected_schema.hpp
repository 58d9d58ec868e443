// Which tables, keys and indexes there must be, read from the migrations themselves, so that nothing is said twice.
#pragma once

#include <string>
#include <vector>

#include "stele/migrations.hpp"

namespace stele::cli {

struct ExpectedKey {
    std::vector<std::string> columns;
    bool primary = false;
};

struct ExpectedTable {
    std::string name;
    std::string sql;  ///< CREATE TABLE ..., with {schema}
    std::vector<ExpectedKey> keys;
};

struct ExpectedIndex {
    std::string name;
    std::string table;
    std::vector<std::string> columns;  ///< or expressions
    bool unique = false;
    std::string definition;  ///< what follows "ON {schema}.", with {schema}: "entries (namespace, query_hash)"
};

struct ExpectedSchema {
    std::vector<ExpectedTable> tables;
    std::vector<ExpectedIndex> indexes;
};

/// What is there after `all` were applied.
ExpectedSchema expected_schema(const std::vector<Migration>& all);

}  // namespace stele::cli
