// How an index makes graphs over its rows, and follows them.
#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

#include "base/signals_blocked.hpp"
#include "vectors/flat_index.hpp"

namespace stele {
namespace {

constexpr std::size_t kChangedPart = 10, kFewChanges = 256;  // of the rows, until another is made
constexpr std::size_t kMost = 1024;  // matches: finding more by a graph takes as long as looking at many rows

}  // namespace

GraphPlan graph_plan(IndexBackend backend, const GraphOptions& shape, VectorFormat format, std::size_t limit_bytes) {
    // as long as so many searches take without one, so it never costs more than twice what was needed
    constexpr std::size_t kWorthIt = 10'000;
    const bool automatic = backend == IndexBackend::automatic && format != VectorFormat::int8;
    return {automatic || backend == IndexBackend::graph, shape, limit_bytes, automatic ? kWorthIt : 0};
}

FlatIndex::~FlatIndex() {
    stopping_ = true;
    std::thread over;
    {
        const MutexLock lock(changes_);
        over.swap(maker_);
    }
    if (over.joinable()) over.join();
}

void FlatIndex::wait_for_graph() const {
    const MutexLock lock(changes_);
    while (draft_) made_.wait(changes_);
}

void FlatIndex::drop_graph() {
    const MutexLock lock(changes_);
    forget_graph();
    drafted_ = true;
}

bool FlatIndex::search_graph(const Seen& seen, const RowQuery& query, std::size_t k, BestMatches& best) const {
    const BlockGraph& graph = *seen.graph;
    if (k > kMost || k > graph.rows / 2) return false;
    const auto label = [&seen, this](RowNumber row) -> const RowLabel& {
        return (*seen.blocks)[row / rows_per_block_]->label(row % rows_per_block_);
    };
    const auto is_seen = [&](RowNumber row) { return label(row).seen_at(seen.change); };
    const auto any_seen = [&](std::span<const RowNumber> rows) {
        return std::any_of(rows.begin(), rows.end(), is_seen);
    };
    std::vector<RowGraph::Found> found;
    if (!graph.graph->search(query, std::max<std::size_t>(k, search_breadth_), any_seen, found)) return false;
    for (const RowGraph::Found& one : found) {
        if (!(one.score >= best.floor())) continue;
        for (const RowNumber row : graph.graph->rows(one.node)) {
            if (is_seen(row)) best.offer({label(row).id, one.score, label(row).note});
        }
    }
    return true;
}

bool FlatIndex::pinned(std::size_t block) const {
    if (graph_ && block < graph_->covered.size() && graph_->covered[block] != 0) return true;
    return draft_ && block < draft_->blocks.size() && draft_->blocks[block] && draft_->blocks[block] == blocks_[block];
}

bool FlatIndex::graph_is_due() const {
    const std::size_t fewest = graph_ ? plan_.shape.from_rows / 2 : plan_.shape.from_rows;
    if (!plan_.wanted || draft_ || rows_ < std::max<std::size_t>(fewest, 1)) return false;
    if (!drafted_) return searches_.load(std::memory_order_relaxed) >= plan_.after_searches;
    return std::max(news_, losses_) > std::max(rows_ / kChangedPart, kFewChanges);
}

bool FlatIndex::graph_fits() const {
    if (plan_.limit_bytes == 0) return true;
    std::size_t bytes = by_id_.bytes() + by_tag_.bytes() + RowGraph::most_bytes(format_, plan_.shape, rows_);
    for (const std::shared_ptr<RowBlock>& block : blocks_) bytes += block ? block->bytes() : 0;
    return bytes <= plan_.limit_bytes;
}

// What cannot be made now is tried again after as many changes.
std::shared_ptr<FlatIndex::GraphDraft> FlatIndex::new_draft() {
    drafted_ = true;
    news_ = losses_ = 0;
    if (!graph_fits()) {
        hide_graph();
        return nullptr;
    }
    auto draft = std::make_shared<GraphDraft>();
    draft->blocks = blocks_;
    draft->change = change_;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
        draft->covered.push_back(blocks_[i] ? blocks_[i]->rows() : 0);
        if (blocks_[i] && i != tail_ && blocks_[i]->crowded()) draft->crowded.push_back(i);
    }
    return draft;
}

void FlatIndex::make_graph_if_due() {
    if (graph_ && !draft_ && rows_ < plan_.shape.from_rows / 2) forget_graph();
    if (!graph_is_due()) return;
    try {
        if (maker_.joinable()) maker_.join();  // it made its graph, and waits for nothing any more
        std::shared_ptr<GraphDraft> draft = new_draft();
        if (!draft) return;
        const SignalsBlocked blocked;
        maker_ = std::thread([this, draft] { make_graphs(draft); });
        draft_ = std::move(draft);
    } catch (const std::bad_alloc&) {     // NOLINT(bugprone-empty-catch): searches look at all
    } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch)
    }
}

