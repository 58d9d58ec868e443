#include "vectors/row_graph.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <ranges>
#include <unordered_map>
#include <utility>

#include "base/result.hpp"
#include "vectors/unlocked_hnswlib.hpp"

namespace stele {
namespace {

constexpr std::size_t kLine = 64;

// What hnswlib keeps of a row: where it is.
struct Place {
    const std::byte* vector;
    float scale;
};
// Without the padding: behind its links, which are an odd number of 4 bytes, hnswlib's own label is then aligned.
constexpr std::size_t kPlaceBytes = sizeof(const std::byte*) + sizeof(float);

class PlaceSpace final : public hnswlib::SpaceInterface<float> {
public:
    explicit PlaceSpace(const RowFormat& format) : format_(format) {}
    std::size_t get_data_size() override { return kPlaceBytes; }
    hnswlib::DISTFUNC<float> get_dist_func() override { return distance; }
    void* get_dist_func_param() override { return this; }

private:
    static float distance(const void* a, const void* b, const void* self) {
        // its memory for them need not be aligned
        Place left, right;
        std::memcpy(&left, a, kPlaceBytes);
        std::memcpy(&right, b, kPlaceBytes);
        const RowFormat& format = static_cast<const PlaceSpace*>(self)->format_;
        return -format.dot(left.vector, right.vector) * left.scale * right.scale;
    }

