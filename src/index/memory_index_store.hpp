// The rows of a vector index in memory, for its twin.
#pragma once

#include <map>
#include <utility>

#include "base/memory_database_impl.hpp"
#include "index/index_store.hpp"

namespace stele {

class MemoryIndexStore final : public IndexStore {
public:
    MemoryIndexStore(MemoryDatabase database, const VectorIndexOptions& options);

    std::shared_ptr<IndexStore> join(Transaction& transaction) override;
    std::shared_ptr<IndexStore> join(Savepoint& savepoint) override;
    Deadline default_deadline() const override { return Deadline::never(); }

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
    class Unit;
    struct Entry {
        IndexRow row;
        Timestamp created{};
    };
    struct Data {
        VectorFrame frame;
        std::map<Uuid, Entry> entries;
        std::map<std::string, Uuid> keys;
        Timestamp newest{};  // stamps only rise, whatever the clock does
    };
    /// Their ids; store() is Error(serialization) when one of the keys has another by then.
    std::vector<Uuid> ids_for(RowPointers rows) const STELE_REQUIRES(impl_.mutex);
    void store(std::vector<IndexRow> rows, const std::vector<Uuid>& ids) STELE_REQUIRES(impl_.mutex);
    std::vector<NearestMatch> nearest_of(const NearestQuery& query) const STELE_REQUIRES(impl_.mutex);
    /// Best first, as its words rank them.
    std::vector<std::pair<float, detail::IndexMatch>> wordiest(const NearestQuery& query) const
        STELE_REQUIRES(impl_.mutex);
    static detail::IndexMatch match_of(const Uuid& id, const Entry& entry, std::optional<double> score);
    std::size_t remove_if(const std::function<bool(const Uuid&, const Entry&)>& goes);

    const MemoryDatabase database_;
    const std::string table_;
    std::vector<detail::FilterPath> text_;  // where words are looked for
    MemoryDatabase::Impl& impl_;
    Data* data_ = nullptr;  // under its lock
};

}  // namespace stele
