// Where revisions of a store are kept.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stele/deadline.hpp"
#include "stele/revision.hpp"

namespace stele {

/// Record: what a revision holds. Thread-safe. Arguments have been checked.
template <class Record>
class Revisions {
public:
    struct Stored {
        Timestamp created;
        Record record;
    };

    virtual ~Revisions() = default;
    virtual std::vector<std::string> identifiers(Deadline deadline) = 0;
    /// The newest of the identifiers behind `after`, in order.
    virtual std::vector<std::pair<std::string, Record>> page(std::string_view after, std::size_t limit,
                                                             Deadline deadline) = 0;
    virtual std::optional<Stored> find(std::string_view identifier, const RevisionSelector& which,
                                       Deadline deadline) = 0;
    /// The new revision; none: the newest holds the same.
    virtual std::optional<Timestamp> define(std::string_view identifier, const Record& record, const RevisionNote& note,
                                            Deadline deadline) = 0;
    /// The same with what the revision `created` holds. Error(not_found) if there is none.
    virtual std::optional<Timestamp> restore(std::string_view identifier, Timestamp created, const RevisionNote& note,
                                             Deadline deadline) = 0;
    virtual std::size_t remove(std::string_view identifier, Deadline deadline) = 0;
    /// The newest first.
    virtual std::vector<Revision> history(std::string_view identifier, const HistoryOptions& options,
                                          Deadline deadline) = 0;
    virtual Pruned prune(const PruneOptions& options, Deadline deadline) = 0;
};

}  // namespace stele
