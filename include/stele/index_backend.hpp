// How what is most alike is found among vectors in memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stele {
inline namespace v0 {

enum class IndexBackend : std::uint8_t {
    automatic,  ///< a graph of a scope with many vectors once 10,000 searches looked at all of them, which takes as
                ///< long as making it; none where they lie in int8, which is chosen to save memory
    flat,       ///< every search looks at every vector, and misses none
    graph       ///< a graph of a scope with many vectors, at once and in every format
};

/// A graph (HNSW, by hnswlib) leads a search to what is alike by way of neighbours: it looks at some hundred vectors,
/// however many there are, and misses the best in fewer than one search of a hundred. It is made in the background, by
/// one thread, over the vectors as they lie in memory, none of which it copies. Until it is done, and of what was put
/// since, every vector is looked at; what was removed is not found from then on. Once a tenth was put or removed
/// another is made, in its place.
struct GraphOptions {
    /// Scopes with fewer vectors have none.
    std::size_t from_rows = 100'000;
    /// How many neighbours each vector is given, 2 to 128; up to twice as many come to it. About 9 bytes each.
    std::size_t links = 16;
    /// How many are looked at when these are chosen, from `links` to 10,000: more take longer and find better ones.
    std::size_t build_breadth = 200;
    /// How many are kept in view by a search, 1 to 10,000: more take longer and miss fewer.
    std::size_t search_breadth = 64;
};

}  // namespace v0
}  // namespace stele
