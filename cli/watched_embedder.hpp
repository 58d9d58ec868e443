// Tells what became of a text that a cache had embedded.
#pragma once

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "stele/embedder.hpp"

namespace stele::cli {

/// The cache makes a miss of a failure, and looks for a text that was cut by its wording only; here both must be seen.
/// Not thread-safe.
class WatchedEmbedder final : public Embedder {
public:
    explicit WatchedEmbedder(std::shared_ptr<Embedder> embedder) : embedder_(std::move(embedder)) {}

    std::size_t dimension() const override { return embedder_->dimension(); }
    const std::string& fingerprint() const override { return embedder_->fingerprint(); }
    std::optional<float> threshold() const override { return embedder_->threshold(); }
    std::vector<Embedding> embed(std::span<const std::string_view> texts, Deadline deadline) override {
        try {
            std::vector<Embedding> embeddings = embedder_->embed(texts, deadline);
            truncated_ =
                std::any_of(embeddings.begin(), embeddings.end(), [](const Embedding& e) { return e.truncated; });
            return embeddings;
        } catch (...) {
            failure_ = std::current_exception();
            throw;
        }
    }
    bool truncated() const { return truncated_; }
    void rethrow_failure() const {
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    std::shared_ptr<Embedder> embedder_;
    std::exception_ptr failure_;
    bool truncated_ = false;
};

}  // namespace stele::cli
