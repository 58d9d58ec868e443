// Where the rows of a vector index are kept.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stele/deadline.hpp"
#include "stele/detail/index_core.hpp"
#include "stele/transaction.hpp"

namespace stele {

/// The space that vectors are of.
struct VectorFrame {
    std::size_t dimension = 0;
    std::string fingerprint;  ///< empty: not told
};

/// A row to be written.
struct IndexRow {
    Json payload;
    std::vector<float> vector;
    Json meta = Json::object();
    std::optional<std::string> key;
    std::optional<std::string> digest;  ///< of what was embedded
};

/// A row that is stored under a key of what was asked for, with a vector of the same text or image.
struct KnownRow {
    std::size_t place = 0;  ///< among the rows that were asked for
    Uuid id{};
    bool same = false;          ///< the payload is the same, too: there is nothing to write
    std::vector<float> vector;  ///< if it is not
    bool truncated = false;
};

struct NearestMatch {
    detail::IndexMatch match;
    std::vector<float> vector;  ///< only if it was asked for
};

/// The half by words of a hybrid search, and how the halves are fused. Refers to its caller's.
struct WordsQuery {
    std::string_view words;
    std::size_t limit;  ///< of what is found; that of the other half is of each list
    double k, vector_weight, text_weight;
};

/// What is looked for. Refers to its caller's.
struct NearestQuery {
    const VectorFrame& frame;
    std::span<const float> vector;
    const Filter& filter;
    std::size_t limit;
    std::optional<float> threshold;
    bool with_vectors;
    bool exact;
    const WordsQuery* words = nullptr;  ///< only of a hybrid search
};

struct NearestAnswer {
    std::vector<NearestMatch> matches;  ///< as many as there are up to the limit, but for what the threshold drops
    bool exact = true;                  ///< no other is nearer
};

struct FusedAnswer {
    std::vector<detail::HybridMatch> matches;
    bool exact = true;  ///< by meaning no other is nearer
};

using RowPointers = std::span<const IndexRow* const>;

/// Where rows go. Not to be used before IndexStore::prepare().
class IndexSink {
public:
    IndexSink() = default;
    IndexSink(const IndexSink&) = delete;
    IndexSink& operator=(const IndexSink&) = delete;
    virtual ~IndexSink() = default;

    /// Which of these rows, all with a key and a digest, are there. Throws as any call with a frame: see IndexStore.
    virtual std::vector<KnownRow> known(const VectorFrame& frame, RowPointers rows, Deadline deadline) = 0;
    /// All or none. Their ids, in order; a row whose key is there keeps its own.
    virtual std::vector<Uuid> put(const VectorFrame& frame, RowPointers rows, Deadline deadline) = 0;
};

/// Rows that several calls write, all or none of them: what is not committed is undone when it goes. For one thread; it
/// must not outlive the store that it came from, which does nothing else meanwhile if it is part of a transaction.
class IndexUnit : public IndexSink {
public:
    virtual void commit(Deadline deadline) = 0;
};

/// Thread-safe, but for what join() returns. Arguments have been checked, but for the frame: each call that is given
/// one throws Error(fingerprint_mismatch) or Error(dimension_mismatch) if what is stored has another. One without
/// dimension is not compared.
class IndexStore : public IndexSink {
public:
    virtual std::shared_ptr<IndexStore> join(Transaction& transaction) = 0;
    virtual std::shared_ptr<IndexStore> join(Savepoint& savepoint) = 0;
    /// Whether it is part of a transaction of the caller's.
    virtual bool is_joined() const noexcept { return false; }
    virtual Deadline default_deadline() const = 0;

    /// Makes place for such vectors, or throws.
    virtual void prepare(const VectorFrame& frame, bool keyed, Deadline deadline) = 0;
    /// Of the vectors that have a place; 0: it is not known.
    virtual std::size_t dimension(Deadline deadline) = 0;
    /// Inside a transaction it is a savepoint of that.
    virtual std::unique_ptr<IndexUnit> begin_unit(Deadline deadline) = 0;
    virtual bool replace(const VectorFrame& frame, const Uuid& id, const IndexRow& row, Deadline deadline) = 0;

    virtual NearestAnswer nearest(const NearestQuery& query, Deadline deadline) = 0;
    /// The query has words.
    virtual FusedAnswer fused(const NearestQuery& query, Deadline deadline) = 0;
    /// Of nearest(), or of fused() when it has words.
    virtual SearchPlan explain(const NearestQuery& query, Deadline deadline) = 0;
    /// Some that are stored, drawn at random.
    virtual std::vector<std::vector<float>> sample(std::size_t most, Deadline deadline) = 0;
    /// Those that are missing; `again`: the others, too. Their names.
    virtual std::vector<std::string> build_indexes(const IndexBuildOptions& options, bool again) = 0;
    virtual std::vector<detail::IndexMatch> newest(std::size_t limit, const std::optional<IndexCursor>& after,
                                                   const Filter& filter, Deadline deadline) = 0;
    virtual std::size_t count(const Filter& filter, Deadline deadline) = 0;
    virtual std::size_t remove(const Filter& filter, Deadline deadline) = 0;
    virtual std::size_t remove(const std::vector<Uuid>& ids, Deadline deadline) = 0;
};

/// Throws unless vectors of `given` may lie among those of `stored`, in the table of this name.
void check_frame(const std::string& table, const VectorFrame& stored, const VectorFrame& given);

}  // namespace stele
