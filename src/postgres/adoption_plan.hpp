// What it takes to adopt a schema, and to undo it: decided from what the migrations make and what the schema holds.
// Pure.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "postgres/schema_inventory.hpp"
#include "stele/adopt.hpp"

namespace stele {

/// Stele's own tables that no migration makes.
constexpr std::string_view kMigrationsTable = "stele_migrations";
constexpr std::string_view kAdoptedTable = "stele_adopted";

/// What the migrations make of an empty schema.
struct WantedSchema {
    SchemaInventory before;  ///< those that are applied
    SchemaInventory after;   ///< all
    /// As the migration that makes it leaves it: what a table that was there before has to be like.
    std::map<std::string, SchemaTable> original;
    std::map<std::string, std::int64_t> rows;

    /// What this table has to be like before anything is done. Precondition: `after` has it.
    const SchemaTable& expected(const std::string& table) const;
};

/// Who adopts, and where.
struct AdoptionSite {
    std::string quoted_schema;
    std::string quoted_role;
    bool may_create = true;
    bool adopted = false;                    ///< a record is there
    std::vector<int> pending;                ///< migrations
    std::vector<std::string> vector_tables;  ///< draive's vector indexes, by what they look like
};

/// A row of stele_adopted: a table that was there before.
struct NotedTable {
    std::set<std::string> columns;
    std::set<std::string> indexes;
};
using AdoptionRecord = std::map<std::string, NotedTable>;

/// Named stele_...
bool is_own(std::string_view table);

/// Every relation that matters to the plan: of `wanted`, of the known systems, and Stele's own.
std::vector<std::string> names_of_interest(const WantedSchema& wanted);

AdoptionPlan make_adoption_plan(const WantedSchema& wanted, const SchemaInventory& actual, const AdoptionSite& site);

/// All obstacles in one error; nothing when there are none.
/// "; OBJECT: PROBLEM (FIX)" of each.
std::string obstacles_text(const std::vector<Obstacle>& obstacles);
Result<void> check_obstacles(const AdoptionPlan& plan, const AdoptionSite& site);

/// Tables of the known systems that the schema did not have before: they go with what Stele made, unless they are used.
std::vector<std::string> added_tables(const WantedSchema& wanted, const SchemaInventory& actual,
                                      const AdoptionRecord& record);

/// `dropped` in an order in which nothing depends on what went before it.
UndoPlan make_undo_plan(const WantedSchema& wanted, const SchemaInventory& actual, const AdoptionRecord& record,
                        const std::set<std::string>& in_use);

/// The tables that are changed, the systems' own before Stele's.
std::vector<std::string> tables_to_lock(const UndoPlan& plan);

}  // namespace stele
