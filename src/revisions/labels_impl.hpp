// Where labels are kept.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "stele/deadline.hpp"
#include "stele/executor.hpp"
#include "stele/labels.hpp"

namespace stele {
inline namespace v0 {

/// Thread-safe. Arguments have been checked.
struct Labels::Impl {
    virtual ~Impl() = default;
    virtual void move(std::span<const LabelMove> moves, const RevisionNote& note, Deadline deadline) = 0;
    /// How many were there.
    virtual std::size_t remove(std::span<const LabelName> labels, const RevisionNote& note, Deadline deadline) = 0;
    virtual std::vector<Label> list(const LabelFilter& filter, Deadline deadline) = 0;
    virtual std::vector<Label> history(const LabelFilter& filter, std::size_t limit, Deadline deadline) = 0;
    /// Tells this process's stores that these identifiers are to be read again.
    virtual void changed(std::vector<LabelName>) {}
    virtual Deadline default_deadline() const { return Deadline::never(); }
    virtual const Database& database() const;

    struct OnTables;
    struct Stored;
    struct InTransaction;
    struct InMemory;
};

std::shared_ptr<Labels::Impl> labels_in_memory(MemoryDatabase database);

}  // namespace v0
}  // namespace stele