    const RowFormat format_;
};

std::uint64_t hash_of(const std::byte* vector, std::size_t bytes) noexcept {
    std::uint64_t hash = 0;
    for (std::size_t at = 0; at < bytes; at += sizeof hash) {
        std::uint64_t word = 0;
        std::memcpy(&word, vector + at, sizeof word);
        hash = (std::rotl(hash, 23) ^ word) * 0x9e3779b97f4a7c15U;
    }
    return hash;
}

// The nodes that a search has met. One of a thread, so that nothing is cleared but what was met.
class Met {
public:
    explicit Met(std::size_t nodes) {
        if (bits.size() * 64 < nodes) bits.resize(nodes / 64 + 1);
    }
    Met(const Met&) = delete;
    Met& operator=(const Met&) = delete;
    ~Met() {
        for (const std::uint32_t node : met) bits[node / 64] = 0;
        met.clear();
    }
    /// False: it was met before.
    bool meet(std::uint32_t node) {
        const std::uint64_t bit = std::uint64_t{1} << (node % 64);
        if ((bits[node / 64] & bit) != 0) return false;
        met.push_back(node);
        bits[node / 64] |= bit;
        return true;
    }
    std::size_t count() const noexcept { return met.size(); }

private:
    static thread_local std::vector<std::uint64_t> bits;
    static thread_local std::vector<std::uint32_t> met;
};
thread_local std::vector<std::uint64_t> Met::bits;
thread_local std::vector<std::uint32_t> Met::met;

bool better(const RowGraph::Found& a, const RowGraph::Found& b) {
    return a.score > b.score;
}
bool worse(const RowGraph::Found& a, const RowGraph::Found& b) {
    return a.score < b.score;
}

}  // namespace

std::unique_ptr<const RowGraph> RowGraph::build(const RowFormat& format, const GraphOptions& shape,
                                                std::vector<GraphPoint> points, const std::function<bool()>& stop) {
    if (points.size() > std::numeric_limits<std::uint32_t>::max() / (2 * shape.links)) {
        raise(ErrorCode::limit_exceeded,
              fmt::format("a graph with {} links cannot hold {} rows", shape.links, points.size()));
    }
    std::unique_ptr<RowGraph> graph(new RowGraph(format));
    graph->take_points(std::move(points));
    PlaceSpace space(format);
    hnswlib::HierarchicalNSW<float> made(&space, std::max<std::size_t>(graph->nodes(), 1), shape.links,
                                         shape.build_breadth);
    for (std::size_t node = 0; node < graph->nodes(); ++node) {
        if (stop()) return nullptr;
        const Place place{graph->vectors_[node], format.scaled() ? graph->scales_[node] : 1};
        made.addPoint(&place, node);
    }
    graph->take_links(made);
    return graph;
}

void RowGraph::take_points(std::vector<GraphPoint> points) {
    std::unordered_map<std::uint64_t, Node> known;
    known.reserve(points.size());
    std::vector<Node> node_of;
    node_of.reserve(points.size());
    const auto same = [this](const GraphPoint& point, Node node) {
        return (scales_.empty() || scales_[node] == point.scale) &&
               std::memcmp(vectors_[node], point.vector, format_.stride()) == 0;
    };
    for (const GraphPoint& point : points) {
        const auto node = static_cast<Node>(vectors_.size());
        const auto [at, is_new] = known.try_emplace(hash_of(point.vector, format_.stride()), node);
        const bool alone = is_new || !same(point, at->second);
        node_of.push_back(alone ? node : at->second);
        if (!alone) continue;
        vectors_.push_back(point.vector);
        if (format_.scaled()) scales_.push_back(point.scale);
    }
    vectors_.shrink_to_fit();
    scales_.shrink_to_fit();
    first_row_.assign(vectors_.size() + 1, 0);
    for (const Node node : node_of) ++first_row_[node + 1];
    for (std::size_t node = 0; node < vectors_.size(); ++node) first_row_[node + 1] += first_row_[node];
    rows_.resize(points.size());
    std::vector<std::uint32_t> next(first_row_.begin(), first_row_.end() - 1);
    for (std::size_t i = 0; i < points.size(); ++i) rows_[next[node_of[i]]++] = points[i].row;
}

// hnswlib numbers nodes as they come.
template <class Made>
void RowGraph::take_links(const Made& made) {
    const auto append = [&made](auto* list, std::vector<Node>& links) {
        const std::size_t count = made.getListCount(list);
        links.insert(links.end(), list + 1, list + 1 + count);
    };
    std::size_t all = 0;
    for (std::size_t node = 0; node < nodes(); ++node) {
        all += made.getListCount(made.get_linklist0(static_cast<Node>(node)));
    }
    links_.reserve(all);
    first_link_.reserve(nodes() + 1);
    for (std::size_t node = 0; node < nodes(); ++node) {
        first_link_.push_back(static_cast<std::uint32_t>(links_.size()));
        append(made.get_linklist0(static_cast<Node>(node)), links_);
        const auto height = static_cast<std::size_t>(made.element_levels_[node]);
        if (height > storeys_.size()) storeys_.resize(height);
        for (std::size_t level = 1; level <= height; ++level) {
            Storey& storey = storeys_[level - 1];
            storey.nodes.push_back(static_cast<Node>(node));
            storey.first_link.push_back(static_cast<std::uint32_t>(storey.links.size()));
            append(made.get_linklist(static_cast<Node>(node), static_cast<int>(level)), storey.links);
        }
    }
    first_link_.push_back(static_cast<std::uint32_t>(links_.size()));
    for (Storey& storey : storeys_) {
        storey.first_link.push_back(static_cast<std::uint32_t>(storey.links.size()));
        storey.nodes.shrink_to_fit();
        storey.first_link.shrink_to_fit();
        storey.links.shrink_to_fit();
    }
    if (nodes() != 0) entry_ = made.enterpoint_node_;
}

std::size_t RowGraph::most_bytes(const RowFormat& format, const GraphOptions& shape, std::size_t rows) noexcept {
    const std::size_t ground = sizeof(const std::byte*) + (format.scaled() ? sizeof(float) : 0) +
                               3 * sizeof(std::uint32_t) + 2 * shape.links * sizeof(Node);
    // of each storey the part 1/links of the one below
    const std::size_t above = (shape.links + 2) * sizeof(Node) / (shape.links - 1) + 1;
    return rows * (ground + above);
}

std::size_t RowGraph::bytes() const noexcept {
    std::size_t bytes =
        sizeof *this + vectors_.capacity() * sizeof vectors_[0] + scales_.capacity() * sizeof(float) +
        (first_row_.capacity() + rows_.capacity() + first_link_.capacity() + links_.capacity()) * sizeof(std::uint32_t);
    for (const Storey& storey : storeys_) {
        bytes += (storey.nodes.capacity() + storey.first_link.capacity() + storey.links.capacity()) * sizeof(Node);
    }
    return bytes;
}

float RowGraph::score(const RowQuery& query, Node node) const noexcept {
    float score = 0;
    query.score(vectors_[node], scales_.empty() ? nullptr : &scales_[node], {&score, 1});
    return score;
}

RowGraph::Node RowGraph::descend(const RowQuery& query, float& best) const {
    Node at = entry_;
    best = score(query, at);
    for (const Storey& storey : storeys_ | std::views::reverse) {
        for (bool closer = true; closer;) {
            closer = false;
            const auto found = std::lower_bound(storey.nodes.begin(), storey.nodes.end(), at);
            const auto place = static_cast<std::size_t>(found - storey.nodes.begin());
            for (std::uint32_t i = storey.first_link[place]; i < storey.first_link[place + 1]; ++i) {
                const float other = score(query, storey.links[i]);
                if (!(other > best)) continue;
                best = other;
                at = storey.links[i];
                closer = true;
            }
        }
    }
    return at;
}

bool RowGraph::search(const RowQuery& query, std::size_t breadth, const Accept& accept,
                      std::vector<Found>& found) const {
    constexpr std::size_t kPart = 8, kFew = 32;
    found.clear();
    if (nodes() == 0) return true;
    const std::size_t most = std::max(nodes() / kPart, kFew * breadth);
    Met met(nodes());
    std::vector<Found> ahead;  // a heap with the best on top; `found` has the worst there
    std::vector<Node> near;

    float score_here = 0;
    const Node start = descend(query, score_here);
    const auto offer = [&](Node node, float score) {
        if (found.size() == breadth && !(score > found.front().score)) return;
        ahead.push_back({score, node});
        std::push_heap(ahead.begin(), ahead.end(), worse);
        if (!accept(rows(node))) return;
        if (found.size() == breadth) {
            std::pop_heap(found.begin(), found.end(), better);
            found.pop_back();
        }
        found.push_back({score, node});
        std::push_heap(found.begin(), found.end(), better);
    };
    met.meet(start);
    offer(start, score_here);
    const std::size_t lines = format_.stride() / kLine;
    const auto fetch = [&](Node node) {
        const std::byte* const vector = vectors_[node];
        for (std::size_t line = 0; line < lines; ++line) __builtin_prefetch(vector + line * kLine);
    };
    while (!ahead.empty()) {
        if (found.size() == breadth && ahead.front().score < found.front().score) return true;
        const Node here = ahead.front().node;
        std::pop_heap(ahead.begin(), ahead.end(), worse);
        ahead.pop_back();
        near.clear();
        for (const Node node : links(here)) {
            if (!met.meet(node)) continue;
            near.push_back(node);
            __builtin_prefetch(static_cast<const void*>(&vectors_[node]));
        }
        if (met.count() > most) return false;
        for (std::size_t i = 0; i < std::min<std::size_t>(near.size(), 2); ++i) fetch(near[i]);
        for (std::size_t i = 0; i < near.size(); ++i) {
            if (i + 2 < near.size()) fetch(near[i + 2]);
            offer(near[i], score(query, near[i]));
        }
    }
    return found.size() == breadth || met.count() == nodes();
}

}  // namespace stele
