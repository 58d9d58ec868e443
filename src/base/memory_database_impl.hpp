// What twins without a database share.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/mutex.hpp"
#include "stele/memory_database.hpp"

namespace stele {
inline namespace v0 {

/// One lock over the data of all stores, so that what touches several of them is one step.
struct MemoryDatabase::Impl {
    explicit Impl(Now clock) : now(std::move(clock)) {}

    /// The data of one store, made when it is first asked for. It stays where it is.
    template <class Data>
    Data& data(const std::string& store) STELE_REQUIRES(mutex) {
        std::shared_ptr<void>& found = stores[store];
        if (!found) found = std::make_shared<Data>();
        return *static_cast<Data*>(found.get());
    }

    const Now now;
    Mutex mutex;
    std::map<std::string, std::shared_ptr<void>> stores STELE_GUARDED_BY(mutex);
};

}  // namespace v0
}  // namespace stele
