// The rows of a vector index in its table.
#pragma once

#include "base/mutex.hpp"
#include "index/index_store.hpp"
#include "index/index_table.hpp"
#include "index/search_estimates.hpp"
#include "postgres/joined_transaction.hpp"
#include "stele/database.hpp"

namespace stele {

class SearchSql;

class PostgresIndexStore final : public IndexStore {
public:
    PostgresIndexStore(Database database, const VectorIndexOptions& options);

    std::shared_ptr<IndexStore> join(Transaction& transaction) override;
    std::shared_ptr<IndexStore> join(Savepoint& savepoint) override;
    bool is_joined() const noexcept override { return joined_ != nullptr; }
    Deadline default_deadline() const override;

    void prepare(const VectorFrame& frame, bool keyed, Deadline deadline) override;
    std::size_t dimension(Deadline deadline) override;
    std::vector<KnownRow> known(const VectorFrame& frame, RowPointers rows, Deadline deadline) override;
    std::vector<Uuid> put(const VectorFrame& frame, RowPointers rows, Deadline deadline) override;
    std::unique_ptr<IndexUnit> begin_unit(Deadline deadline) override;
    bool replace(const VectorFrame& frame, const Uuid& id, const IndexRow& row, Deadline deadline) override;
    NearestAnswer nearest(const NearestQuery& query, Deadline deadline) override;
    FusedAnswer fused(const NearestQuery& query, Deadline deadline) override;
    SearchPlan explain(const NearestQuery& query, Deadline deadline) override;
    std::vector<std::vector<float>> sample(std::size_t most, Deadline deadline) override;
    std::vector<std::string> build_indexes(const IndexBuildOptions& options, bool again) override;
    std::vector<detail::IndexMatch> newest(std::size_t limit, const std::optional<IndexCursor>& after,
                                           const Filter& filter, Deadline deadline) override;
    std::size_t count(const Filter& filter, Deadline deadline) override;
    std::size_t remove(const Filter& filter, Deadline deadline) override;
    std::size_t remove(const std::vector<Uuid>& ids, Deadline deadline) override;

private:
    PostgresIndexStore(const PostgresIndexStore& outside, std::shared_ptr<JoinedTransaction> joined);

    /// Kept once the table is there.
    TableFacts facts(Deadline deadline);
    /// They are looked for the next time.
    void forget();
    /// If the error may come of it that they hold no more.
    void forget_after(const Error& error);
    /// Looks again and prepares again, after a write that found that they do not. Whether it was right.
    bool changed(const TableFacts& found, const VectorFrame& frame, bool keyed, Deadline deadline);
    [[noreturn]] void keeps_changing() const;
    void make(const TableFacts& found, const VectorFrame& frame, bool keyed, Deadline deadline);
    Rows run(const Statement& statement, Deadline deadline);
    std::vector<Rows> run(std::span<const Statement> statements, Deadline deadline);
    /// The rows of a search of a table that is as it was known to be; none: it is not there.
    Rows search(const NearestQuery& query, Deadline deadline);
    Rows search(const SearchSql& sql, const TableFacts& found, bool exact, Deadline deadline);
    /// What leaves a joined transaction's settings as they were.
    std::vector<Statement> around(const SearchSql& sql, std::vector<Statement> statements) const;

    // As often a table may change while it is looked at.
    static constexpr int kAttempts = 5;

    Database database_;
    std::shared_ptr<Executor> executor_;
    IndexTable table_;
    std::shared_ptr<SearchEstimates> estimates_ = std::make_shared<SearchEstimates>();
    const std::shared_ptr<JoinedTransaction> joined_;  // where it takes part; null outside
    Mutex mutex_;
    std::optional<TableFacts> facts_ STELE_GUARDED_BY(mutex_);
};

}  // namespace stele
