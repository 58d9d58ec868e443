#include "stele/detail/index_core.hpp"

#include <fmt/format.h>

#include <set>
#include <unordered_map>

#include "base/result.hpp"
#include "base/text.hpp"
#include "index/index_input.hpp"
#include "index/index_recall.hpp"
#include "index/index_search.hpp"
#include "index/memory_index_store.hpp"
#include "index/postgres_index_store.hpp"

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
constexpr std::size_t kMaxKeyBytes = 1024;

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
    for (const IndexedMember& member : options.members) {
        for (const FilterStep& step : member.path()) {
            if (step.item) raise(ErrorCode::invalid_argument, "an element of an array, by its number, has no index");
            check_text("the key of an indexed member", step.key);
        }
        if (member.path().empty()) raise(ErrorCode::invalid_argument, "an indexed member has no name");
    }
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

void check_keys(const std::vector<IndexItem>& items) {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (!items[i].key) continue;
        const std::string& key = *items[i].key;
        check_text(fmt::format("the key of value {}", i), key);
        if (key.empty() || key.size() > kMaxKeyBytes) {
            raise(ErrorCode::invalid_argument,
                  fmt::format("the key of value {} has {} bytes; it must have 1 to {}", i, key.size(), kMaxKeyBytes));
        }
        if (!seen.insert(key).second) {
            raise(ErrorCode::invalid_argument, fmt::format("value {} has the key \"{}\" of one before it", i, key));
        }
    }
}

Json meta_of(const std::string& fingerprint, bool truncated) {
    std::string text = "{";
    if (!fingerprint.empty()) text += "\"embedder\":" + Json::string(fingerprint).text();
    if (truncated) text += std::string(text.size() > 1 ? "," : "") + "\"truncated\":true";
    return Json::trusted(text + "}");
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

    /// The rows of these items, of which those with an empty digest in `known` are embedded.
    std::vector<IndexRow> rows(std::vector<IndexItem> items, const VectorFrame& frame, std::size_t& embedded,
                               Deadline deadline) const {
        std::vector<std::string> keys;
        for (const IndexItem& item : items) {
            if (item.key && digest_of(item.input)) keys.push_back(*item.key);
        }
        std::unordered_map<std::string, KnownVector> known;
        if (!keys.empty()) {
            for (KnownVector& one : store->known(frame, keys, deadline)) known.emplace(one.key, std::move(one));
        }
        std::vector<IndexRow> rows;
        std::vector<const IndexInput*> inputs;
        std::vector<std::size_t> places;  // of the inputs, among the rows
        for (const IndexItem& item : items) {
            IndexRow row{item.payload, {}, meta_of(frame.fingerprint, false), item.key, digest_of(item.input)};
            const auto found = item.key ? known.find(*item.key) : known.end();
            if (row.digest && found != known.end() && found->second.digest == *row.digest) {
                row.vector = std::move(found->second.vector);
            } else {
                inputs.push_back(&item.input);
                places.push_back(rows.size());
            }
            rows.push_back(std::move(row));
        }
        std::vector<EmbeddedInput> vectors = embed_inputs(shared->embedders, inputs, deadline);
        for (std::size_t i = 0; i < vectors.size(); ++i) {
            IndexRow& row = rows[places[i]];
            row.vector = std::move(vectors[i].vector);
            if (vectors[i].truncated) row.meta = meta_of(frame.fingerprint, true);
            if (row.digest) ++embedded;
        }
        return rows;
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
    auto store = std::make_shared<MemoryIndexStore>(std::move(database), shared->options.table);
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

Indexed IndexCore::index(std::vector<IndexItem> items, std::optional<Deadline> deadline) {
    if (items.empty()) return {};
    check_inputs(items);
    check_keys(items);
    const Deadline until = impl_->until(deadline);
    const VectorFrame frame = impl_->shared->embedders.frame(items.front().input);
    const bool keyed = items.front().key.has_value();
    // before anything is paid for, too
    impl_->store->prepare(frame, keyed, until);
    Indexed indexed;
    const std::vector<IndexRow> rows = impl_->rows(std::move(items), frame, indexed.embedded, until);
    indexed.ids = impl_->store->put(rows, until);
    return indexed;
}

bool IndexCore::update(const Uuid& id, const IndexItem& item, std::optional<Deadline> deadline) {
    check_inputs(std::span(&item, 1));
    const Deadline until = impl_->until(deadline);
    const VectorFrame frame = impl_->shared->embedders.frame(item.input);
    impl_->store->prepare(frame, false, until);
    std::size_t embedded = 0;
    const std::vector<IndexRow> rows = impl_->rows({item}, frame, embedded, until);
    return impl_->store->replace(id, rows.front(), until);
}

SearchResult<IndexMatch> IndexCore::search(const IndexInput& query, const IndexRequest& request) const {
    return search_index(*impl_->store, impl_->shared->embedders, impl_->shared->options.mmr_multiplier, query, request);
}

SearchPlan IndexCore::explain(const IndexInput& query, const IndexRequest& request) const {
    return explain_search(*impl_->store, impl_->shared->embedders, impl_->shared->options.mmr_multiplier, query,
                          request);
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

RecallCheck IndexCore::check_recall(const RecallOptions& options) const {
    return stele::check_recall(*impl_->store, impl_->shared->options, options,
                               options.deadline.value_or(Deadline::never()));
}

const std::string& IndexCore::table() const noexcept {
    return impl_->shared->options.table;
}

}  // namespace detail
}  // namespace v0
}  // namespace stele
