#include "cache/counters.hpp"

#include <utility>

namespace stele {
namespace {

constexpr std::array<std::string_view, kCounters> kNames = {"hits_exact", "hits_semantic", "misses", "evictions",
                                                            "expirations"};

std::optional<std::size_t> index_of(std::string_view name) {
    for (std::size_t i = 0; i < kCounters; ++i) {
        if (kNames[i] == name) return i;
    }
    return std::nullopt;
}

}  // namespace

std::string_view to_string(Counter counter) noexcept {
    return kNames[static_cast<std::size_t>(counter)];
}

void Counters::add(const std::string& name_space, Counter counter, std::int64_t count) {
    Shard& shard = shards_[my_shard()];
    MutexLock lock(shard.mutex);
    shard.values[name_space][static_cast<std::size_t>(counter)] += count;
}

Counters::Batch Counters::take() {
    ByNamespace all;
    for (Shard& shard : shards_) {
        MutexLock lock(shard.mutex);
        for (const auto& [name_space, values] : std::exchange(shard.values, {})) {
            for (std::size_t i = 0; i < kCounters; ++i) all[name_space][i] += values[i];
        }
    }
    Batch batch;
    for (const auto& [name_space, values] : all) {
        for (std::size_t i = 0; i < kCounters; ++i) {
            if (values[i] == 0) continue;
            batch.namespaces.push_back(name_space);
            batch.names.emplace_back(kNames[i]);
            batch.values.push_back(values[i]);
        }
    }
    return batch;
}

Counters::Values Counters::pending(const std::optional<std::string>& name_space) const {
    Values sum{};
    for (const Shard& shard : shards_) {
        MutexLock lock(shard.mutex);
        for (const auto& [name, values] : shard.values) {
            if (name_space && *name_space != name) continue;
            for (std::size_t i = 0; i < kCounters; ++i) sum[i] += values[i];
        }
    }
    return sum;
}

void Counters::put_back(const Batch& batch) {
    for (std::size_t i = 0; i < batch.values.size(); ++i) {
        add(batch.namespaces[i], static_cast<Counter>(*index_of(batch.names[i])), batch.values[i]);
    }
}

Counters::Values Counters::read(const Rows& rows) {
    Values values{};
    for (const Row& row : rows) {
        if (const auto index = index_of(row.get<std::string_view>("name"))) {
            values[*index] += row.get<std::int64_t>("value");
        }
    }
    return values;
}

}  // namespace stele
