// The rival of a graph: hnswlib as its own manual uses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "stele/index_backend.hpp"

namespace stele::bench {

/// With a copy of the vectors, its own distances and compiled for this machine. Not for several threads.
class BareHnswlib {
public:
    BareHnswlib(std::size_t dimension, std::size_t rows, const GraphOptions& shape);
    ~BareHnswlib();
    BareHnswlib(const BareHnswlib&) = delete;
    BareHnswlib& operator=(const BareHnswlib&) = delete;

    void add(std::span<const float> unit, std::size_t id);
    void set_breadth(std::size_t breadth);
    /// The most alike of the k best that it finds.
    std::size_t best(std::span<const float> unit, std::size_t k) const;

private:
    struct Impl;
    const std::unique_ptr<Impl> impl_;
};

}  // namespace stele::bench
