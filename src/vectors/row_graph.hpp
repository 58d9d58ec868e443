// Who is alike among rows of an index, as a graph: searches go from neighbour to neighbour.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "stele/index_backend.hpp"
#include "vectors/row_format.hpp"
#include "vectors/row_table.hpp"

namespace stele {

/// A row that stays where it is for as long as the graph is used.
struct GraphPoint {
    const std::byte* vector = nullptr;
    float scale = 1;  ///< of its codes, if the format is scaled
    RowNumber row = 0;
};

/// Hierarchical navigable small worlds. hnswlib makes the links; they are then laid one after the other, which takes a
/// third of its memory, and nothing is ever changed: searches need no lock. Rows whose vectors are the same are one
/// node: as nodes of their own they would be each other's only neighbours, and nobody would find out of them.
class RowGraph {
public:
    /// Null: `stop` said so, which is asked before each row. Takes about 1 ms a row, and twice the memory of the
    /// result beside it. Error(limit_exceeded): there are more rows than 32 bits can count links of.
    static std::unique_ptr<const RowGraph> build(const RowFormat& format, const GraphOptions& shape,
                                                 std::vector<GraphPoint> points, const std::function<bool()>& stop);
    /// The most that a graph of as many rows can take.
    static std::size_t most_bytes(const RowFormat& format, const GraphOptions& shape, std::size_t rows) noexcept;

    struct Found {
        float score;  ///< as RowQuery has it
        std::uint32_t node;
    };
    using Accept = std::function<bool(std::span<const RowNumber> rows)>;
    /// The best `breadth` nodes that are accepted, in no order; nearly all of these. Others are passed through. False:
    /// the way ended too early, or led past more than an eighth of all, so that the rows must be looked at one by one.
    bool search(const RowQuery& query, std::size_t breadth, const Accept& accept, std::vector<Found>& found) const;

    std::span<const RowNumber> rows(std::uint32_t node) const noexcept {
        return std::span(rows_).subspan(first_row_[node], first_row_[node + 1] - first_row_[node]);
    }
    std::size_t nodes() const noexcept { return vectors_.size(); }
    std::size_t bytes() const noexcept;

private:
    using Node = std::uint32_t;

    explicit RowGraph(const RowFormat& format) : format_(format) {}
    void take_points(std::vector<GraphPoint> points);
    template <class Made>
    void take_links(const Made& made);
    std::span<const Node> links(Node node) const noexcept {
        return std::span(links_).subspan(first_link_[node], first_link_[node + 1] - first_link_[node]);
    }
    float score(const RowQuery& query, Node node) const noexcept;
    Node descend(const RowQuery& query, float& score) const;

    const RowFormat format_;
    std::vector<const std::byte*> vectors_;  // by node, as is all below
    std::vector<float> scales_;              // empty unless the format is scaled
    std::vector<std::uint32_t> first_row_;
    std::vector<RowNumber> rows_;
    std::vector<std::uint32_t> first_link_;
    std::vector<Node> links_;
    /// A storey above the ground has few nodes, found by number.
    struct Storey {
        std::vector<Node> nodes;  // ascending
        std::vector<std::uint32_t> first_link;
        std::vector<Node> links;
    };
    std::vector<Storey> storeys_;  // from the first
    Node entry_ = 0;
};

}  // namespace stele
