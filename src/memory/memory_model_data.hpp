// Model memories of a MemoryDatabase, for twins.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/memory_database_impl.hpp"
#include "memory/memory_fork.hpp"
#include "memory/model_store.hpp"

namespace stele {

/// Under the lock of the MemoryDatabase.
struct MemoryModelData {
    struct Item : ModelStore::Element {
        Timestamp created = {};
    };
    struct Snapshot {
        Json variables;
        Timestamp created = {};
    };
    struct Thread {
        std::vector<Item> items = {};          // the newest at the end
        std::vector<Snapshot> snapshots = {};  // so, too
        MemoryPosition position = {};
        Timestamp made = {};
        std::map<std::string, MemoryPosition> keys = {};
        std::optional<MemoryFork> fork = {};
    };
    std::map<std::string, Thread> threads;

    static MemoryModelData& of(MemoryDatabase::Impl& database) STELE_REQUIRES(database.mutex) {
        return database.data<MemoryModelData>("memories");
    }
};

}  // namespace stele
