// Model memories of a MemoryDatabase, for the twin.
#pragma once

#include <string>

#include "memory/memory_model_data.hpp"
#include "memory/model_store.hpp"

namespace stele {

class MemoryModelStore final : public ModelStore {
public:
    explicit MemoryModelStore(MemoryDatabase database);

    Found recall(const std::string& memory, std::optional<std::size_t> limit, Deadline deadline) override;
    MemoryOutcome remember(const std::string& memory, const Write& write, Deadline deadline) override;
    void create(const std::string& memory, Deadline deadline) override;

private:
    using Data = MemoryModelData;

    void check_owners(const std::string& memory, const Write& write) const STELE_REQUIRES(impl_.mutex);
    void check_responses(const std::string& memory, const std::vector<std::string>& responses) const
        STELE_REQUIRES(impl_.mutex);
    static void put(Data::Thread& thread, const Element& element, Timestamp& next);

    const MemoryDatabase database_;
    MemoryDatabase::Impl& impl_;
    Data* data_ = nullptr;  // under its lock
};

}  // namespace stele
