// Documents, found by meaning and by what is known of them.
//
//     struct Chunk { std::string text; std::string language; std::vector<std::string> tags; };
//     STELE_DESCRIBE(Chunk, (text), (language), (tags))
//
//     stele::VectorIndex<Chunk> chunks(database, embedder);
//     chunks.index(documents, &Chunk::text);
//     for (const auto& found : chunks.search("How do I reset it?", {.where = stele::field(&Chunk::language) == "en"}))
//     {
//         use(found.value, *found.score);
//     }
//
// VectorIndex<stele::Json> holds documents of no type of yours, any JSON: its table is named in the options, and its
// filters are made with json_field("author.name") or read from text (Filter::parse).
//
// One table a model: draive's, so that its Python programs and this one can read and write the same rows. It needs
// PostgreSQL's extension pgvector, from 0.5 on, in any schema.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stele/database.hpp"
#include "stele/describe_json.hpp"
#include "stele/detail/index_core.hpp"
#include "stele/embedder.hpp"
#include "stele/filter.hpp"
#include "stele/hybrid_search.hpp"
#include "stele/image_embedder.hpp"
#include "stele/memory_database.hpp"
#include "stele/search_result.hpp"

namespace stele {
inline namespace v0 {

/// What an index can hold.
template <class T>
concept Indexable = Described<T> || std::same_as<T, Json>;

namespace detail {

/// Of Json nothing: it names no table.
template <Indexable Model>
constexpr std::string_view index_identifier() {
    if constexpr (std::same_as<Model, Json>) {
        return {};
    } else {
        return stele::identifier<Model>();
    }
}

}  // namespace detail

/// What was found.
template <class Model>
struct Found {
    Uuid id{};
    Model value{};
    std::optional<double> score{};  ///< cosine to the query, -1 to 1; nothing when there was no query
    Timestamp created{};            ///< when it was first indexed, by the database's clock

    /// Where the page after this one begins: see SearchOptions::after.
    IndexCursor cursor() const { return {created, id}; }
};

template <class Model>
struct SearchOptions {
    std::int64_t limit = 8;                  ///< 1 to 100,000
    FilterOf<Model> where{};                 ///< only these; applies before everything else
    std::optional<float> score_threshold{};  ///< only with a cosine of at least this, -1 to 1
    /// Of limit x mmr_multiplier results, those that are like the query and unlike one another.
    bool rerank = false;
    double lambda = 0.5;  ///< with rerank: 1 looks at the query alone, 0 at how they differ
    /// For newest(): only what is older than this, the last of the page before.
    std::optional<IndexCursor> after{};
    std::optional<Deadline> deadline{};
    bool exact = false;  ///< look at every row that the filter leaves, whatever that costs: no ANN index
};

template <class Model>
struct IndexOptions {
    /// What identifies a value: `.key = &Chunk::url`. Indexing another of the same key replaces it and keeps its id and
    /// created; if what is embedded is the same, it is not embedded again. Empty: every call adds.
    std::function<std::string(const Model&)> key{};
    std::optional<Deadline> deadline{};
};

template <class Model>
struct IndexAllOptions {
    /// As IndexOptions::key.
    std::function<std::string(const Model&)> key{};
    /// Told after each batch (up to 512 values to embed), on the calling thread.
    std::function<void(const IndexProgress&)> on_progress{};
    /// Given: a value that cannot be indexed is told here and left out, the others are stored all the same, and each
    /// batch is durable when it is told to on_progress. Refused are: what the attribute, the key and the value's JSON
    /// throw as Error, what index() refuses, what the embedder refuses (Error(embedder_failed) with Retry::no, unless
    /// it refuses everything), and what the server refuses because of its data. Everything else ends the call; what was
    /// told stays. Empty: the first such value is the error of the call, and nothing is stored.
    std::function<void(const RefusedValue&)> on_refused{};
    /// Of the whole call. None: DatabaseOptions::call_timeout for each step of a batch.
    std::optional<Deadline> deadline{};
};

/// Thread-safe, but for what in() returns. Copies share everything.
///
/// What is embedded is an attribute of the model: a member, or a function of it, that gives a std::string or
/// TextContent (by the Embedder), a ResourceContent with an image (by the ImageEmbedder), or a std::vector<float>, a
/// vector that is there already. Vectors are compared by cosine; those that come ready need not be of unit length.
///
/// The table is made by the first index() (VectorIndexOptions::create), before which everything is empty; nothing is
/// asked of the server before the first call. The dimension and the embedder's fingerprint are kept with it: another
/// embedder's vectors are Error(fingerprint_mismatch), of another length Error(dimension_mismatch), before anything is
/// written. A table that is there and tells no fingerprint takes that of the first who writes.
///
/// Rows that do not fit the model are Error(invalid_argument) with the path of the fault, when they are read. Without a
/// deadline DatabaseOptions::call_timeout applies, to the embedder and the database together.
template <Indexable Model>
class VectorIndex {
public:
    /// Either embedder may be null: then texts, or images, are Error(embedder_failed). Error(invalid_argument) for
    /// options out of bounds, Error(fingerprint_mismatch) for two embedders of two spaces.
    explicit VectorIndex(Database database, std::shared_ptr<Embedder> embedder = nullptr,
                         VectorIndexOptions options = {}, std::shared_ptr<ImageEmbedder> images = nullptr)
        : core_(detail::IndexCore::open(std::move(database), detail::index_identifier<Model>(), std::move(embedder),
                                        std::move(images), std::move(options))) {}
    /// A twin without a database, for tests: the same behaviour, in memory. It joins no transaction.
    static VectorIndex in_memory(MemoryDatabase database = MemoryDatabase(),
                                 std::shared_ptr<Embedder> embedder = nullptr, VectorIndexOptions options = {},
                                 std::shared_ptr<ImageEmbedder> images = nullptr) {
        return VectorIndex(detail::IndexCore::open(std::move(database), detail::index_identifier<Model>(),
                                                   std::move(embedder), std::move(images), std::move(options)));
    }

    /// The same index inside a transaction: it reads what the transaction wrote, and what it writes is undone with it,
    /// the making of the table too. For one thread; not to be used once that is over.
    VectorIndex in(Transaction& transaction) const { return VectorIndex(core_.in(transaction)); }
    VectorIndex in(Savepoint& savepoint) const { return VectorIndex(core_.in(savepoint)); }

    /// Makes the table now, as the first index() would, with place for keys. `dimension` is needed where vectors come
    /// ready; else it is the embedder's. What is there already is checked as index() checks it, and stays.
    void create(std::size_t dimension = 0, std::optional<Deadline> deadline = {}) { core_.create(dimension, deadline); }

    /// Embeds and stores all values, or none of them; durable when it returns. Up to 512 values are embedded in one
    /// call and written in one round trip, more in batches inside one transaction. All must have texts, or all images,
    /// or all vectors. Several of one key in a call are Error(invalid_argument). Error(embedder_failed) when the
    /// embedder does not give a vector for each. An error because of one value says which, by its place in `values`.
    template <class Attribute>
        requires std::invocable<const Attribute&, const Model&>
    Indexed index(std::span<const Model> values, const Attribute& attribute, const IndexOptions<Model>& options = {}) {
        std::size_t next = 0;
        detail::MadeSource source([&] { return next++ < values.size(); },
                                  [&] { return item(values[next - 1], attribute, options.key); });
        Indexed indexed;
        const detail::IndexOrder order{static_cast<bool>(options.key), options.deadline, {}, {}};
        indexed.embedded = core_.index(source, order, &indexed.ids).embedded;
        return indexed;
    }
    template <class Attribute>
        requires std::invocable<const Attribute&, const Model&>
    Indexed index(const std::vector<Model>& values, const Attribute& attribute,
                  const IndexOptions<Model>& options = {}) {
        return index(std::span<const Model>(values), attribute, options);
    }
    /// Indexes any number of values, in bounded memory: `next` gives one after the other, and nothing at the end. While
    /// a batch is embedded, on a thread of its own, the one before is written, on another, and the next values are
    /// taken (in a transaction before it is written). The values given are moved from, so that a vector in them is not
    /// copied. Memory: about five batches of up to 512 values to embed or 4 MiB, and with a key about 50 bytes a value,
    /// to find one that comes twice.
    ///
    ///     chunks.index_all([&] { return read_chunk(file); }, &Chunk::text, {.key = &Chunk::url});
    ///
    /// All or nothing, in one transaction, unless options.on_refused is given. It can be taken up again after any
    /// failure: by key, what is there unchanged is neither embedded nor written again.
    template <class Next, class Attribute>
        requires std::same_as<std::invoke_result_t<Next&>, std::optional<Model>> &&
                 std::invocable<const Attribute&, Model&&>
    IndexProgress index_all(Next next, const Attribute& attribute, const IndexAllOptions<Model>& options = {}) {
        std::optional<Model> value;
        detail::MadeSource source([&] { return (value = next()).has_value(); },
                                  [&] { return item(std::move(*value), attribute, options.key); });
        const detail::IndexOrder order{static_cast<bool>(options.key), options.deadline, options.on_progress,
                                       options.on_refused};
        return core_.index(source, order, nullptr);
    }
    /// The same for a range, read once, one value at a time.
    template <std::ranges::input_range Values, class Attribute>
        requires std::constructible_from<Model, std::ranges::range_reference_t<Values>> &&
                 std::invocable<const Attribute&, Model&&>
    IndexProgress index_all(Values&& values, const Attribute& attribute, const IndexAllOptions<Model>& options = {}) {
        auto at = std::ranges::begin(values);
        const auto end = std::ranges::end(values);
        const auto next = [&]() -> std::optional<Model> {
            if (at == end) return std::nullopt;
            std::optional<Model> value(*at);
            ++at;
            return value;
        };
        return index_all(next, attribute, options);
    }
    /// Puts another value in the place of one, which keeps its id, key and created. False: there is none of that id.
    template <class Attribute>
        requires std::invocable<const Attribute&, const Model&>
    bool update(const Uuid& id, const Model& value, const Attribute& attribute, std::optional<Deadline> deadline = {}) {
        return core_.update(id, item(value, attribute, {}), deadline);
    }

    /// The most similar, best first; equally similar ones by created, then id. `query`: a text, an image, a text
    /// resource (mime type text/...), or a vector. The answer tells whether it may have missed something.
    SearchResult<Found<Model>> search(const IndexInput& query, const SearchOptions<Model>& options = {}) const {
        const SearchResult<detail::IndexMatch> matches = core_.search(query, request(options));
        return {found(matches), matches.completeness()};
    }
    /// Does that search and tells how: what was estimated, which way was taken, the statement and its plan.
    SearchPlan explain(const IndexInput& query, const SearchOptions<Model>& options = {}) const {
        return core_.explain(query, request(options));
    }
    /// By meaning and by words, in one statement: the places in both halves fused (stele/hybrid_search.hpp). Best
    /// first; equally good ones by created, then id. `query` is embedded for the one half, and its text is what the
    /// other looks for; where it is an image or a vector, HybridOptions::words says that. Error(invalid_argument)
    /// unless VectorIndexOptions::text names members, and for a query that is blank. The answer tells what the half by
    /// meaning may have missed; the half by words misses nothing.
    SearchResult<HybridFound<Model>> search_hybrid(const IndexInput& query,
                                                   const HybridOptions<Model>& options = {}) const {
        const SearchResult<detail::HybridMatch> matches = core_.search_hybrid(query, request(options));
        std::vector<HybridFound<Model>> all;
        all.reserve(matches.size());
        for (const auto& [match, score, vector_place, text_score, text_place] : matches) {
            all.push_back({match.id, from_json<Model>(match.payload), score, match.score, vector_place, text_score,
                           text_place, match.created});
        }
        return {std::move(all), matches.completeness()};
    }
    /// As explain(), of search_hybrid().
    SearchPlan explain_hybrid(const IndexInput& query, const HybridOptions<Model>& options = {}) const {
        return core_.explain_hybrid(query, request(options));
    }
    /// Without a query: the newest first. Error(invalid_argument) with a score_threshold or rerank.
    std::vector<Found<Model>> newest(const SearchOptions<Model>& options = {}) const {
        return found(core_.newest(request(options)));
    }
    std::size_t count(const FilterOf<Model>& where = {}, std::optional<Deadline> deadline = {}) const {
        return core_.count(where.untyped(), deadline);
    }

    /// How many there were. Error(invalid_argument) for a filter that holds of everything: say wipe().
    std::size_t remove(const FilterOf<Model>& where, std::optional<Deadline> deadline = {}) {
        return core_.remove(where.untyped(), deadline);
    }
    std::size_t remove(const std::vector<Uuid>& ids, std::optional<Deadline> deadline = {}) {
        return core_.remove(ids, deadline);
    }
    bool remove(const Uuid& id, std::optional<Deadline> deadline = {}) {
        return core_.remove(std::vector{id}, deadline) > 0;
    }
    /// Removes everything; the table, its dimension and its embedder stay.
    std::size_t wipe(std::optional<Deadline> deadline = {}) { return core_.wipe(deadline); }

    /// Builds those indexes that the options ask for (ann, members, text) and the table lacks, while others read and
    /// write it (CREATE INDEX CONCURRENTLY): for a table that was there, or was filled first, which is quicker. What an
    /// interrupted build left behind is dropped and built anew. Returns their names. Error(schema_conflict) while
    /// another builds, Error(invalid_argument) inside a transaction. Waits for transactions that are open.
    std::vector<std::string> build_indexes(const IndexBuildOptions& options = {}) {
        return core_.build_indexes(options);
    }
    /// The same, and those that are there anew: smaller and better after many changes. The old serve until then.
    std::vector<std::string> rebuild_indexes(const IndexBuildOptions& options = {}) {
        return core_.rebuild_indexes(options);
    }
    /// Searches for vectors of the index as search() does and by a look at every row, and compares. Such queries lie
    /// where the documents are, so others may be harder.
    RecallCheck check_recall(const RecallCheckOptions& options = {}) const { return core_.check_recall(options); }

    /// The table, without its schema.
    const std::string& table() const noexcept { return core_.table(); }

private:
    explicit VectorIndex(detail::IndexCore core) : core_(std::move(core)) {}

    // the input last: it may be moved out of the value
    template <class Value, class Attribute>
    static detail::IndexItem item(Value&& value, const Attribute& attribute,
                                  const std::function<std::string(const Model&)>& key) {
        static_assert(std::convertible_to<std::invoke_result_t<const Attribute&, Value&&>, IndexInput>,
                      "Stele: the attribute must give text, TextContent, a ResourceContent or a std::vector<float>");
        Json payload = to_json(value);
        std::optional<std::string> known_by;
        if (key) known_by = key(value);
        return {std::move(payload), std::invoke(attribute, std::forward<Value>(value)), std::move(known_by)};
    }
    static detail::IndexRequest request(const SearchOptions<Model>& options) {
        return {options.limit,  options.where.untyped(), options.score_threshold, options.rerank,
                options.lambda, options.after,           options.deadline,        options.exact};
    }
    static detail::HybridRequest request(const HybridOptions<Model>& options) {
        return {options.limit, options.where.untyped(), options.score_threshold, options.words,    options.candidates,
                options.k,     options.vector_weight,   options.text_weight,     options.deadline, options.exact};
    }
    static std::vector<Found<Model>> found(const std::vector<detail::IndexMatch>& matches) {
        std::vector<Found<Model>> all;
        all.reserve(matches.size());
        for (const detail::IndexMatch& match : matches) {
            all.push_back({match.id, from_json<Model>(match.payload), match.score, match.created});
        }
        return all;
    }

    detail::IndexCore core_;
};

}  // namespace v0
}  // namespace stele
