// A vector index of JSON: what VectorIndex<Model> is a typed face of, and the types that both use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "stele/content.hpp"
#include "stele/database.hpp"
#include "stele/embedder.hpp"
#include "stele/error.hpp"
#include "stele/export.hpp"
#include "stele/filter.hpp"
#include "stele/image_embedder.hpp"
#include "stele/memory_database.hpp"
#include "stele/search_result.hpp"
#include "stele/timestamp.hpp"
#include "stele/uuid.hpp"

namespace stele {
inline namespace v0 {

/// What is embedded: a text, an image, or a vector that is there already.
class IndexInput {
public:
    using Value = std::variant<std::string, ResourceContent, std::vector<float>>;

    IndexInput(std::string text) : value_(std::move(text)) {}
    IndexInput(std::string_view text) : value_(std::string(text)) {}
    IndexInput(const char* text) : value_(std::string(text)) {}
    IndexInput(TextContent text) : value_(std::move(text.text)) {}
    IndexInput(ResourceContent resource) : value_(std::move(resource)) {}
    IndexInput(std::vector<float> vector) : value_(std::move(vector)) {}

    const Value& value() const& noexcept { return value_; }
    Value&& value() && noexcept { return std::move(value_); }

private:
    Value value_;
};

/// How vectors are stored, when the table is made: float32, or float16 in half the space, scaled to unit length, with
/// scores that are exact to three digits. vector can have an ANN index up to 2,000 dimensions, halfvec up to 4,000.
enum class VectorType : std::uint8_t { vector, halfvec };
/// What finds the nearest. none: every search looks at every row that the filter leaves, and misses nothing. hnsw and
/// ivfflat find most of the nearest in large tables, where the filter leaves much; where it leaves little, or if they
/// find fewer than were asked for, every row that it leaves is looked at.
enum class AnnIndex : std::uint8_t { none, hnsw, ivfflat };

/// A member of the model that filters ask for: `.members = {field(&Chunk::language), field(&Chunk::page)}`.
class IndexedMember {
public:
    template <class Root, class Value, class Path>
    IndexedMember(const Field<Root, Value, Path>& field) : path_(detail::steps(field.path())) {}
    explicit IndexedMember(detail::FilterPath path) : path_(std::move(path)) {}

    const detail::FilterPath& path() const noexcept { return path_; }

private:
    detail::FilterPath path_;
};

namespace detail {
/// Texts, in any number.
template <class T>
inline constexpr bool kHasWords = TextLike<T>;
template <class T>
inline constexpr bool kHasWords<std::optional<T>> = kHasWords<T>;
template <class T>
    requires kIsArray<T> || kIsMap<T>
inline constexpr bool kHasWords<T> = kHasWords<ItemOf<T>>;
}  // namespace detail

/// A member of the model that search_hybrid() looks for words in: a text, an array or map of texts, or Json.
class TextMember {
public:
    template <class Root, class Value, class Path>
        requires detail::kHasWords<Value>
    TextMember(const Field<Root, Value, Path>& field) : path_(detail::steps(field.path())) {}
    explicit TextMember(detail::FilterPath path) : path_(std::move(path)) {}

    const detail::FilterPath& path() const noexcept { return path_; }

private:
    detail::FilterPath path_;
};

struct VectorIndexOptions {
    /// Of the table. Empty: the model's name (without its namespaces) in snake case, as draive has it: DocumentChunk is
    /// document_chunk. 1 to 63 bytes, of any characters: it is always quoted.
    std::string table{};
    /// Make the table, and the extension if need be, when something is indexed and they are not there. Off:
    /// Error(schema_missing).
    bool create = true;
    VectorType type = VectorType::vector;
    AnnIndex ann = AnnIndex::none;
    int hnsw_m = 16, hnsw_ef_construction = 64;
    int ivfflat_lists = 100;
    /// Each gets an index, made with the table or by build_indexes(). It serves ==, is_one_of(), is_null() and the
    /// order of numbers, alone or joined by && and ||. By names and keys only, not by [0]. Texts longer than 2,000
    /// bytes, arrays and objects may be there, and are found by a look at every row. PostgreSQL refuses rows whose
    /// indexed value is a number of more than some 5,000 digits.
    std::vector<IndexedMember> members{};
    /// What search_hybrid() looks for words in: `.text = {field(&Page::title), field(&Page::body)}`. All of it is one
    /// text, in this order; no phrase reaches from one value into the next. Of a value that is no text, or an array or
    /// object, the texts inside count; numbers, booleans and keys have no words. By names and keys only, not by [0].
    /// Together they get an index (GIN), made with the table or by build_indexes(); without it a search reads every
    /// row. Beside it PostgreSQL refuses rows whose words take more than 1 MiB, and leaves out words of 2 KiB.
    std::vector<TextMember> text{};
    /// The text search configuration that says what a word is, by its name, or "schema.name". `simple` takes words as
    /// they stand, in lower case: right for any language and for names and numbers. `english`, `german` ... also find
    /// other forms of a word ("resets" by "reset") and leave out the commonest, of that one language. Each has an index
    /// of its own.
    std::string text_configuration = "simple";
    std::size_t mmr_multiplier = 8;  ///< how many times `limit` rerank chooses from, at least 1
    /// Without an embedder, where vectors come ready: what they are (as Embedder::fingerprint; empty: not checked).
    std::string fingerprint{};
};

/// Where the building of indexes is.
struct IndexBuildProgress {
    std::string index;       ///< its name
    std::size_t number = 1;  ///< which of them it is, from 1
    std::size_t of = 1;
    std::string phase;  ///< PostgreSQL's word for what it does now; "done" at the end
    double part = 0;    ///< of the phase, 0 to 1
};

struct IndexBuildOptions {
    /// Told about five times a second, by the calling thread. It must not throw.
    std::function<void(const IndexBuildProgress&)> on_progress{};
    /// maintenance_work_mem for it, in MiB. An HNSW index that does not fit takes many times as long: about 4.2 KiB a
    /// vector of 768 float32s, half of that for halfvec. Error(invalid_argument) behind a transaction pooler.
    std::optional<int> memory_mb{};
    std::optional<Deadline> deadline{};  ///< none: as long as it takes
};

struct RecallCheckOptions {
    std::size_t queries = 50;  ///< vectors of the index, drawn at random, that are searched for
    std::size_t limit = 10;
    Filter where{};
    std::optional<Deadline> deadline{};
};

/// What check_recall() found.
struct RecallCheck {
    std::size_t queries = 0;      ///< fewer when there are fewer vectors
    std::size_t approximate = 0;  ///< of them answered by an ANN index
    double recall = 0;            ///< how much of the nearest was found, on average: 0 to 1
    double worst = 1;             ///< by the worst of them
    double search_ms = 0;         ///< on average
    double exact_ms = 0;          ///< with a look at every row
};

/// A place in a listing.
struct IndexCursor {
    Timestamp created{};
    Uuid id{};
};

/// What an index() did.
struct Indexed {
    std::vector<Uuid> ids{};   ///< one a value, in order
    std::size_t embedded = 0;  ///< how many were embedded: the others came ready, or were the same before
};

/// How far an index_all() is. values = stored + unchanged + refused.
struct IndexProgress {
    std::size_t values = 0;     ///< of the input, from its beginning, that are done with
    std::size_t stored = 0;     ///< added, or put in the place of another of their key
    std::size_t unchanged = 0;  ///< were there just so, under their key
    std::size_t refused = 0;    ///< see IndexAllOptions::on_refused
    std::size_t embedded = 0;   ///< the others came ready, or what is embedded was the same before
};

/// A value that could not be indexed.
struct RefusedValue {
    std::size_t position = 0;  ///< in the input, from 0
    std::string key{};         ///< empty: it has none, or did not come that far
    ErrorInfo error{};
};

namespace detail {

/// "Chunk" of "support::Chunk" as "chunk".
STELE_API std::string index_table_name(std::string_view identifier);

struct IndexItem {
    Json payload;
    IndexInput input;
    std::optional<std::string> key;
};

/// Values, one after the other.
class IndexSource {
public:
    IndexSource() = default;
    IndexSource(const IndexSource&) = delete;
    IndexSource& operator=(const IndexSource&) = delete;
    virtual ~IndexSource() = default;
    /// Goes on to the next; false at the end.
    virtual bool next() = 0;
    /// What it is; asked for once. An Error is this value's fault.
    virtual IndexItem item() = 0;
};

/// Made of two functions.
template <class Next, class Make>
class MadeSource final : public IndexSource {
public:
    MadeSource(Next next, Make make) : next_(std::move(next)), make_(std::move(make)) {}
    bool next() override { return next_(); }
    IndexItem item() override { return make_(); }

private:
    Next next_;
    Make make_;
};

struct IndexOrder {
    bool keyed;
    std::optional<Deadline> deadline;
    std::function<void(const IndexProgress&)> on_progress;
    std::function<void(const RefusedValue&)> on_refused;
};

struct IndexRequest {
    std::int64_t limit;
    Filter filter;
    std::optional<float> score_threshold;
    bool rerank;
    double lambda;
    std::optional<IndexCursor> after;
    std::optional<Deadline> deadline;
    bool exact = false;
};

struct IndexMatch {
    Uuid id;
    Json payload;
    std::optional<double> score;
    Timestamp created;
};

struct HybridRequest {
    std::int64_t limit;
    Filter filter;
    std::optional<float> score_threshold;
    std::optional<std::string> words;
    std::optional<std::int64_t> candidates;
    double k;
    double vector_weight, text_weight;
    std::optional<Deadline> deadline;
    bool exact;
};

struct HybridMatch {
    IndexMatch match;  ///< its score is the cosine
    double score;
    std::optional<std::int64_t> vector_place;
    std::optional<double> text_score;
    std::optional<std::int64_t> text_place;
};

/// Thread-safe, but for what in() returns; copies share everything.
class STELE_API IndexCore {
public:
    static IndexCore open(Database database, std::string_view identifier, std::shared_ptr<Embedder> embedder,
                          std::shared_ptr<ImageEmbedder> images, VectorIndexOptions options);
    static IndexCore open(MemoryDatabase database, std::string_view identifier, std::shared_ptr<Embedder> embedder,
                          std::shared_ptr<ImageEmbedder> images, VectorIndexOptions options);
    IndexCore in(Transaction& transaction) const;
    IndexCore in(Savepoint& savepoint) const;

    void create(std::size_t dimension, std::optional<Deadline> deadline);
    /// `ids`: gets one a value, in order; not with on_refused.
    IndexProgress index(IndexSource& source, const IndexOrder& order, std::vector<Uuid>* ids);
    bool update(const Uuid& id, IndexItem item, std::optional<Deadline> deadline);
    SearchResult<IndexMatch> search(const IndexInput& query, const IndexRequest& request) const;
    SearchPlan explain(const IndexInput& query, const IndexRequest& request) const;
    SearchResult<HybridMatch> search_hybrid(const IndexInput& query, const HybridRequest& request) const;
    SearchPlan explain_hybrid(const IndexInput& query, const HybridRequest& request) const;
    std::vector<IndexMatch> newest(const IndexRequest& request) const;
    std::size_t count(const Filter& filter, std::optional<Deadline> deadline) const;
    std::size_t remove(const Filter& filter, std::optional<Deadline> deadline);
    std::size_t remove(const std::vector<Uuid>& ids, std::optional<Deadline> deadline);
    std::size_t wipe(std::optional<Deadline> deadline);
    std::vector<std::string> build_indexes(const IndexBuildOptions& options);
    std::vector<std::string> rebuild_indexes(const IndexBuildOptions& options);
    RecallCheck check_recall(const RecallCheckOptions& options) const;
    const std::string& table() const noexcept;

    struct Impl;

private:
    explicit IndexCore(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
    std::shared_ptr<Impl> impl_;
};

}  // namespace detail
}  // namespace v0
}  // namespace stele
