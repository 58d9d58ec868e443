#include "postgres/adoption_obstacles.hpp"

#include <algorithm>
#include <utility>

#include "postgres/identifier.hpp"

namespace stele {
namespace {

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
    return text;
}

std::string quoted(std::vector<std::string> columns) {
    for (std::string& column : columns) column = quote_identifier(column);
    return joined(columns);
}

/// The same columns, in whatever order.
bool same_columns(std::vector<std::string> a, std::vector<std::string> b) {
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    return a == b;
}

/// draive 0.93 to 0.99 gave its memories UUIDs, under the same names.
bool has_uuid_memories(const SchemaInventory& actual) {
    const SchemaTable* const memories = actual.table("memories");
    const SchemaColumn* const identifier = memories == nullptr ? nullptr : memories->column("identifier");
    return identifier != nullptr && identifier->type == "uuid";
}

/// Stele fills this one although no migration makes it: haiway's tables have it.
bool is_known_extra(const std::string& table, const SchemaColumn& column) {
    return table == "configurations" && column.name == "name" && column.type == "text";
}

class Search {
public:
    Search(const WantedSchema& wanted, const SchemaInventory& actual, const AdoptionSite& site)
        : wanted_(wanted), actual_(actual), site_(site) {}

    std::vector<Obstacle> run() {
        const bool uuid_memories = has_uuid_memories(actual_);
        if (uuid_memories) {
            add("memories", "it is that of draive 0.93 to 0.99, with UUIDs, which Stele imports from and does not use",
                "name another schema, and import conversations from this one (docs/memory.md)");
        }
        for (const auto& [name, table] : wanted_.after.tables) {
            const auto relation = actual_.relations.find(name);
            if (relation == actual_.relations.end()) continue;
            if (uuid_memories && name.starts_with("memories")) continue;
            if (relation->second.kind != "table") {
                taken(name, relation->second.kind, "a table");
                continue;
            }
            const SchemaTable& actual = *actual_.table(name);
            const SchemaTable& expected = wanted_.expected(name);
            if (has_all_columns(name, expected, actual)) {
                for (const SchemaColumn& column : expected.columns) compare(name, column, *actual.column(column.name));
                extra_columns(name, table, actual);
                keys(name, expected, actual);
            }
            rights(name, table, relation->second);
        }
        for (const auto& [name, table] : wanted_.after.tables) index_names(name, table);
        const bool creates = !site_.pending.empty() || !site_.adopted;
        if (creates && !site_.may_create) {
            add("schema " + site_.quoted_schema, "role " + site_.quoted_role + " may not create tables in it",
                "GRANT USAGE, CREATE ON SCHEMA " + site_.quoted_schema + " TO " + site_.quoted_role, true);
        }
        return std::move(obstacles_);
    }

private:
    std::string placed(const std::string& table) const { return site_.quoted_schema + "." + quote_identifier(table); }
    std::string alter(const std::string& table, const std::string& column) const {
        return "ALTER TABLE " + placed(table) + " ALTER COLUMN " + quote_identifier(column);
    }
    void add(std::string object, std::string problem, std::string fix, bool is_right = false) {
        obstacles_.push_back({std::move(object), std::move(problem), std::move(fix), is_right});
    }
    void taken(const std::string& name, const std::string& kind, const std::string& needed) {
        add(name, "the name is taken by another " + kind + "; Stele needs it for " + needed,
            "rename it, or name another schema");
    }

    bool has_all_columns(const std::string& name, const SchemaTable& expected, const SchemaTable& actual) {
        std::vector<std::string> lacking;
        for (const SchemaColumn& column : expected.columns) {
            if (actual.column(column.name) == nullptr) lacking.push_back(column.name);
        }
        if (!lacking.empty()) {
            add(name, "it lacks the columns " + joined(lacking) + ", so it is another table",
                "rename it, or name another schema");
        }
        return lacking.empty();
    }

