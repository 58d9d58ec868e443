// The shortest way from one sequence to another by taking out and putting in.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace stele {

/// Which elements of the first sequence are taken out, and which of the second are put in; what is left is common to
/// both, in the same order.
struct EditScript {
    std::vector<bool> removed;
    std::vector<bool> added;
};

/// E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", Algorithmica 1 (1986), with the refinement of
/// section 4b: memory is linear. There is no shorter script as long as about 2 * kMaxSearch elements in a row differ;
/// beyond that a search is broken off where it came furthest, as GNU diff does it, so that time stays below
/// (length of both) * kMaxSearch steps. What occurs in one sequence only costs nothing.
/// A run of changes that could as well be read further on is: at the last place where the other sequence changes too,
/// or as far as it goes. Elements are small numbers: a table of the highest one is made.
EditScript shortest_edit(std::span<const std::size_t> before, std::span<const std::size_t> after);

inline constexpr std::ptrdiff_t kMaxSearch = 1024;

}  // namespace stele
