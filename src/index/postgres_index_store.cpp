#include "index/postgres_index_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/result.hpp"
#include "index/filter_sql.hpp"
#include "index/index_insert.hpp"
#include "index/index_sql.hpp"
#include "index/pgvector_value.hpp"
#include "postgres/joined_transaction.hpp"

namespace stele {
namespace {

// a table, a column, a type, a schema, an operator that is not there; another type, another length of vectors
constexpr std::string_view kChanged[] = {"42P01", "42703", "42704", "3F000", "42883", "42804", "22000"};

void keep(Transaction& transaction, Deadline deadline) {
    transaction.commit(deadline);
}
void keep(Savepoint& savepoint, Deadline deadline) {
    savepoint.release(deadline);
}

/// Of a store inside a transaction or a savepoint of its own, which undoes it if it is not kept.
template <class Inside>
class Unit final : public IndexUnit {
public:
    Unit(std::unique_ptr<Inside> inside, std::shared_ptr<IndexStore> store, TableFacts facts, const IndexTable& table)
        : inside_(std::move(inside)),
          store_(std::move(store)),
          facts_(std::move(facts)),
          question_("SELECT clock_timestamp(), " + table.stamp_sql()),
          table_(table) {}

    std::vector<KnownRow> known(const VectorFrame& frame, RowPointers rows, Deadline deadline) override {
        return store_->known(frame, rows, deadline);
    }
    std::vector<Uuid> put(const VectorFrame& frame, RowPointers rows, Deadline deadline) override {
        // float16 is made by the server
        if (!facts_.copies || facts_.half || rows.front()->key) return store_->put(frame, rows, deadline);
        if (!begun_ && !begin_copies(deadline)) return store_->put(frame, rows, deadline);
        const auto since = Clock::now() - begun_at_;
        next_ = std::max(next_, *begun_ + std::chrono::duration_cast<std::chrono::microseconds>(since));
        const Timestamp first = std::exchange(next_, next_ + std::chrono::microseconds(rows.size()));
        return copy_rows(*inside_, facts_, table_, rows, first, deadline);
    }
    void commit(Deadline deadline) override { keep(*inside_, deadline); }

private:
    using Clock = std::chrono::steady_clock;

    /// Asked once: the first COPY locks the table against changes until the unit is over.
    bool begin_copies(Deadline deadline) {
        const Row now = inside_->query(question_, deadline)[0];
        if (now.template find<std::string>(1) != facts_.stamp) return false;
        begun_at_ = Clock::now();
        begun_ = next_ = now.template get<Timestamp>(0);
        return true;
    }