void FlatIndex::consider_graph() {
    const bool waits = plan_.wanted && plan_.after_searches > 0;
    if (!waits || searches_.load(std::memory_order_relaxed) < plan_.after_searches) return;
    if (!changes_.try_lock()) return;  // the next one, then
    make_graph_if_due();
    changes_.unlock();
}

void FlatIndex::hide_graph() {
    graph_ = nullptr;
    const MutexLock seen(seen_mutex_);
    seen_.graph = nullptr;
}

void FlatIndex::forget_graph() {
    hide_graph();
    if (draft_) draft_->given_up = true;
    drafted_ = false;
    news_ = losses_ = 0;
}

// What came while one was made may be so much that another is due.
void FlatIndex::make_graphs(std::shared_ptr<GraphDraft> draft) {
    while (draft) {
        std::shared_ptr<const BlockGraph> graph;
        try {
            graph = make_graph(*draft);
        } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): no memory; searches look at all
        }
        const MutexLock lock(changes_);
        draft_ = nullptr;
        try {
            if (graph && !draft->given_up) take_graph(*draft, std::move(graph));
            draft = graph_is_due() && !stopping_ ? new_draft() : nullptr;
        } catch (const std::bad_alloc&) {
            draft = nullptr;
        }
        draft_ = draft;
        made_.notify_all();
    }
}

std::shared_ptr<const FlatIndex::BlockGraph> FlatIndex::make_graph(GraphDraft& draft) const {
    const auto stop = [this, &draft] { return stopping_ || draft.given_up; };
    auto made = std::make_shared<BlockGraph>();
    std::vector<GraphPoint> points = points_of(draft);
    made->rows = points.size();
    made->covered = draft.covered;
    made->graph = RowGraph::build(format_, plan_.shape, std::move(points), stop);
    return made->graph ? made : nullptr;
}

std::vector<GraphPoint> FlatIndex::points_of(GraphDraft& draft) const {
    std::vector<GraphPoint> points;
    const auto add = [&](const RowBlock& block, std::size_t index, std::size_t row) {
        const float* const scale = block.scales(row);
        points.push_back({block.vector(row), scale == nullptr ? 1 : *scale, number(index, row)});
    };
    auto crowded = draft.crowded.begin();
    for (std::size_t index = 0; index < draft.blocks.size(); ++index) {
        if (!draft.blocks[index]) continue;
        const RowBlock& block = *draft.blocks[index];
        std::vector<std::uint32_t> alive;
        for (std::size_t row = 0; row < draft.covered[index]; ++row) {
            if (block.label(row).seen_at(draft.change)) alive.push_back(static_cast<std::uint32_t>(row));
        }
        if (crowded == draft.crowded.end() || *crowded != index) {
            for (const std::uint32_t row : alive) add(block, index, row);
            continue;
        }
        ++crowded;
        draft.covered[index] = alive.size();
        auto copy = alive.empty() ? nullptr : std::make_shared<RowBlock>(format_, alive.size());
        for (const std::uint32_t row : alive) add(*copy, index, copy->add_copy(block, row, 0));
        draft.copies.push_back({index, std::move(copy), std::move(alive)});
    }
    return points;
}

// The rows of the copies are born at the moment in which their old blocks are seen no more. A row's number in a copy is
// never higher than the one it had, so that no two rows have the same while they are renumbered in order.
void FlatIndex::take_graph(GraphDraft& draft, std::shared_ptr<const BlockGraph> graph) {
    auto blocks = std::make_shared<Blocks>(blocks_);
    for (const GraphDraft::Copy& copy : draft.copies) {
        const RowBlock& old = *draft.blocks[copy.block];
        for (std::size_t row = 0; row < copy.from.size(); ++row) {
            const RowLabel& was = old.label(copy.from[row]);
            RowLabel& now = copy.rows->label(row);
            now.born = change_ + 1;
            if (!was.alive()) {
                now.died.store(0, std::memory_order_relaxed);
                ++copy.rows->dead;
                continue;
            }
            const RowNumber from = number(copy.block, copy.from[row]), to = number(copy.block, row);
            by_id_.replace(static_cast<std::uint64_t>(now.id), from, to);
            if (now.note.tag != 0) by_tag_.replace(now.note.tag, from, to);
        }
        dead_ -= old.dead - (copy.rows ? copy.rows->dead : 0);
        (*blocks)[copy.block] = copy.rows;
        blocks_[copy.block] = copy.rows;
    }
    if (!draft.copies.empty()) ++change_;
    graph_ = std::move(graph);
    for (std::size_t block = 0; block < graph_->covered.size(); ++block) {
        if (graph_->covered[block] != 0 && blocks_[block]) blocks_[block]->set_copies(nullptr);
    }
    ++graphs_;
    const MutexLock lock(seen_mutex_);
    seen_.blocks = std::move(blocks);
    seen_.graph = graph_;
    seen_.change = change_;
}

}  // namespace stele
