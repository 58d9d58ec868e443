// Which versions are current, in memory, for twins.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/memory_database_impl.hpp"
#include "stele/publications.hpp"

namespace stele {

/// Under the lock of the MemoryDatabase.
struct MemoryHeads {
    std::map<std::pair<std::string, std::string>, Publication> published;  // by kind and name

    static MemoryHeads& of(MemoryDatabase::Impl& database) STELE_REQUIRES(database.mutex) {
        return database.data<MemoryHeads>("heads");
    }
    /// What stele_current() says in the database.
    static std::optional<std::string> current(MemoryDatabase::Impl& database, std::string_view kind,
                                              std::string_view name) STELE_REQUIRES(database.mutex);
};

}  // namespace stele
