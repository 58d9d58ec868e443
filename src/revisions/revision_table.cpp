#include "revisions/revision_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/result.hpp"

namespace stele {
namespace {

constexpr int kUnknown = -1;

std::int64_t row_count(std::size_t limit) {
    constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
    return static_cast<std::int64_t>(std::min(limit, kMost));
}

}  // namespace

RevisionTable::RevisionTable(std::shared_ptr<Executor> executor, const RevisionTableShape& shape,
                             const std::string& quoted_schema, Options options)
    : executor_(std::move(executor)),
      shape_(shape),
      options_(options),
      texts_(shape, quoted_schema),
      newest_(texts_.newest()),
      labelled_(texts_.labelled()),
      define_(texts_.define(false, false)),
      define_extra_(texts_.define(true, false)),
      remove_(texts_.remove()),
      extra_(shape.extra_column.empty() ? 0 : kUnknown) {}

std::vector<std::string> RevisionTable::identifiers(Deadline deadline) {
    std::vector<std::string> all;
    for (const Row& row : executor_->query(Statement(texts_.identifiers()).slow_read(), deadline)) {
        all.push_back(row.get<std::string>(0));
    }
    return all;
}

Rows RevisionTable::page(std::string_view after, std::size_t limit, Deadline deadline) {
    return executor_->query(Statement(texts_.page(), after, row_count(limit)).slow_read(), deadline);
}

Rows RevisionTable::find(std::string_view identifier, const RevisionSelector& which, Deadline deadline) {
    const auto ask = [&](Statement statement) { return executor_->query(statement.read_by_key(), deadline); };
    switch (which.kind()) {
        case RevisionSelector::Kind::newest: return ask(Statement(newest_, identifier));
        case RevisionSelector::Kind::labelled: return ask(Statement(labelled_, identifier, which.label()));
        case RevisionSelector::Kind::as_of: return ask(Statement(texts_.as_of(), identifier, which.time()));
        case RevisionSelector::Kind::exactly: return ask(Statement(texts_.exactly(), identifier, which.time()));
    }
    return {};
}

/// Of a statement alone. Another revision of the same microsecond has the same key: the next look sees it. A label that
/// is moved meanwhile may wait for what this one holds. haiway may just have added its column, or taken it away.
template <class Work>
auto RevisionTable::persist(Work work) {
    constexpr int kTries = 10;
    for (int tries = 1;; ++tries) {
        try {
            return work();
        } catch (const Error& error) {
            const std::string& state = error.sqlstate();
            const bool column = state == "23502" || state == "42703";
            if (column && !shape_.extra_column.empty()) extra_ = kUnknown;
            const bool passes = state == "23505" || state == "40P01" || (column && tries == 1);
            if (!options_.group || !passes || tries == kTries) throw;
        }
    }
}

/// `make` gives the statement, which returns identifier and created of what it added.
template <class Make>
std::optional<Timestamp> RevisionTable::add(std::string_view identifier, Deadline deadline, Make make) {
    return persist([&] {
        const Rows added = executor_->query(marked(make(has_extra(deadline)), identifier), deadline);
        return added.empty() ? std::nullopt : std::optional(added[0].get<Timestamp>(1));
    });
}

std::optional<Timestamp> RevisionTable::define(std::string_view identifier, const Bind& bind, const RevisionNote& note,
                                               Deadline deadline) {
    const bool noted = note.author || note.message;
    return add(identifier, deadline, [&](bool extra) {
        Statement statement = noted ? Statement(texts_.define(extra, true), identifier)
                                    : Statement(extra ? define_extra_ : define_, identifier);
        bind(statement.parameters(), extra);
        statement.parameters().add(options_.append_unchanged);
        if (noted) {
            statement.parameters().add(note.author);
            statement.parameters().add(note.message);
        }
        return statement;
    });
}

std::optional<Timestamp> RevisionTable::restore(std::string_view identifier, Timestamp created,
                                                const RevisionNote& note, Deadline deadline) {
    const auto added = add(identifier, deadline, [&](bool extra) {
        return Statement(texts_.restore(extra), identifier, created, options_.append_unchanged, note.author,
                         note.message);
    });
    if (!added && find(identifier, RevisionSelector::exactly(created), deadline).empty()) {
        raise(ErrorCode::not_found,
              fmt::format("there is no {} of '{}' in {}", RevisionSelector::exactly(created).to_string(), identifier,
                          shape_.store));
    }
    return added;
}

std::size_t RevisionTable::remove(std::string_view identifier, Deadline deadline) {
    return persist([&] { return executor_->execute(marked(Statement(remove_, identifier), identifier), deadline); });
}

std::vector<Revision> RevisionTable::history(std::string_view identifier, const HistoryOptions& options,
                                             Deadline deadline) {
    std::vector<Revision> all;
    const Statement statement(texts_.history(), identifier, options.before, row_count(options.limit));
    for (const Row& row : executor_->query(Statement(statement).slow_read(), deadline)) {
        all.push_back({row.get<Timestamp>(0), row.find<std::string>(1), row.find<std::string>(2),
                       row.get<std::vector<std::string>>(3)});
    }
    return all;
}

Pruned RevisionTable::prune(const PruneOptions& options, Deadline deadline) {
    Pruned pruned;
    Statement statement(texts_.prune(!options.dry_run), options.identifier,
                        row_count(std::max<std::size_t>(options.keep, 1)), options.created_before);
    if (options.dry_run) statement.slow_read();
    for (const Row& row : persist([&] { return executor_->query(statement, deadline); })) {
        if (row.get<bool>(2)) {
            ++pruned.labelled;
        } else {
            pruned.revisions.push_back({row.get<std::string>(0), row.get<Timestamp>(1)});
        }
    }
    return pruned;
}

Statement RevisionTable::marked(Statement write, std::string_view identifier) const {
    if (options_.group) write.group_commit(fmt::format("{}/{}", texts_.table(), identifier));
    return write;
}

/// haiway added a column that has no default.
bool RevisionTable::has_extra(Deadline deadline) {
    int extra = extra_.load(std::memory_order_relaxed);
    if (extra == kUnknown) {
        const Rows rows = executor_->query(
            Statement("SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = $1::text::regclass AND attname = $2 "
                      "AND NOT attisdropped)",
                      texts_.table(), shape_.extra_column)
                .read(),
            deadline);
        extra_ = extra = rows[0].get<bool>(0) ? 1 : 0;
    }
    return extra == 1;
}

}  // namespace stele
