// For tests of programs that use Stele: a clock and an embedder that do as the test says. With the stores' twins a unit
// test needs no database, no model and no waiting (examples/testing.cpp).
//
//     stele::testing::FakeClock clock;
//     auto embedder = std::make_shared<stele::testing::FakeEmbedder>();
//     stele::MemoryDatabase memory(clock);
//     auto cache = stele::SemanticCache::in_memory(memory, embedder);
//
//     embedder->similar("i forgot my password", "how do i reset it?", 0.95F);
//     cache.put("How do I reset it?", "Press reset.", {}, {.ttl = std::chrono::hours(1)});
//     assert(cache.get("I forgot my password")->response == "Press reset.");
//     clock.advance(std::chrono::hours(1));
//     assert(!cache.get("I forgot my password"));
//
// Not part of stele/stele.hpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stele/embedder.hpp"
#include "stele/export.hpp"
#include "stele/timestamp.hpp"

namespace stele {
inline namespace v0 {
namespace testing {

/// A clock that stands still until it is moved. Copies show the same time and move together. Thread-safe.
class STELE_API FakeClock {
public:
    /// Shows noon of 1 January 2026, UTC.
    FakeClock() : FakeClock(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1) + std::chrono::hours(12)) {}
    explicit FakeClock(Timestamp start);
    FakeClock(const FakeClock&) = default;
    FakeClock& operator=(const FakeClock&) = default;
    ~FakeClock() = default;

    Timestamp now() const noexcept;
    /// Forward, or backward if negative, as real clocks sometimes go.
    void advance(std::chrono::microseconds by) noexcept;

    /// The same as now(): so that it is a MemoryDatabase::Now.
    Timestamp operator()() const noexcept { return now(); }

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

struct FakeEmbedderOptions {
    std::size_t dimension = 64;
    std::string fingerprint = "fake:v1";
    /// Embedder::threshold().
    std::optional<float> threshold = 0.85F;
};

/// An embedder whose vectors the test chooses. A text of which it was told nothing has a direction made from its bytes:
/// the same everywhere, and hardly similar to any other (cosines about 0.1). Texts are known as they come to the
/// embedder: from a SemanticCache normalised (stele::normalized_query), so in small letters. Thread-safe.
class STELE_API FakeEmbedder final : public Embedder {
public:
    /// Error(invalid_argument) unless the dimension is 2 or more.
    explicit FakeEmbedder(FakeEmbedderOptions options = {});
    ~FakeEmbedder() override;

    /// The text's vector from now on; it is scaled to unit length. Error(dimension_mismatch) when it has another
    /// length, Error(invalid_argument) when it has no direction.
    void set(std::string_view text, std::vector<float> vector);
    /// The text's vector from now on has this cosine, -1 to 1, to the one that `base` has now.
    void similar(std::string_view text, std::string_view base, float cosine);
    /// The next so many calls throw Error(embedder_failed); 0: none.
    void fail(std::size_t calls = std::numeric_limits<std::size_t>::max());
    /// Texts of more bytes count as cut (Embedding::truncated).
    void cut_beyond(std::size_t bytes);

    /// Calls of embed() so far, failed ones included.
    std::size_t calls() const;
    /// All texts that were to be embedded so far, in order.
    std::vector<std::string> texts() const;

    std::size_t dimension() const override { return options_.dimension; }
    const std::string& fingerprint() const override { return options_.fingerprint; }
    std::optional<float> threshold() const override { return options_.threshold; }
    /// Never waits: the deadline makes no difference.
    std::vector<Embedding> embed(std::span<const std::string_view> texts, Deadline deadline) override;

private:
    struct Impl;
    const FakeEmbedderOptions options_;
    std::unique_ptr<Impl> impl_;
};

}  // namespace testing
}  // namespace v0
}  // namespace stele
