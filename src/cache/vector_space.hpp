// The vectors of one namespace, and which version of which row each of them is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <shared_mutex>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "vectors/flat_index.hpp"

namespace stele {

/// Stands for a row's query_hash, within this process.
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

/// Thread-safe.
class VectorSpace {
public:
    explicit VectorSpace(std::size_t dimension) : index_(dimension) {}

    /// The row's vector, in place of what was known of its id and of its question. An empty one: the row has no usable
    /// vector.
    void put(std::int64_t id, const VectorSource& source, std::span<const float> unit);
    void remove(std::int64_t id);
    /// There is no row for that question.
    void remove_question(QuestionTag question);
    /// The row as this transaction wrote it is here.
    bool holds(std::int64_t id, std::int64_t writer) const;
    bool holds_question(QuestionTag question, std::int64_t writer) const;
    std::vector<Candidate> search(std::span<const float> unit, std::size_t k, float min_score) const;

    struct Size {
        std::size_t rows = 0, bytes = 0;
    };
    Size size() const;

private:
    void drop(std::int64_t id);

    mutable std::shared_mutex mutex_;  // of all below
    FlatIndex index_;
    std::unordered_map<std::int64_t, VectorSource> sources_;  // also of rows without a usable vector
    std::unordered_map<QuestionTag, std::int64_t> ids_;
};

}  // namespace stele
