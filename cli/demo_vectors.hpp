// The vectors of a demonstration's questions, kept as the cache has them made.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "demo_curve.hpp"
#include "stele/embedder.hpp"

namespace stele::cli {

/// Embeds by another embedder, and keeps every vector. It never answers from what it kept, so that measured times are
/// those of the embedder. Thread-safe.
class DemoVectors final : public Embedder {
public:
    explicit DemoVectors(std::shared_ptr<Embedder> embedder) : embedder_(std::move(embedder)) {}

    std::size_t dimension() const override { return embedder_->dimension(); }
    const std::string& fingerprint() const override { return embedder_->fingerprint(); }
    std::optional<float> threshold() const override { return embedder_->threshold(); }
    std::vector<Embedding> embed(std::span<const std::string_view> texts, Deadline deadline) override;

    /// Of each question of the stream; one that the embedder cut has no unit, as the cache keeps none. What was never
    /// asked of the embedder is embedded now, in batches: nothing, when `go_on` says no between two of them or the
    /// deadline passes.
    std::optional<std::vector<DemoPlace>> places(const std::vector<const DemoQuestion*>& stream, Deadline deadline,
                                                 const std::function<bool()>& go_on);

private:
    std::shared_ptr<Embedder> embedder_;
    std::mutex mutex_;
    std::map<std::string, std::vector<float>, std::less<>> kept_;  // empty: it was cut
};

}  // namespace stele::cli