    std::unique_ptr<Inside> inside_;
    std::shared_ptr<IndexStore> store_;
    const TableFacts facts_;
    const Statement question_;
    const IndexTable& table_;
    std::optional<Timestamp> begun_;  // by the server's clock, at the client's time below
    Clock::time_point begun_at_;
    Timestamp next_{};  // the least stamp that is not given yet
};

}  // namespace

PostgresIndexStore::PostgresIndexStore(Database database, const VectorIndexOptions& options)
    : database_(std::move(database)),
      executor_(std::make_shared<Database>(database_)),
      table_(database_.quoted_schema(), options) {}

PostgresIndexStore::PostgresIndexStore(const PostgresIndexStore& outside, std::shared_ptr<JoinedTransaction> joined)
    : database_(outside.database_),
      executor_(joined),
      table_(outside.table_),
      estimates_(outside.estimates_),
      joined_(std::move(joined)) {}

// What a transaction sees of the table is its own: it may make it, and be rolled back.
std::shared_ptr<IndexStore> PostgresIndexStore::join(Transaction& transaction) {
    return std::shared_ptr<IndexStore>(
        new PostgresIndexStore(*this, std::make_shared<JoinedTransaction>(transaction, database_)));
}
std::shared_ptr<IndexStore> PostgresIndexStore::join(Savepoint& savepoint) {
    return std::shared_ptr<IndexStore>(
        new PostgresIndexStore(*this, std::make_shared<JoinedTransaction>(savepoint, database_)));
}

Deadline PostgresIndexStore::default_deadline() const {
    return Deadline::after(database_.options().call_timeout);
}

TableFacts PostgresIndexStore::facts(Deadline deadline) {
    {
        MutexLock lock(mutex_);
        if (facts_) return *facts_;
    }
    TableFacts facts = table_.look(*executor_, deadline);
    MutexLock lock(mutex_);
    if (facts.table) facts_ = facts;
    return facts;
}

void PostgresIndexStore::forget() {
    MutexLock lock(mutex_);
    facts_.reset();
}

void PostgresIndexStore::forget_after(const Error& error) {
    if (std::find(std::begin(kChanged), std::end(kChanged), error.sqlstate()) != std::end(kChanged)) forget();
}

Rows PostgresIndexStore::run(const Statement& statement, Deadline deadline) {
    try {
        return executor_->query(statement, deadline);
    } catch (const Error& error) {
        forget_after(error);
        throw;
    }
}

std::vector<Rows> PostgresIndexStore::run(std::span<const Statement> statements, Deadline deadline) {
    try {
        return executor_->run(statements, deadline);
    } catch (const Error& error) {
        forget_after(error);
        throw;
    }
}

void PostgresIndexStore::prepare(const VectorFrame& frame, bool keyed, Deadline deadline) {
    {
        // what nothing tells yet, the first row of another may tell by now
        MutexLock lock(mutex_);
        const bool told =
            facts_ && facts_->frame.dimension != 0 && (!facts_->frame.fingerprint.empty() || frame.fingerprint.empty());
        if (!told) facts_.reset();
    }
    // the extension, the table, and both again if another process was first
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const TableFacts found = facts(deadline);
        if (found.table) check_frame(table_.name(), found.frame, frame);
        if (!IndexTable::lacks(found, frame, keyed)) return;
        try {
            make(found, frame, keyed, deadline);
        } catch (const Error& error) {
            // in a transaction everything is over now
            if (joined_ || !IndexTable::was_made_meanwhile(error)) throw;
        }
        forget();
    }
    keeps_changing();
}

void PostgresIndexStore::keeps_changing() const {
    raise(ErrorCode::schema_missing,
          fmt::format("the table {} was looked at {} times and was another each time: does another program drop it?",
                      table_.quoted(), kAttempts));
}

void PostgresIndexStore::make(const TableFacts& found, const VectorFrame& frame, bool keyed, Deadline deadline) {
    if (joined_) return table_.make(*executor_, found, frame, keyed, deadline);
    Transaction transaction = database_.begin({}, deadline);
    table_.make(transaction, found, frame, keyed, deadline);
    transaction.commit(deadline);
}

bool PostgresIndexStore::changed(const TableFacts& found, const VectorFrame& frame, bool keyed, Deadline deadline) {
    forget();
    prepare(frame, keyed, deadline);
    return facts(deadline).stamp != found.stamp;
}

std::size_t PostgresIndexStore::dimension(Deadline deadline) {
    const TableFacts found = facts(deadline);
    return found.table ? found.frame.dimension : 0;
}

std::vector<KnownRow> PostgresIndexStore::known(const VectorFrame& frame, RowPointers rows, Deadline deadline) {
    const TableFacts found = facts(deadline);
    check_frame(table_.name(), found.frame, frame);
    std::vector<KnownRow> all;
    for (const Row& row : run(known_statement(found, table_.quoted(), rows), deadline)) {
        KnownRow& known = all.emplace_back(KnownRow{static_cast<std::size_t>(row.get<std::int64_t>(0)),
                                                    row.get<Uuid>(1),
                                                    row.get<bool>(2),
                                                    {},
                                                    row.get<bool>(4)});
        if (!known.same) known.vector = decode_pgvector(row.get<std::span<const std::byte>>(3));
    }
    return all;
}

