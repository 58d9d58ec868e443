// Labels in memory, for twins.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/memory_database_impl.hpp"
#include "stele/labels.hpp"

namespace stele {

/// Under the lock of the MemoryDatabase.
struct MemoryLabelData {
    using Key = std::tuple<LabelStore, std::string, std::string>;  // store, identifier, label
    std::map<Key, Label> labels;                                   // without those taken away
    std::vector<Label> moves;                                      // the newest at the end
    /// Finds a revision, or the newest; nothing if there is none.
    using FindRevision =
        std::function<std::optional<Timestamp>(const std::string& identifier, std::optional<Timestamp> revision)>;
    std::map<LabelStore, FindRevision> find_revision;

    static MemoryLabelData& of(MemoryDatabase::Impl& database) STELE_REQUIRES(database.mutex) {
        return database.data<MemoryLabelData>("labels");
    }
};

}  // namespace stele
