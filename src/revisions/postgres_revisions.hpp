// Revisions of a store in its table.
#pragma once

#include "revisions/revision_table.hpp"
#include "revisions/revisions.hpp"

namespace stele {

/// A Record says how it is stored:
///
///     static const RevisionTableShape& shape();
///     void bind(Parameters& parameters, bool extra) const;  // the columns; then the extra one, if it is told so
///     static Record read(const Row& row, std::size_t first);
template <class Record>
class PostgresRevisions final : public Revisions<Record> {
public:
    using typename Revisions<Record>::Stored;

    PostgresRevisions(std::shared_ptr<Executor> executor, const std::string& quoted_schema,
                      RevisionTable::Options options)
        : table_(std::move(executor), Record::shape(), quoted_schema, options) {}

    std::vector<std::string> identifiers(Deadline deadline) override { return table_.identifiers(deadline); }
    std::vector<std::pair<std::string, Record>> page(std::string_view after, std::size_t limit,
                                                     Deadline deadline) override {
        std::vector<std::pair<std::string, Record>> all;
        for (const Row& row : table_.page(after, limit, deadline)) {
            all.emplace_back(row.get<std::string>(0), Record::read(row, 2));
        }
        return all;
    }
    std::optional<Stored> find(std::string_view identifier, const RevisionSelector& which, Deadline deadline) override {
        const Rows rows = table_.find(identifier, which, deadline);
        if (rows.empty()) return std::nullopt;
        return Stored{rows[0].get<Timestamp>(0), Record::read(rows[0], 1)};
    }
    std::optional<Timestamp> define(std::string_view identifier, const Record& record, const RevisionNote& note,
                                    Deadline deadline) override {
        const auto bind = [&record](Parameters& parameters, bool extra) { record.bind(parameters, extra); };
        return table_.define(identifier, bind, note, deadline);
    }
    std::optional<Timestamp> restore(std::string_view identifier, Timestamp created, const RevisionNote& note,
                                     Deadline deadline) override {
        return table_.restore(identifier, created, note, deadline);
    }
    std::size_t remove(std::string_view identifier, Deadline deadline) override {
        return table_.remove(identifier, deadline);
    }
    std::vector<Revision> history(std::string_view identifier, const HistoryOptions& options,
                                  Deadline deadline) override {
        return table_.history(identifier, options, deadline);
    }
    Pruned prune(const PruneOptions& options, Deadline deadline) override { return table_.prune(options, deadline); }

private:
    RevisionTable table_;
};

}  // namespace stele
