// Which version of something counts now, for those that were made from it (stele/dependency.hpp).
//
//     stele::Publications publications(database);
//     publications.publish("document", "terms", "8");  // answers made from another version are misses from now on
//
// Configurations and templates need no word here: what is newest of them, or labelled, their own tables say, so that
// define() and Labels::move() publish, Python's included.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stele/database.hpp"
#include "stele/export.hpp"
#include "stele/memory_database.hpp"
#include "stele/timestamp.hpp"
#include "stele/transaction.hpp"

namespace stele {
inline namespace v0 {

struct Publication {
    std::string kind, name, version;
    Timestamp published;
};

/// Thread-safe, but for what in() returns. Copies share everything. Kinds and names are text of 1 to 100 and 1 to 1,024
/// bytes: else Error(invalid_argument). Without a deadline DatabaseOptions::call_timeout applies.
class STELE_API Publications {
public:
    explicit Publications(Database database);
    /// Of the twins without a database that share `database`.
    explicit Publications(MemoryDatabase database);

    /// The same inside a transaction, which publishes when it commits. Until it ends, others who publish the same wait.
    Publications in(Transaction& transaction) const;
    Publications in(Savepoint& savepoint) const;

    /// From now on this version is current; false: it was already. One row is written, however much depends on it.
    /// Whoever asks the database sees it at once, this process at once, what others keep in memory follows within their
    /// DatabaseOptions::max_staleness. A version has 1 to 1,024 bytes. Error(invalid_argument) for the kinds "template"
    /// and "configuration", with or without a label: those are published by defining, and by moving labels.
    bool publish(std::string_view kind, std::string_view name, std::string_view version,
                 std::optional<Deadline> deadline = {});
    /// The current version: of those kinds, too. Nothing: nobody has published one. Empty: there was one, or might be
    /// (a template), and there is none.
    std::optional<std::string> current(std::string_view kind, std::string_view name,
                                       std::optional<Deadline> deadline = {}) const;
    /// What was published here, by kind and name; of one kind, or of all.
    std::vector<Publication> list(const std::optional<std::string>& kind = {}, std::size_t limit = 1'000,
                                  std::optional<Deadline> deadline = {}) const;

    struct Impl;

private:
    explicit Publications(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
    std::shared_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace stele
