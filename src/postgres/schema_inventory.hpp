// What a schema holds, as far as migrations make such things.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stele/executor.hpp"

namespace stele {

struct SchemaColumn {
    std::string name;
    std::string type;
    bool not_null = false;
    bool has_default = false;     ///< or is made by the server in another way
    std::string default_value{};  ///< an expression; unknown when the inventory is of certain names only
};

struct SchemaIndex {
    std::string name;
    std::vector<std::string> columns;  ///< empty for an expression
    bool is_key = false;               ///< valid, unique and of all rows
    bool is_primary = false;
    bool is_constraint = false;  ///< made by PRIMARY KEY, UNIQUE or EXCLUDE
};

struct SchemaTable {
    std::vector<SchemaColumn> columns;
    std::vector<SchemaIndex> indexes;
    std::vector<std::string> triggers;

    const SchemaColumn* column(const std::string& name) const;
    const SchemaIndex* index(const std::string& name) const;
    bool has_trigger(const std::string& name) const;
};

/// Anything whose name a table or an index could not have as well.
struct SchemaRelation {
    std::string kind;  ///< "table", "view", "index" ...
    std::string owner;
    bool owned = false;                ///< the role has the owner's rights
    std::vector<std::string> lacking;  ///< of SELECT, INSERT, UPDATE, DELETE and TRIGGER, what the role may not do
};

struct SchemaFunction {
    std::string name;
    std::string arguments;
    std::string owner;
    bool owned = false;

    std::string signature() const { return name + "(" + arguments + ")"; }
};

struct SchemaInventory {
    std::map<std::string, SchemaRelation> relations;
    std::map<std::string, SchemaTable> tables;
    std::map<std::string, SchemaFunction> functions;  ///< by signature

    const SchemaTable* table(const std::string& name) const;
};

/// In one round trip, without any lock on them when `names` says of which relations.
SchemaInventory read_inventory(Executor& executor, const std::string& schema,
                               const std::optional<std::vector<std::string>>& names, Deadline deadline);

}  // namespace stele