std::vector<Uuid> PostgresIndexStore::put(const VectorFrame& frame, RowPointers rows, Deadline deadline) {
    // in the order of their keys, so that two calls with the same keys wait for, and not on, each other
    std::vector<std::int64_t> order(rows.size());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    const auto row = [&](std::int64_t i) { return rows[static_cast<std::size_t>(i)]; };
    std::sort(order.begin(), order.end(),
              [&](std::int64_t a, std::int64_t b) { return std::tie(row(a)->key, a) < std::tie(row(b)->key, b); });
    std::vector<const IndexRow*> ordered;
    std::vector<Uuid> made, ids(rows.size());
    std::unordered_map<std::string_view, std::size_t> places;
    for (const std::int64_t i : order) {
        ordered.push_back(row(i));
        made.push_back(Uuid::v7());
        ids[static_cast<std::size_t>(i)] = made.back();
        if (row(i)->key) places.emplace(*row(i)->key, static_cast<std::size_t>(i));
    }
    Rows answer;
    for (int attempt = 0;; ++attempt) {
        if (attempt == kAttempts) keeps_changing();
        const TableFacts found = facts(deadline);
        answer = run(insert_statement(found, table_, ordered, made, order), deadline);
        // a trigger may keep all of them out, too
        if (answer.affected() > 0 || !changed(found, frame, !places.empty(), deadline)) break;
    }
    for (const Row& stored : answer) {
        const auto key = stored.find<std::string_view>(0);
        if (key) ids[places.at(*key)] = stored.get<Uuid>(1);
    }
    return ids;
}

std::unique_ptr<IndexUnit> PostgresIndexStore::begin_unit(Deadline deadline) {
    // what is known of the table here is known there
    const TableFacts found = facts(deadline);
    const auto knowing = [&](const std::shared_ptr<IndexStore>& store) {
        auto& inside = static_cast<PostgresIndexStore&>(*store);
        MutexLock lock(inside.mutex_);
        inside.facts_ = found;
        return store;
    };
    if (joined_) {
        auto savepoint = std::make_unique<Savepoint>(joined_->savepoint());
        std::shared_ptr<IndexStore> store = knowing(join(*savepoint));
        return std::make_unique<Unit<Savepoint>>(std::move(savepoint), std::move(store), found, table_);
    }
    auto transaction = std::make_unique<Transaction>(database_.begin({}, deadline));
    std::shared_ptr<IndexStore> store = knowing(join(*transaction));
    return std::make_unique<Unit<Transaction>>(std::move(transaction), std::move(store), found, table_);
}

bool PostgresIndexStore::replace(const VectorFrame& frame, const Uuid& id, const IndexRow& row, Deadline deadline) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const TableFacts found = facts(deadline);
        std::vector<float> scaled;
        Parameters parameters;
        parameters.add_binary(encode_pgvector(storable(found, row.vector, scaled)));
        parameters.add(row.payload);
        parameters.add(row.meta);
        parameters.add(id);
        parameters.add(found.stamp);
        if (found.keyed) parameters.add(row.digest);
        const std::string same = table_.stamp_sql() + " = $5";
        const Statement statement = with(
            fmt::format("WITH u AS (UPDATE {} SET embedding = {}, payload = $2, meta = $3{} WHERE id = $4 AND {} "
                        "RETURNING 1) SELECT (SELECT count(*) FROM u), {}",
                        table_.quoted(), vector_cast(found, 1), found.keyed ? ", stele_digest = $6" : "", same, same),
            parameters);
        const Rows answer = run(statement, deadline);
        if (answer[0].get<std::int64_t>(0) > 0) return true;
        if (answer[0].find<bool>(1).value_or(false) || !changed(found, frame, false, deadline)) return false;
    }
    keeps_changing();
}

std::size_t PostgresIndexStore::count(const Filter& filter, Deadline deadline) {
    if (!facts(deadline).table) return 0;
    Parameters parameters;
    const std::string condition = filter_sql(filter.node(), "payload", parameters);
    const Statement statement =
        with(fmt::format("SELECT count(*) FROM {} WHERE {}", table_.quoted(), condition), parameters).slow_read();
    return static_cast<std::size_t>(run(statement, deadline)[0].get<std::int64_t>(0));
}

std::size_t PostgresIndexStore::remove(const Filter& filter, Deadline deadline) {
    if (!facts(deadline).table) return 0;
    Parameters parameters;
    const std::string condition = filter_sql(filter.node(), "payload", parameters);
    const Statement statement = with(fmt::format("DELETE FROM {} WHERE {}", table_.quoted(), condition), parameters);
    return run(statement, deadline).affected();
}

std::size_t PostgresIndexStore::remove(const std::vector<Uuid>& ids, Deadline deadline) {
    if (!facts(deadline).table) return 0;
    const Statement statement(fmt::format("DELETE FROM {} WHERE id = ANY($1)", table_.quoted()), ids);
    return run(statement, deadline).affected();
}

}  // namespace stele
