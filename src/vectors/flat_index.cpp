#include "vectors/flat_index.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <new>
#include <utility>

#include "base/result.hpp"

namespace stele {
namespace {

// Transparent huge pages are not asked for: measured at 100k x 768, a scan is no faster with them.
constexpr std::size_t kBlockBytes = std::size_t{4} << 20;
constexpr std::size_t kSmallestBlockRows = 16;

using Blocks = std::vector<std::shared_ptr<RowBlock>>;

auto ids_of(const Blocks& blocks, std::size_t rows_per_block) {
    return [&blocks, rows_per_block](RowNumber row) {
        return static_cast<std::uint64_t>(blocks[row / rows_per_block]->label(row % rows_per_block).id);
    };
}
auto tags_of(const Blocks& blocks, std::size_t rows_per_block) {
    return [&blocks, rows_per_block](RowNumber row) {
        return blocks[row / rows_per_block]->label(row % rows_per_block).note.tag;
    };
}

}  // namespace

FlatIndex::FlatIndex(std::size_t dimension, VectorFormat format, GraphPlan plan)
    : format_(format, dimension),
      rows_per_block_(std::max(kBlockBytes / format_.stride(), kSmallestBlockRows)),
      plan_(std::move(plan)),
      search_breadth_(plan_.shape.search_breadth),
      copied_(RowCopies::worth_while(format_)) {
    seen_.blocks = std::make_shared<const Blocks>();
}

void FlatIndex::upsert(std::int64_t id, std::span<const float> unit, const RowNote& note) {
    check_dimension(unit.size());
    const MutexLock lock(changes_);
    const auto ids = ids_of(blocks_, rows_per_block_);
    const auto tags = tags_of(blocks_, rows_per_block_);
    by_id_.make_room(ids);
    if (note.tag != 0) by_tag_.make_room(tags);
    if (tail_ == kNone || blocks_[tail_]->room() == 0) tail_ = add_block();

    const RowNumber same_id = by_id_.find(static_cast<std::uint64_t>(id), ids);
    const RowNumber same_tag = note.tag == 0 ? kNoRow : by_tag_.find(note.tag, tags);
    RowBlock& block = *blocks_[tail_];
    const std::size_t at = block.add(id, note, change_ + 1, unit);
    if (const float* const scale = block.scales(at)) largest_scale_ = std::max(largest_scale_, *scale);

    const std::size_t first = same_id == kNoRow ? kNone : bury(same_id, change_ + 1);
    const std::size_t second = same_tag == kNoRow || same_tag == same_id ? kNone : bury(same_tag, change_ + 1);
    const RowNumber row = number(tail_, at);
    by_id_.insert(static_cast<std::uint64_t>(id), row);
    if (note.tag != 0) by_tag_.insert(note.tag, row);
    ++rows_;
    ++news_;
    ++change_;
    show(false);
    if (first != kNone) evacuate_if_dead(first);
    if (second != kNone) evacuate_if_dead(second);
    make_graph_if_due();
}

bool FlatIndex::remove(std::int64_t id) {
    const MutexLock lock(changes_);
    const RowNumber row = by_id_.find(static_cast<std::uint64_t>(id), ids_of(blocks_, rows_per_block_));
    if (row == kNoRow) return false;
    const std::size_t block = bury(row, change_);
    show(false);
    evacuate_if_dead(block);
    make_graph_if_due();
    return true;
}

void FlatIndex::clear() {
    const MutexLock lock(changes_);
    auto none = std::make_shared<const Blocks>();
    blocks_.clear();
    by_id_ = {};
    by_tag_ = {};
    tail_ = kNone;
    rows_ = dead_ = 0;
    forget_graph();
    const MutexLock seen(seen_mutex_);
    seen_ = {std::move(none), nullptr, change_, 0, largest_scale_};
}

std::size_t FlatIndex::compact() {
    std::size_t reclaimed = 0;
    const auto clean = [&](std::size_t block) STELE_REQUIRES(changes_) {
        if (!blocks_[block] || blocks_[block]->dead == 0 || pinned(block)) return;
        reclaimed += blocks_[block]->dead;
        evacuate(block);
    };
    {
        const MutexLock lock(changes_);
        if (tail_ != kNone) clean(tail_);  // rows of the others move there
    }
    // others may change it in between
    for (std::size_t block = 0;; ++block) {
        const MutexLock lock(changes_);
        if (block >= blocks_.size()) break;
        clean(block);
    }
    const MutexLock lock(changes_);
    by_id_.fit(ids_of(blocks_, rows_per_block_));
    by_tag_.fit(tags_of(blocks_, rows_per_block_));
    return reclaimed;
}

std::optional<RowNote> FlatIndex::note(std::int64_t id) const {
    const MutexLock lock(changes_);
    const RowNumber row = by_id_.find(static_cast<std::uint64_t>(id), ids_of(blocks_, rows_per_block_));
    if (row == kNoRow) return std::nullopt;
    return blocks_[row / rows_per_block_]->label(row % rows_per_block_).note;
}

std::optional<std::int64_t> FlatIndex::find(std::uint64_t tag) const {
    const MutexLock lock(changes_);
    const RowNumber row = by_tag_.find(tag, tags_of(blocks_, rows_per_block_));
    if (row == kNoRow) return std::nullopt;
    return blocks_[row / rows_per_block_]->label(row % rows_per_block_).id;
}

std::vector<Match> FlatIndex::search(std::span<const float> unit_query, std::size_t k, float min_score) const {
    check_dimension(unit_query.size());
    const Seen seen = look();
    k = std::min(k, seen.rows);
    if (k == 0) return {};

    const RowQuery query(format_, unit_query);
    BestMatches best(k, min_score - query.margin(seen.largest_scale));
    const bool by_graph = seen.graph && search_graph(seen, query, k, best);
    if (!seen.graph && seen.rows >= plan_.shape.from_rows) searches_.fetch_add(1, std::memory_order_relaxed);
    if (!by_graph && copies_help(seen)) {
        search_copies(seen, unit_query, query, k, best);
        return std::move(best).take();
    }
    for (std::size_t at = 0; at < seen.blocks->size(); ++at) {
        const RowBlock* const block = (*seen.blocks)[at].get();
        if (block == nullptr) continue;
        look_at(*block, by_graph && at < seen.graph->covered.size() ? seen.graph->covered[at] : 0, seen, query, best);
    }
    return std::move(best).take();
}

void FlatIndex::look_at(const RowBlock& block, std::size_t first, const Seen& seen, const RowQuery& query,
                        BestMatches& best) const {
    std::array<float, kRowsAtOnce> scores;
    const std::size_t rows = block.rows();
    for (; first < rows; first += kRowsAtOnce) {
        const std::size_t count = std::min(kRowsAtOnce, rows - first);
        query.score(block.vector(first), block.scales(first), std::span(scores).first(count));
        for (std::size_t i = 0; i < count; ++i) {
            if (!(scores[i] >= best.floor())) continue;
            const RowLabel& label = block.label(first + i);
            if (label.seen_at(seen.change)) best.offer({label.id, scores[i], label.note});
        }
    }
}

FlatIndex::Usage FlatIndex::usage() const {
    const MutexLock lock(changes_);
    Usage usage;
    usage.rows = rows_;
    usage.tombstones = dead_;
    usage.changes = change_;
    for (const std::shared_ptr<RowBlock>& block : blocks_) {
        if (!block) continue;
        usage.capacity += block->capacity();
        usage.vector_bytes += block->vector_bytes();
        usage.bytes += block->bytes();
        if (const auto copies = block->copies()) usage.copy_bytes += copies->bytes();
    }
    usage.bytes += usage.copy_bytes;
    usage.refined = refined_.load(std::memory_order_relaxed);
    usage.bytes += by_id_.bytes() + by_tag_.bytes();
    usage.graphs = graphs_;
    if (graph_) {
        usage.graph_rows = graph_->rows;
        usage.graph_bytes = graph_->graph->bytes() + graph_->covered.size() * sizeof(std::size_t);
        usage.bytes += usage.graph_bytes;
    }
    return usage;
}

std::vector<std::span<const std::byte>> FlatIndex::memory() const {
    const Seen seen = look();
    std::vector<std::span<const std::byte>> all;
    for (const std::shared_ptr<RowBlock>& block : *seen.blocks) {
        if (block) all.emplace_back(block->vector(0), block->rows() * format_.stride());
    }
    return all;
}

FlatIndex::Picture FlatIndex::picture() const {
    const Seen seen = look();
    Picture picture;
    picture.blocks_ = seen.blocks;
    picture.change_ = seen.change;
    return picture;
}

void FlatIndex::Picture::each(const Row& row) const {
    for (const std::shared_ptr<RowBlock>& block : *blocks_) {
        if (!block) continue;
        const std::size_t rows = block->rows();
        for (std::size_t i = 0; i < rows; ++i) {
            const RowLabel& label = block->label(i);
            if (!label.seen_at(change_)) continue;
            const float* const scale = block->scales(i);
            row({label.id, label.note.tag, label.note.version, scale == nullptr ? 1 : *scale}, block->vector(i));
        }
    }
}

bool FlatIndex::adopt(std::shared_ptr<const void> owner, const std::byte* vectors, std::span<const StoredRow> rows) {
    const MutexLock lock(changes_);
    if (rows_ + dead_ != 0) return false;
    Blocks blocks;
    RowTable by_id, by_tag;
    float largest_scale = largest_scale_;
    for (std::size_t first = 0; first < rows.size(); first += rows_per_block_) {
        const auto some = rows.subspan(first, std::min(rows_per_block_, rows.size() - first));
        blocks.push_back(
            std::make_shared<RowBlock>(format_, owner, vectors + first * format_.stride(), some, change_ + 1));
        const auto ids = ids_of(blocks, rows_per_block_);
        const auto tags = tags_of(blocks, rows_per_block_);
        for (std::size_t i = 0; i < some.size(); ++i) {
            const auto id = static_cast<std::uint64_t>(some[i].id);
            const RowNumber row = number(blocks.size() - 1, i);
            if (by_id.find(id, ids) != kNoRow) return false;
            by_id.make_room(ids);
            by_id.insert(id, row);
            if (format_.scaled()) largest_scale = std::max(largest_scale, some[i].scale);
            if (some[i].tag == 0) continue;
            if (by_tag.find(some[i].tag, tags) != kNoRow) return false;
            by_tag.make_room(tags);
            by_tag.insert(some[i].tag, row);
        }
    }
    forget_graph();
    blocks_ = std::move(blocks);
    by_id_ = std::move(by_id);
    by_tag_ = std::move(by_tag);
    tail_ = kNone;
    rows_ = rows.size();
    largest_scale_ = largest_scale;
    news_ += rows_;
    ++change_;
    show(true);
    make_graph_if_due();
    return true;
}

FlatIndex::Seen FlatIndex::look() const {
    const MutexLock lock(seen_mutex_);
    return seen_;
}

void FlatIndex::show(bool blocks) {
    auto others = blocks ? std::make_shared<const Blocks>(blocks_) : nullptr;
    const MutexLock lock(seen_mutex_);
    if (blocks) seen_.blocks.swap(others);  // the old ones go after the lock
    seen_.change = change_;
    seen_.rows = rows_;
    seen_.largest_scale = largest_scale_;
}

// Small ones first, so that a small index is small: together they double each time.
std::size_t FlatIndex::add_block() {
    std::size_t at = 0;
    while (at < blocks_.size() && blocks_[at]) ++at;
    if ((at + 1) * rows_per_block_ >= kNoRow) {
        raise(ErrorCode::limit_exceeded,
              fmt::format("an index holds {} rows at most; split what it is for", kNoRow - 1));
    }
    const std::size_t rows = std::clamp(std::bit_ceil(rows_), kSmallestBlockRows, rows_per_block_);
    auto block = std::make_shared<RowBlock>(format_, rows);
    if (at == blocks_.size()) {
        blocks_.push_back(std::move(block));
    } else {
        blocks_[at] = std::move(block);
    }
    try {
        show(true);
    } catch (...) {
        blocks_[at].reset();
        throw;
    }
    return at;
}

std::size_t FlatIndex::bury(RowNumber row, std::uint64_t change) {
    const std::size_t at = row / rows_per_block_;
    RowLabel& label = blocks_[at]->label(row % rows_per_block_);
    by_id_.erase(static_cast<std::uint64_t>(label.id), row, ids_of(blocks_, rows_per_block_));
    if (label.note.tag != 0) by_tag_.erase(label.note.tag, row, tags_of(blocks_, rows_per_block_));
    label.died.store(change, std::memory_order_relaxed);
    ++blocks_[at]->dead;
    ++dead_;
    ++losses_;
    --rows_;
    return at;
}

// Its rows are born again elsewhere at the moment in which the block is seen no more.
void FlatIndex::evacuate(std::size_t index) {
    const std::shared_ptr<RowBlock> old = blocks_[index];
    const std::size_t moving = old->rows() - old->dead;
    if (tail_ == index) tail_ = kNone;
    // as many rows fit into a new one as there are in all, or as into any
    const std::size_t more = moving > (tail_ == kNone ? 0 : blocks_[tail_]->room()) ? add_block() : kNone;
    auto blocks = std::make_shared<Blocks>(blocks_);
    (*blocks)[index].reset();

    for (std::size_t i = 0; i < old->rows(); ++i) {
        const RowLabel& label = old->label(i);
        if (!label.alive()) continue;
        if (tail_ == kNone || blocks_[tail_]->room() == 0) tail_ = more;
        const RowNumber to = number(tail_, blocks_[tail_]->add_copy(*old, i, change_ + 1));
        by_id_.replace(static_cast<std::uint64_t>(label.id), number(index, i), to);
        if (label.note.tag != 0) by_tag_.replace(label.note.tag, number(index, i), to);
    }
    dead_ -= old->dead;
    blocks_[index].reset();
    ++change_;
    const MutexLock lock(seen_mutex_);
    seen_.blocks = std::move(blocks);
    seen_.change = change_;
}

void FlatIndex::evacuate_if_dead(std::size_t index) {
    const RowBlock* const block = blocks_[index].get();
    if (block == nullptr || !block->crowded() || pinned(index)) return;
    try {
        evacuate(index);
    } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): they go with a later one
    }
}

void FlatIndex::check_dimension(std::size_t given) const {
    if (given == dimension()) return;
    raise(ErrorCode::dimension_mismatch,
          fmt::format("the vector index holds vectors of {} values and was given one of {}", dimension(), given));
}

}  // namespace stele
