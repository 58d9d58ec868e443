#include "stele/detail/index_core.hpp"

#include <fmt/format.h>

#include "base/result.hpp"
#include "base/text.hpp"
#include "index/index_bulk.hpp"
#include "index/index_input.hpp"
#include "index/index_recall.hpp"
#include "index/index_search.hpp"
#include "index/memory_index_store.hpp"
#include "index/postgres_index_store.hpp"
#include "index/text_index.hpp"

namespace stele {

void check_frame(const std::string& table, const VectorFrame& stored, const VectorFrame& given) {
    if (given.dimension != 0 && stored.dimension != 0 && given.dimension != stored.dimension) {
        raise(ErrorCode::dimension_mismatch,
              fmt::format("the vector has {} elements; the table \"{}\" holds vectors of {}", given.dimension, table,
                          stored.dimension));
    }
    if (!given.fingerprint.empty() && !stored.fingerprint.empty() && given.fingerprint != stored.fingerprint) {
        raise(ErrorCode::fingerprint_mismatch,
              fmt::format("the vectors in the table \"{}\" are of the embedder \"{}\", and this one is \"{}\": use "
                          "another table, or wipe and drop this one",
                          table, stored.fingerprint, given.fingerprint));
    }
}

inline namespace v0 {
namespace detail {
namespace {

constexpr std::size_t kMaxTableName = 63;  // PostgreSQL would cut a longer one, and two of them could meet

void check_indexed(const FilterPath& path) {
    for (const FilterStep& step : path) {
        if (step.item) raise(ErrorCode::invalid_argument, "an element of an array, by its number, has no index");
        check_text("the key of an indexed member", step.key);
    }
    if (path.empty()) raise(ErrorCode::invalid_argument, "an indexed member has no name");
}

void check_options(const VectorIndexOptions& options, const std::string& table) {
    check_text("the table's name", table);
    if (table.empty() || table.size() > kMaxTableName) {
        raise(ErrorCode::invalid_argument,
              fmt::format("the table's name \"{}\" has {} bytes; it must have 1 to {}: name it in "
                          "VectorIndexOptions::table",
                          table, table.size(), kMaxTableName));
    }
    if (options.mmr_multiplier < 1 || options.mmr_multiplier > 1000) {
        raise(ErrorCode::invalid_argument,
              fmt::format("mmr_multiplier is {}; it must be 1 to 1000", options.mmr_multiplier));
    }
    if (options.hnsw_m < 2 || options.hnsw_m > 100 || options.hnsw_ef_construction < 2 * options.hnsw_m ||
        options.hnsw_ef_construction > 1000 || options.ivfflat_lists < 1 || options.ivfflat_lists > 32768) {
        raise(ErrorCode::invalid_argument,
              "hnsw_m must be 2 to 100, hnsw_ef_construction 2 x hnsw_m to 1000, ivfflat_lists 1 to 32768");
    }
    for (const IndexedMember& member : options.members) check_indexed(member.path());
    for (const TextMember& member : options.text) check_indexed(member.path());
    check_configuration(options.text_configuration);
    check_text("the fingerprint", options.fingerprint);
}

IndexEmbedders check_embedders(std::shared_ptr<Embedder> text, std::shared_ptr<ImageEmbedder> images,
                               const VectorIndexOptions& options) {
    if (text && images && text->fingerprint() != images->fingerprint()) {
        raise(ErrorCode::fingerprint_mismatch,
              fmt::format("the embedder of texts is \"{}\" and that of images \"{}\": their vectors cannot be compared",
                          text->fingerprint(), images->fingerprint()));
    }
    std::string fingerprint = options.fingerprint;
    if (fingerprint.empty() && text) fingerprint = text->fingerprint();
    if (fingerprint.empty() && images) fingerprint = images->fingerprint();
    return {std::move(text), std::move(images), std::move(fingerprint)};
}

}  // namespace

std::string index_table_name(std::string_view identifier) {
    const auto colon = identifier.rfind(':');
    if (colon != std::string_view::npos) identifier.remove_prefix(colon + 1);
    std::string name;
    for (const char c : identifier) {
        const bool capital = c >= 'A' && c <= 'Z';
        if (capital && !name.empty()) name += '_';
        name += capital ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return name;
}

struct IndexCore::Impl {
    struct Shared {
        VectorIndexOptions options;
        IndexEmbedders embedders;
    };
    std::shared_ptr<const Shared> shared;
    std::shared_ptr<IndexStore> store;

    static std::shared_ptr<const Shared> check(std::string_view identifier, std::shared_ptr<Embedder> embedder,
                                               std::shared_ptr<ImageEmbedder> images, VectorIndexOptions options) {
        if (options.table.empty()) options.table = index_table_name(identifier);
        check_options(options, options.table);
        IndexEmbedders embedders = check_embedders(std::move(embedder), std::move(images), options);
        return std::make_shared<const Shared>(Shared{std::move(options), std::move(embedders)});
    }
    Deadline until(const std::optional<Deadline>& deadline) const {
        return deadline ? *deadline : store->default_deadline();
    }
};

IndexCore IndexCore::open(Database database, std::string_view identifier, std::shared_ptr<Embedder> embedder,
                          std::shared_ptr<ImageEmbedder> images, VectorIndexOptions options) {
    auto shared = Impl::check(identifier, std::move(embedder), std::move(images), std::move(options));
    auto store = std::make_shared<PostgresIndexStore>(std::move(database), shared->options);
    return IndexCore(std::make_shared<Impl>(Impl{std::move(shared), std::move(store)}));
}

IndexCore IndexCore::open(MemoryDatabase database, std::string_view identifier, std::shared_ptr<Embedder> embedder,
                          std::shared_ptr<ImageEmbedder> images, VectorIndexOptions options) {
    auto shared = Impl::check(identifier, std::move(embedder), std::move(images), std::move(options));
    auto store = std::make_shared<MemoryIndexStore>(std::move(database), shared->options);
    return IndexCore(std::make_shared<Impl>(Impl{std::move(shared), std::move(store)}));
}

IndexCore IndexCore::in(Transaction& transaction) const {
    return IndexCore(std::make_shared<Impl>(Impl{impl_->shared, impl_->store->join(transaction)}));
}

IndexCore IndexCore::in(Savepoint& savepoint) const {
    return IndexCore(std::make_shared<Impl>(Impl{impl_->shared, impl_->store->join(savepoint)}));
}

void IndexCore::create(std::size_t dimension, std::optional<Deadline> deadline) {
    impl_->store->prepare(impl_->shared->embedders.new_frame(dimension), true, impl_->until(deadline));
}

IndexProgress IndexCore::index(IndexSource& source, const IndexOrder& order, std::vector<Uuid>* ids) {
    return IndexBulk(*impl_->store, impl_->shared->embedders, source, order, ids).run();
}

bool IndexCore::update(const Uuid& id, IndexItem item, std::optional<Deadline> deadline) {
    check_item(0, item);
    const Deadline until = impl_->until(deadline);
    const VectorFrame frame = impl_->shared->embedders.frame(item.input);
    impl_->store->prepare(frame, false, until);
    IndexBatch batch;
    batch.add(0, std::move(item), frame);
    batch.embed(impl_->shared->embedders, frame, until);
    for (RefusedValue& refused : batch.take_refused()) raise(std::move(refused.error));
    bool replaced = false;
    batch.store([&](RowPointers rows) {
        replaced = impl_->store->replace(frame, id, *rows.front(), until);
        return std::vector<Uuid>{id};
    });
    return replaced;
}

SearchResult<IndexMatch> IndexCore::search(const IndexInput& query, const IndexRequest& request) const {
    return search_index(*impl_->store, impl_->shared->embedders, impl_->shared->options.mmr_multiplier, query, request);
}

SearchPlan IndexCore::explain(const IndexInput& query, const IndexRequest& request) const {
    return explain_search(*impl_->store, impl_->shared->embedders, impl_->shared->options.mmr_multiplier, query,
                          request);
}

SearchResult<HybridMatch> IndexCore::search_hybrid(const IndexInput& query, const HybridRequest& request) const {
    return stele::search_hybrid(*impl_->store, impl_->shared->embedders, impl_->shared->options, query, request);
}

SearchPlan IndexCore::explain_hybrid(const IndexInput& query, const HybridRequest& request) const {
    return stele::explain_hybrid(*impl_->store, impl_->shared->embedders, impl_->shared->options, query, request);
}

std::vector<IndexMatch> IndexCore::newest(const IndexRequest& request) const {
    return list_index(*impl_->store, request);
}

std::size_t IndexCore::count(const Filter& filter, std::optional<Deadline> deadline) const {
    return impl_->store->count(filter, impl_->until(deadline));
}

std::size_t IndexCore::remove(const Filter& filter, std::optional<Deadline> deadline) {
    if (filter.is_everything()) {
        raise(ErrorCode::invalid_argument, "the filter holds of everything; to remove everything say wipe()");
    }
    return impl_->store->remove(filter, impl_->until(deadline));
}

std::size_t IndexCore::remove(const std::vector<Uuid>& ids, std::optional<Deadline> deadline) {
    return ids.empty() ? 0 : impl_->store->remove(ids, impl_->until(deadline));
}

std::size_t IndexCore::wipe(std::optional<Deadline> deadline) {
    return impl_->store->remove(Filter(), impl_->until(deadline));
}

std::vector<std::string> IndexCore::build_indexes(const IndexBuildOptions& options) {
    return impl_->store->build_indexes(options, false);
}

std::vector<std::string> IndexCore::rebuild_indexes(const IndexBuildOptions& options) {
    return impl_->store->build_indexes(options, true);
}

RecallCheck IndexCore::check_recall(const RecallCheckOptions& options) const {
    return stele::check_recall(*impl_->store, impl_->shared->options, options,
                               options.deadline.value_or(Deadline::never()));
}

const std::string& IndexCore::table() const noexcept {
    return impl_->shared->options.table;
}

}  // namespace detail
}  // namespace v0
}  // namespace stele
