// Values of any number into an index, in bounded memory: while one batch is written, the next is embedded and the one
// after it is taken from its source.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "index/index_batch.hpp"
#include "index/index_store.hpp"

namespace stele {

/// One run, for one thread; must not outlive what it is given.
class IndexBulk {
public:
    IndexBulk(IndexStore& store, const IndexEmbedders& embedders, detail::IndexSource& source,
              const detail::IndexOrder& order, std::vector<Uuid>* ids)
        : store_(store), embedders_(embedders), source_(source), order_(order), ids_(ids) {}

    IndexProgress run();

private:
    bool skips() const noexcept { return static_cast<bool>(order_.on_refused); }
    Deadline until() const { return order_.deadline ? *order_.deadline : store_.default_deadline(); }
    /// The next values, null at the end.
    std::unique_ptr<IndexBatch> take();
    void take_one(IndexBatch& batch);
    /// Does it, or refuses the value of which it throws.
    template <class Work>
    bool accepts(IndexBatch& batch, std::size_t position, const std::string& key, Work work);
    void check_key(std::size_t position, const std::string& key);
    void begin_with(std::size_t position, const IndexInput& first);
    void look_up(IndexBatch& batch);
    void write(IndexBatch& batch, bool is_all);
    void write_atomic(IndexBatch& batch, bool is_all);
    [[noreturn]] void blame(IndexBatch& batch, const Error& error);
    void report(IndexBatch& batch);

    // Of a key, by its digest: whatever the keys are, this much memory each.
    struct KeyHash {
        std::uint64_t first, second;
        friend bool operator==(const KeyHash&, const KeyHash&) = default;
    };
    struct Take {
        std::size_t operator()(const KeyHash& key) const noexcept { return key.first; }
    };

    IndexStore& store_;
    const IndexEmbedders& embedders_;
    detail::IndexSource& source_;
    const detail::IndexOrder& order_;
    std::vector<Uuid>* const ids_;
    std::optional<InputShape> shape_;  // once the first value was taken
    VectorFrame frame_;
    bool prepared_ = false;
    bool ended_ = false;     // the source
    std::size_t taken_ = 0;  // values
    std::unordered_set<KeyHash, Take> keys_;
    std::unique_ptr<IndexUnit> unit_;  // of all batches, when it is all or nothing and there are several
    IndexProgress progress_;
};

}  // namespace stele
