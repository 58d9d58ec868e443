// Finds the number of a row by what the row holds: a hash table of 4 bytes a place.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace stele {

using RowNumber = std::uint32_t;
inline constexpr RowNumber kNoRow = std::numeric_limits<RowNumber>::max();

/// Keys are not kept: `key_of(row)` tells them, of every row that is in the table. Open addressing, at most three
/// quarters full. Not synchronised.
class RowTable {
public:
    template <class KeyOf>
    RowNumber find(std::uint64_t key, const KeyOf& key_of) const {
        if (places_.empty()) return kNoRow;
        for (std::size_t at = home(key); places_[at] != kNoRow; at = next(at)) {
            if (key_of(places_[at]) == key) return places_[at];
        }
        return kNoRow;
    }

    /// So that insert() finds room. If memory runs out nothing has changed.
    template <class KeyOf>
    void make_room(const KeyOf& key_of) {
        if ((rows_ + 1) * 4 > places_.size() * 3) resize(std::max(places_.size() * 2, kSmallest), key_of);
    }
    /// Gives back what is not needed.
    template <class KeyOf>
    void fit(const KeyOf& key_of) {
        const std::size_t wanted = std::max(std::bit_ceil(rows_ * 2), kSmallest);
        if (wanted < places_.size()) resize(wanted, key_of);
    }

    /// Precondition: make_room(), and no row has the key.
    void insert(std::uint64_t key, RowNumber row) noexcept {
        std::size_t at = home(key);
        while (places_[at] != kNoRow) at = next(at);
        places_[at] = row;
        ++rows_;
    }
    /// Preconditions of these two: `row` is in the table, under that key.
    void replace(std::uint64_t key, RowNumber row, RowNumber by) noexcept { places_[place(key, row)] = by; }
    template <class KeyOf>
    void erase(std::uint64_t key, RowNumber row, const KeyOf& key_of) noexcept {
        std::size_t gap = place(key, row);
        // who was pushed past the gap moves up
        for (std::size_t at = next(gap); places_[at] != kNoRow; at = next(at)) {
            const std::size_t pushed = (at - home(key_of(places_[at]))) & (places_.size() - 1);
            if (pushed < ((at - gap) & (places_.size() - 1))) continue;
            places_[gap] = places_[at];
            gap = at;
        }
        places_[gap] = kNoRow;
        --rows_;
    }

    std::size_t bytes() const noexcept { return places_.capacity() * sizeof(RowNumber); }

private:
    static constexpr std::size_t kSmallest = 16;

    std::size_t next(std::size_t at) const noexcept { return (at + 1) & (places_.size() - 1); }
    std::size_t home(std::uint64_t key) const noexcept {
        return (key * 0x9e3779b97f4a7c15U) >> (64 - std::countr_zero(places_.size()));
    }
    std::size_t place(std::uint64_t key, RowNumber row) const noexcept {
        std::size_t at = home(key);
        while (places_[at] != row) at = next(at);
        return at;
    }
    template <class KeyOf>
    void resize(std::size_t places, const KeyOf& key_of) {
        std::vector<RowNumber> old(places, kNoRow);
        old.swap(places_);
        rows_ = 0;
        for (const RowNumber row : old) {
            if (row != kNoRow) insert(key_of(row), row);
        }
    }

    std::vector<RowNumber> places_;  // as many as a power of two
    std::size_t rows_ = 0;
};

}  // namespace stele
