// A piece of memory with some rows of an index, and what is known of each.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include "base/mutex.hpp"
#include "vectors/row_copies.hpp"
#include "vectors/row_format.hpp"

namespace stele {

/// What belongs to a row besides its vector. Whoever put it chooses what it means.
struct RowNote {
    std::uint64_t tag = 0;  ///< of one row at most; 0: none
    std::uint32_t version = 0;
    friend bool operator==(const RowNote&, const RowNote&) = default;
};

/// Changes of an index are counted. A row is seen by those who look after its birth and before its death.
struct RowLabel {
    static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

    std::int64_t id = 0;
    std::uint64_t born = 0;
    std::atomic<std::uint64_t> died{kNever};
    RowNote note{};

    bool seen_at(std::uint64_t change) const noexcept {
        return born <= change && died.load(std::memory_order_relaxed) > change;
    }
    bool alive() const noexcept { return died.load(std::memory_order_relaxed) == kNever; }
};

/// A row's label as it lies in a file.
struct StoredRow {
    std::int64_t id = 0;
    std::uint64_t tag = 0;
    std::uint32_t version = 0;
    float scale = 1;
};

/// Rows never move and never change, but for their deaths. One thread at a time adds, and any read meanwhile what lies
/// below rows().
class RowBlock {
public:
    RowBlock(const RowFormat& format, std::size_t capacity)
        : format_(format),
          capacity_(capacity),
          labels_(std::make_unique<RowLabel[]>(capacity)),
          scales_(format.scaled() ? std::make_unique<float[]>(capacity) : nullptr),
          own_(static_cast<std::byte*>(::operator new(capacity * format.stride(), kAlignment))),
          memory_(own_.get()) {}
    /// Full of rows whose vectors lie in somebody's memory, aligned to 64 bytes.
    RowBlock(const RowFormat& format, std::shared_ptr<const void> owner, const std::byte* vectors,
             std::span<const StoredRow> rows, std::uint64_t born)
        : format_(format),
          capacity_(rows.size()),
          labels_(std::make_unique<RowLabel[]>(rows.size())),
          scales_(format.scaled() ? std::make_unique<float[]>(rows.size()) : nullptr),
          owner_(std::move(owner)),
          memory_(vectors) {
        for (std::size_t i = 0; i < rows.size(); ++i) {
            label_new(i, rows[i].id, {rows[i].tag, rows[i].version}, born, rows[i].scale);
        }
    }

    std::size_t rows() const noexcept { return rows_.load(std::memory_order_acquire); }
    std::size_t capacity() const noexcept { return capacity_; }
    std::size_t room() const noexcept { return capacity_ - rows_.load(std::memory_order_relaxed); }
    RowLabel& label(std::size_t row) const noexcept { return labels_[row]; }
    const std::byte* vector(std::size_t row) const noexcept { return memory_ + row * format_.stride(); }
    /// Null unless the format is scaled.
    const float* scales(std::size_t row) const noexcept { return scales_ ? scales_.get() + row : nullptr; }

    /// Precondition: room(). Return the new row.
    std::size_t add(std::int64_t id, const RowNote& note, std::uint64_t born, std::span<const float> unit) {
        const std::size_t row = rows_.load(std::memory_order_relaxed);
        const float scale = format_.encode(unit, own_.get() + row * format_.stride());
        return label_new(row, id, note, born, scale);
    }
    std::size_t add_copy(const RowBlock& from, std::size_t of, std::uint64_t born) {
        const std::size_t row = rows_.load(std::memory_order_relaxed);
        std::memcpy(own_.get() + row * format_.stride(), from.vector(of), format_.stride());
        return label_new(row, from.label(of).id, from.label(of).note, born, from.scales_ ? from.scales_[of] : 1);
    }

    /// Of all its rows, once it is full and somebody made them; else null. Any thread, at any time.
    std::shared_ptr<const RowCopies> copies() const STELE_EXCLUDES(copies_mutex_) {
        const MutexLock lock(copies_mutex_);
        return copies_;
    }
    /// Returns those before.
    std::shared_ptr<const RowCopies> set_copies(std::shared_ptr<const RowCopies> copies) STELE_EXCLUDES(copies_mutex_) {
        const MutexLock lock(copies_mutex_);
        copies_.swap(copies);
        return copies;
    }

    std::size_t vector_bytes() const noexcept { return capacity_ * format_.stride(); }
    /// In this process: what lies in a file is shared with others. Without the copies.
    std::size_t bytes() const noexcept {
        return (own_ ? vector_bytes() : 0) + capacity_ * (sizeof(RowLabel) + (scales_ ? sizeof(float) : 0));
    }

    std::size_t dead = 0;  ///< of whoever changes the index
    /// So many are dead that the others should move. That costs about as much as reading them thrice: seldom enough
    /// beside the removals before it.
    bool crowded() const noexcept { return dead > std::max<std::size_t>(64, capacity_ / 8); }

private:
    static constexpr std::align_val_t kAlignment{64};
    struct Free {
        void operator()(std::byte* memory) const noexcept { ::operator delete(memory, kAlignment); }
    };

    std::size_t label_new(std::size_t row, std::int64_t id, const RowNote& note, std::uint64_t born, float scale) {
        RowLabel& label = labels_[row];
        label.id = id;
        label.note = note;
        label.born = born;
        if (scales_) scales_[row] = scale;
        rows_.store(row + 1, std::memory_order_release);
        return row;
    }

    const RowFormat format_;
    const std::size_t capacity_;
    const std::unique_ptr<RowLabel[]> labels_;
    const std::unique_ptr<float[]> scales_;
    const std::unique_ptr<std::byte[], Free> own_;  // null: the owner's
    const std::shared_ptr<const void> owner_{};
    const std::byte* const memory_;
    std::atomic<std::size_t> rows_{0};
    mutable Mutex copies_mutex_;  // for as long as it takes to copy a pointer
    std::shared_ptr<const RowCopies> copies_ STELE_GUARDED_BY(copies_mutex_);
};

}  // namespace stele
