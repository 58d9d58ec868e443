// A schema that is to be adopted or was, as one transaction sees it.
#pragma once

#include <optional>
#include <vector>

#include "postgres/adoption_plan.hpp"
#include "postgres/migration_plan.hpp"

namespace stele {

/// Not thread-safe; lives no longer than the transaction.
class Adoption {
public:
    Adoption(Database& database, Transaction& transaction, const std::vector<Migration>& all, Deadline deadline);

    const WantedSchema& wanted() const noexcept { return wanted_; }
    const SchemaInventory& actual() const noexcept { return actual_; }
    const AdoptionSite& site() const noexcept { return site_; }

    AdoptionPlan plan() const { return make_adoption_plan(wanted_, actual_, site_); }
    /// The tables that are there and that the migrations lock, in an order that all keep.
    std::vector<std::string> tables_to_change() const;
    /// Makes the record of what is there.
    void note();
    /// Error(not_found) when the schema was not adopted.
    AdoptionRecord record();

private:
    std::vector<AppliedMigration> applied();
    AdoptionSite look_at_site();

    Database& database_;
    Transaction& transaction_;
    Deadline deadline_;
    const std::vector<Migration>& all_;
    WantedSchema wanted_;
    SchemaInventory actual_;
    AdoptionSite site_;
};

}  // namespace stele
