// The vectors of one namespace, and which version of which row each of them is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.hpp"
#include "vectors/flat_index.hpp"

namespace stele {

/// Stands for a row's query_hash, on every machine. Never 0.
using QuestionTag = std::uint64_t;
QuestionTag question_tag(std::string_view query_hash);

/// Where a vector comes from.
struct VectorSource {
    QuestionTag question = 0;
    std::int64_t writer = 0;  ///< the transaction that wrote the row: its xmin
};

/// A row that may answer.
struct Candidate {
    std::int64_t id;
    float score;
    QuestionTag question;
    std::int64_t writer = 0;
};

/// Thread-safe. Nobody who searches waits for those who change it.
class VectorSpace {
public:
    explicit VectorSpace(std::size_t dimension, VectorFormat format = VectorFormat::float32, const GraphPlan& plan = {})
        : index_(dimension, format, plan) {}

    /// The row's vector, in place of what was known of its id and of its question. An empty one: the row has no usable
    /// vector.
    void put(std::int64_t id, const VectorSource& source, std::span<const float> unit);
    void remove(std::int64_t id);
    /// There is no row for that question.
    void remove_question(QuestionTag question);
    /// The row as this transaction wrote it is here.
    bool holds(std::int64_t id, std::int64_t writer) const;
    bool holds_question(QuestionTag question, std::int64_t writer) const;
    /// As FlatIndex::search: scores of other formats than float32 are a little off.
    std::vector<Candidate> search(std::span<const float> unit, std::size_t k, float min_score) const;
    std::size_t compact() { return index_.compact(); }
    /// As FlatIndex.
    void consider_graph() { index_.consider_graph(); }
    void drop_graph() { index_.drop_graph(); }
    std::size_t make_copies(std::size_t most_bytes) { return index_.make_copies(most_bytes); }
    void drop_copies(std::size_t bytes) { index_.drop_copies(bytes); }
    void wait_for_graph() const { index_.wait_for_graph(); }

    /// As FlatIndex: rows that lie in somebody's memory; those of unusable vectors are not among them.
    bool adopt(std::shared_ptr<const void> owner, const std::byte* vectors, std::span<const StoredRow> rows) {
        return index_.adopt(std::move(owner), vectors, rows);
    }
    FlatIndex::Picture picture() const { return index_.picture(); }

    struct Size {
        std::size_t rows = 0, bytes = 0, tombstones = 0;
        std::uint64_t changes = 0;   ///< since it was made
        std::size_t graph_rows = 0;  ///< that a graph was made of
    };
    Size size() const;
    const RowFormat& row_format() const noexcept { return index_.row_format(); }
    VectorFormat format() const noexcept { return index_.format(); }

private:
    void drop_blank(std::int64_t id) STELE_REQUIRES(mutex_);

    FlatIndex index_;

    mutable Mutex mutex_;  // of who changes
    // rows without a usable vector: few, where anybody searches
    std::unordered_map<std::int64_t, VectorSource> blank_ STELE_GUARDED_BY(mutex_);
    std::unordered_map<QuestionTag, std::int64_t> blank_ids_ STELE_GUARDED_BY(mutex_);
};

}  // namespace stele
