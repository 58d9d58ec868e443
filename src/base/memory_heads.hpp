// Which versions are current, in memory, for twins.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/memory_database_impl.hpp"
#include "base/revision_kinds.hpp"

namespace stele {

/// Under the lock of the MemoryDatabase.
struct MemoryHeads {
    struct Head {
        std::string version;
        Timestamp published;
    };
    std::map<std::pair<std::string, std::string>, Head> published;  // by kind and name
    /// Of a kind of revisions; set by the twins that have some.
    std::function<std::string(std::string_view kind, const std::string& name)> of_revisions;

    static MemoryHeads& of(MemoryDatabase::Impl& database) STELE_REQUIRES(database.mutex) {
        return database.data<MemoryHeads>("heads");
    }
    /// What stele_current() says in the database.
    std::optional<std::string> current(const std::string& kind, const std::string& name) const {
        if (is_revision_kind(kind)) return of_revisions ? of_revisions(kind, name) : std::string();
        const auto found = published.find({kind, name});
        return found == published.end() ? std::nullopt : std::optional(found->second.version);
    }
};

}  // namespace stele
