// Some values on their way into an index: looked up by their keys, embedded if need be, stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "index/index_input.hpp"
#include "index/index_store.hpp"

namespace stele {

/// Whether the data is at fault, so that other data may do better: an embedder that will refuse it again, a constraint,
/// a limit, a trigger.
bool is_of_the_data(const Error& error);

/// Each step once, in the order of the methods. For one thread at a time.
class IndexBatch {
public:
    // What is embedded and written at once: enough to make its round trips and its parsing not count.
    static constexpr std::size_t kMaxValues = 512;  // but for those with a vector
    static constexpr std::size_t kMaxVectors = 8 * kMaxValues;
    static constexpr std::size_t kMaxBytes = 4U << 20U;

    void add(std::size_t position, detail::IndexItem item, const VectorFrame& frame);
    /// A value that is left out.
    void refuse(RefusedValue value);
    bool full() const noexcept {
        return values_ - vectors_ >= kMaxValues || vectors_ >= kMaxVectors || bytes_ >= kMaxBytes;
    }
    /// Whether there is anything to embed, as far as is known.
    bool embeds() const noexcept { return vectors_ < values_; }

    /// Finds what is there under its key just so, or with a vector that can be used again.
    void look_up(IndexSink& sink, const VectorFrame& frame, Deadline deadline);
    /// Embeds the others. Those that the embedder refuses are found and left out; if it refuses all of several, its
    /// error is thrown.
    void embed(const IndexEmbedders& embedders, const VectorFrame& frame, Deadline deadline);

    /// Stores rows: see IndexSink::put.
    using Put = std::function<std::vector<Uuid>(RowPointers)>;
    /// Gives `put` what is to be written, if anything.
    void store(const Put& put);
    /// The same; if it throws because of a row's data, the rows are found by giving it fewer, and left out.
    void store_apart(const Put& put);

    /// One a value, in order; those of what was left out are nil.
    std::vector<Uuid> ids() const;
    /// In the order of their positions.
    std::vector<RefusedValue> take_refused();
    /// Adds what became of this batch.
    void count(IndexProgress& progress) const noexcept;

private:
    enum class State : std::uint8_t { to_embed, to_store, stored, unchanged, refused };
    struct Value {
        std::size_t position;
        std::optional<IndexInput> input;
        IndexRow row;
        State state = State::to_embed;
        Uuid id{};
    };

    std::vector<std::size_t> places(State state) const;
    void embed_some(std::span<const std::size_t> places, const IndexEmbedders& embedders, const VectorFrame& frame,
                    Deadline deadline);
    void embed_apart(std::vector<std::size_t> places, const Error& error, const IndexEmbedders& embedders,
                     const VectorFrame& frame, Deadline deadline);
    void store_some(std::span<const std::size_t> places, const Put& put);
    void store_apart(std::span<const std::size_t> places, const Put& put);
    void refuse(Value& value, const Error& error);

    std::vector<Value> all_;
    std::vector<RefusedValue> refused_;
    std::size_t values_ = 0, vectors_ = 0, bytes_ = 0, embedded_ = 0;
};

}  // namespace stele
