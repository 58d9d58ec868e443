// The vectors of the entries as a transaction sees them.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "cache/vector_memory.hpp"

namespace stele {

/// A transaction sees its own writes, and perhaps not what others wrote since it began, so what it reads must not get
/// into the memory that all share. It asks which rows it sees and who wrote each. Of those that are in the shared
/// memory in that version the vectors are searched there; those of the others are read into a memory of its own. Not
/// thread-safe.
class JoinedVectors {
public:
    JoinedVectors(const CacheSql& sql, const VectorMemory& shared) : sql_(sql), shared_(shared) {}

    std::vector<Candidate> search(const std::string& name_space, std::span<const float> unit, std::size_t k,
                                  float min_score, Executor& transaction, Deadline deadline);

    /// Whether there is anything to search, as of the last search.
    bool any(const std::string& name_space) const;

private:
    const CacheSql& sql_;
    const VectorMemory& shared_;
    std::map<std::string, VectorSpace> own_;  // by namespace
};

}  // namespace stele
