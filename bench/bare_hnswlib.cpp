#include "bare_hnswlib.hpp"

#include <hnswlib/hnswlib.h>

namespace stele::bench {

struct BareHnswlib::Impl {
    Impl(std::size_t dimension, std::size_t rows, const GraphOptions& shape)
        : space(dimension), index(&space, rows, shape.links, shape.build_breadth) {}
    hnswlib::InnerProductSpace space;
    hnswlib::HierarchicalNSW<float> index;
};

BareHnswlib::BareHnswlib(std::size_t dimension, std::size_t rows, const GraphOptions& shape)
    : impl_(std::make_unique<Impl>(dimension, rows, shape)) {}
BareHnswlib::~BareHnswlib() = default;

void BareHnswlib::add(std::span<const float> unit, std::size_t id) {
    impl_->index.addPoint(unit.data(), id);
}

void BareHnswlib::set_breadth(std::size_t breadth) {
    impl_->index.setEf(breadth);
}

std::size_t BareHnswlib::best(std::span<const float> unit, std::size_t k) const {
    auto found = impl_->index.searchKnn(unit.data(), k);
    while (found.size() > 1) found.pop();
    return found.top().second;
}

}  // namespace stele::bench
