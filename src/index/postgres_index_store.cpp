#include "index/postgres_index_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>

#include "base/result.hpp"
#include "index/filter_sql.hpp"
#include "index/index_sql.hpp"
#include "index/pgvector_value.hpp"
#include "postgres/joined_transaction.hpp"

namespace stele {
namespace {

constexpr std::string_view kUndefinedTable = "42P01";

}  // namespace

PostgresIndexStore::PostgresIndexStore(Database database, const VectorIndexOptions& options)
    : database_(std::move(database)),
      executor_(std::make_shared<Database>(database_)),
      table_(database_.quoted_schema(), options) {}

PostgresIndexStore::PostgresIndexStore(const PostgresIndexStore& outside, std::shared_ptr<Executor> executor)
    : database_(outside.database_),
      executor_(std::move(executor)),
      table_(outside.table_),
      estimates_(outside.estimates_),
      joined_(true) {}

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

void PostgresIndexStore::forget_missing(const Error& error) {
    if (error.sqlstate() != kUndefinedTable) return;
    MutexLock lock(mutex_);
    facts_.reset();
}

Rows PostgresIndexStore::run(const Statement& statement, Deadline deadline) {
    try {
        return executor_->query(statement, deadline);
    } catch (const Error& error) {
        forget_missing(error);
        throw;
    }
}

std::vector<Rows> PostgresIndexStore::run(std::span<const Statement> statements, Deadline deadline) {
    try {
        return executor_->run(statements, deadline);
    } catch (const Error& error) {
        forget_missing(error);
        throw;
    }
}

void PostgresIndexStore::prepare(const VectorFrame& frame, bool keyed, Deadline deadline) {
    // the extension, the table, and both again if another process was first
    for (int attempt = 0; attempt < 5; ++attempt) {
        const TableFacts found = facts(deadline);
        if (found.table) check_frame(table_.name(), found.frame, frame);
        if (!IndexTable::lacks(found, frame, keyed)) return;
        try {
            table_.make(*executor_, found, frame, keyed, deadline);
        } catch (const Error& error) {
            // in a transaction everything is over now
            if (joined_ || !IndexTable::was_made_meanwhile(error)) throw;
        }
        MutexLock lock(mutex_);
        facts_.reset();
    }
    raise(ErrorCode::schema_missing,
          fmt::format("the table {} was made several times and is not there: does another program drop it?",
                      table_.quoted()));
}

std::vector<KnownVector> PostgresIndexStore::known(const VectorFrame& frame, const std::vector<std::string>& keys,
                                                   Deadline deadline) {
    const TableFacts found = facts(deadline);
    if (!found.table || !found.keyed) return {};
    check_frame(table_.name(), found.frame, frame);
    const Statement statement =
        Statement(fmt::format("SELECT stele_key, coalesce(stele_digest, ''), {} FROM {} WHERE stele_key = ANY($1)",
                              stored_vector(found), table_.quoted()),
                  keys)
            .slow_read();
    std::vector<KnownVector> all;
    for (const Row& row : run(statement, deadline)) {
        all.push_back({row.get<std::string>(0), row.get<std::string>(1),
                       decode_pgvector(row.get<std::span<const std::byte>>(2))});
    }
    return all;
}

std::vector<Uuid> PostgresIndexStore::put(std::span<const IndexRow> rows, Deadline deadline) {
    const TableFacts found = facts(deadline);
    const std::string insert = fmt::format(
        "INSERT INTO {} (embedding, payload, meta, created{}) VALUES ({}, $2, $3, "
        "current_setting('stele.index_base')::timestamptz + $4 * interval '1 microsecond'{}) {} RETURNING id",
        table_.quoted(), found.keyed ? ", stele_key, stele_digest" : "", vector_cast(found, 1),
        found.keyed ? ", $5, $6" : "",
        found.keyed
            ? "ON CONFLICT (stele_key) DO UPDATE SET embedding = EXCLUDED.embedding, payload = EXCLUDED.payload, "
              "meta = EXCLUDED.meta, stele_digest = EXCLUDED.stele_digest"
            : "");
    // in the order of their keys, so that two calls with the same keys wait for, and not on, each other
    std::vector<std::size_t> order(rows.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return std::tie(rows[a].key, a) < std::tie(rows[b].key, b); });
    std::vector<Statement> statements;
    statements.reserve(rows.size() + 1);
    statements.emplace_back("SELECT set_config('stele.index_base', clock_timestamp()::text, true)");
    const Sql sql(insert);
    for (const std::size_t i : order) {
        Statement& statement = statements.emplace_back(sql);
        Parameters& parameters = statement.parameters();
        add_vector(parameters, found, rows[i].vector);
        parameters.add(rows[i].payload);
        parameters.add(rows[i].meta);
        parameters.add(static_cast<double>(i));
        if (!found.keyed) continue;
        parameters.add(rows[i].key);
        parameters.add(rows[i].digest);
    }
    const std::vector<Rows> answers = run(statements, deadline);
    std::vector<Uuid> ids(rows.size());
    for (std::size_t place = 0; place < order.size(); ++place) ids[order[place]] = answers[place + 1][0].get<Uuid>(0);
    return ids;
}

bool PostgresIndexStore::replace(const Uuid& id, const IndexRow& row, Deadline deadline) {
    const TableFacts found = facts(deadline);
    Parameters parameters;
    add_vector(parameters, found, row.vector);
    parameters.add(row.payload);
    parameters.add(row.meta);
    parameters.add(id);
    if (found.keyed) parameters.add(row.digest);
    const Statement statement =
        with(fmt::format("UPDATE {} SET embedding = {}, payload = $2, meta = $3{} WHERE id = $4", table_.quoted(),
                         vector_cast(found, 1), found.keyed ? ", stele_digest = $5" : ""),
             parameters);
    return run(statement, deadline).affected() > 0;
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