    void compare(const std::string& table, const SchemaColumn& wanted, const SchemaColumn& actual) {
        const std::string column = "its column " + wanted.name;
        if (actual.type != wanted.type) {
            add(table, column + " is of type " + actual.type + ", not " + wanted.type,
                alter(table, wanted.name) + " TYPE " + wanted.type + " USING " + quote_identifier(wanted.name) +
                    "::" + wanted.type);
        }
        if (wanted.not_null && !actual.not_null) {
            add(table, column + " may be null", alter(table, wanted.name) + " SET NOT NULL");
        }
        if (!wanted.not_null && actual.not_null && !wanted_.after.table(table)->column(wanted.name)->not_null) {
            add(table, column + " must not be null, but Stele leaves it empty where nothing is said",
                alter(table, wanted.name) + " DROP NOT NULL");
        }
        if (wanted.has_default && actual.not_null && !actual.has_default) {
            const bool is_ours = wanted.default_value.find("pg_temp") != std::string::npos;  // a sequence beside it
            add(table, column + " has no default",
                is_ours || wanted.default_value.empty()
                    ? std::string()
                    : alter(table, wanted.name) + " SET DEFAULT " + wanted.default_value);
        }
    }

    void extra_columns(const std::string& name, const SchemaTable& wanted, const SchemaTable& actual) {
        for (const SchemaColumn& column : actual.columns) {
            const bool is_in_the_way = column.not_null && !column.has_default;
            if (!is_in_the_way || wanted.column(column.name) != nullptr || is_known_extra(name, column)) continue;
            add(name, "its column " + column.name + ", which Stele does not know, must not be null and has no default",
                alter(name, column.name) + " DROP NOT NULL");
        }
    }

    void keys(const std::string& name, const SchemaTable& expected, const SchemaTable& actual) {
        for (const SchemaIndex& key : expected.indexes) {
            if (!key.is_key || !key.is_constraint) continue;
            const bool found = std::any_of(actual.indexes.begin(), actual.indexes.end(), [&](const SchemaIndex& index) {
                return index.is_key && same_columns(index.columns, key.columns);
            });
            if (found) continue;
            add(name,
                "it has no " + std::string(key.is_primary ? "primary" : "unique") + " key (" + joined(key.columns) +
                    ")",
                "ALTER TABLE " + placed(name) + " ADD " + (key.is_primary ? "PRIMARY KEY" : "UNIQUE") + " (" +
                    quoted(key.columns) + ")");
        }
    }

    /// CREATE INDEX IF NOT EXISTS would take anything of that name for the index.
    void index_names(const std::string& name, const SchemaTable& wanted) {
        for (const SchemaIndex& index : wanted.indexes) {
            const auto relation = actual_.relations.find(index.name);
            if (index.is_constraint || relation == actual_.relations.end()) continue;
            const SchemaTable* const table = actual_.table(name);
            if (table != nullptr && table->index(index.name) != nullptr) continue;
            taken(index.name, relation->second.kind, "an index of " + name);
        }
    }

    void rights(const std::string& name, const SchemaTable& wanted, const SchemaRelation& actual) {
        if (site_.pending.empty()) return;
        std::vector<std::string> lacking = actual.lacking;
        if (wanted.triggers.empty()) std::erase(lacking, "TRIGGER");
        if (!lacking.empty()) {
            add(name, "role " + site_.quoted_role + " lacks the right to " + joined(lacking),
                "GRANT " + joined(lacking) + " ON " + placed(name) + " TO " + site_.quoted_role, true);
        }
        const SchemaTable* const before = wanted_.before.table(name);
        const bool gets_index =
            std::any_of(wanted.indexes.begin(), wanted.indexes.end(), [before](const SchemaIndex& index) {
                return !index.is_constraint && (before == nullptr || before->index(index.name) == nullptr);
            });
        if (gets_index && !actual.owned) {
            const std::string owner = quote_identifier(actual.owner);
            add(name, "only its owner, " + owner + ", may see to its indexes",
                "do this as " + owner + ", or GRANT " + owner + " TO " + site_.quoted_role, true);
        }
    }

    const WantedSchema& wanted_;
    const SchemaInventory& actual_;
    const AdoptionSite& site_;
    std::vector<Obstacle> obstacles_;
};

}  // namespace

std::vector<Obstacle> find_obstacles(const WantedSchema& wanted, const SchemaInventory& actual,
                                     const AdoptionSite& site) {
    return Search(wanted, actual, site).run();
}

}  // namespace stele
