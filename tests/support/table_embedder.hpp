// An embedder whose vectors the test chooses.
#pragma once

#include <atomic>
#include <cmath>
#include <map>
#include <mutex>
#include <string>

#include "base/result.hpp"
#include "stele/embedder.hpp"
#include "vectors/kernels.hpp"

namespace stele::test {

/// Knows the texts it was told; any other text is an axis of its own, at a right angle to all others (dimension 64).
class TableEmbedder final : public Embedder {
public:
    explicit TableEmbedder(std::string fingerprint = "table:v1", std::size_t dimension = 64)
        : fingerprint_(std::move(fingerprint)), dimension_(dimension) {}

    /// `text` has this cosine to `base` (both as they are given to the embedder: normalised).
    void similar(const std::string& text, const std::string& base, float cosine) {
        const std::lock_guard lock(mutex_);
        std::vector<float> vector = locked_vector(base);
        std::vector<float> other(dimension_, 0.0f);
        other[next_axis_++ % dimension_] = std::sqrt(1 - cosine * cosine);
        for (std::size_t i = 0; i < dimension_; ++i) vector[i] = vector[i] * cosine + other[i];
        kernels::normalize(vector);
        vectors_[text] = vector;
    }

    std::size_t dimension() const override { return dimension_; }
    const std::string& fingerprint() const override { return fingerprint_; }
    std::optional<float> threshold() const override { return 0.85F; }
    std::vector<Embedding> embed(std::span<const std::string_view> texts, Deadline) override {
        ++calls;
        if (failing) raise(ErrorCode::embedder_failed, "the test's embedder is down");
        const std::lock_guard lock(mutex_);
        std::vector<Embedding> all;
        for (const std::string_view text : texts) {
            all.push_back({locked_vector(std::string(text)), text.size() > longest});
        }
        return all;
    }

    std::atomic<int> calls{0};
    std::atomic<bool> failing{false};
    std::atomic<std::size_t> longest{1'000'000};  ///< bytes; what is longer it calls cut

private:
    std::vector<float> locked_vector(const std::string& text) {
        std::vector<float>& vector = vectors_[text];
        if (vector.empty()) {
            vector.assign(dimension_, 0.0f);
            vector[next_axis_++ % dimension_] = 1.0f;
        }
        return vector;
    }

    std::string fingerprint_;
    std::size_t dimension_;
    std::mutex mutex_;
    std::map<std::string, std::vector<float>> vectors_;
    std::size_t next_axis_ = 0;
};

}  // namespace stele::test
