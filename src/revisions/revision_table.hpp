// A table of revisions: its statements, sent. What a revision holds passes through as parameters and rows.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "revisions/revision_sql.hpp"
#include "stele/executor.hpp"
#include "stele/revision.hpp"

namespace stele {

/// Thread-safe if the executor is.
class RevisionTable {
public:
    struct Options {
        bool append_unchanged = false;
        bool group = false;  ///< on a database, where writes of several callers may share a commit
    };
    /// Binds the columns, and the extra one if it is told so.
    using Bind = std::function<void(Parameters& parameters, bool extra)>;

    /// `executor` runs all statements; `shape` must outlive it.
    RevisionTable(std::shared_ptr<Executor> executor, const RevisionTableShape& shape, const std::string& quoted_schema,
                  Options options);

    std::vector<std::string> identifiers(Deadline deadline);
    /// identifier, created and columns
    Rows page(std::string_view after, std::size_t limit, Deadline deadline);
    /// created and columns, of one row or none
    Rows find(std::string_view identifier, const RevisionSelector& which, Deadline deadline);
    std::optional<Timestamp> define(std::string_view identifier, const Bind& bind, const RevisionNote& note,
                                    Deadline deadline);
    std::optional<Timestamp> restore(std::string_view identifier, Timestamp created, const RevisionNote& note,
                                     Deadline deadline);
    std::size_t remove(std::string_view identifier, Deadline deadline);
    std::vector<Revision> history(std::string_view identifier, const HistoryOptions& options, Deadline deadline);
    Pruned prune(const PruneOptions& options, Deadline deadline);

private:
    template <class Work>
    auto persist(Work work);
    template <class Make>
    std::optional<Timestamp> add(std::string_view identifier, Deadline deadline, Make make);
    Statement marked(Statement write, std::string_view identifier) const;
    bool has_extra(Deadline deadline);

    const std::shared_ptr<Executor> executor_;
    const RevisionTableShape& shape_;
    const Options options_;
    const RevisionSql texts_;
    const Sql newest_, labelled_, define_, define_extra_, remove_;  // the frequent ones
    std::atomic<int> extra_;                                        // -1: not known yet
};

}  // namespace stele
