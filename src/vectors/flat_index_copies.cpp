// How an index makes copies of its rows, and searches by them.
#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <utility>

#include "vectors/flat_index.hpp"

namespace stele {
namespace {

constexpr std::size_t kFewestRows = 4'096;  // of an index that has copies: looking at fewer takes 0.1 ms
constexpr std::size_t kAfterSearches = 8;   // take about as long as making copies of all
constexpr std::size_t kPartAtOnce = 32;     // of the blocks: a quarter of what the search took
// Of the rows: measured among 65,536 x 768, one by one as many take as long as all of them in order.
constexpr std::size_t kLargePart = 8;

/// Rows that may be among the k best, by what their copies say. Not synchronised.
class Shortlist {
public:
    struct Doubtful {
        const RowBlock* block;
        std::size_t row;
        float highest;
    };

    Shortlist(std::size_t k, float min_score) : lowest_(k, min_score) {}

    /// The k best, or all that are good enough, have scores of at least that.
    float floor() const noexcept { return lowest_.floor(); }
    std::size_t size() const noexcept { return rows_.size(); }

    void offer(const RowBlock& block, std::size_t row, float lowest, float highest) {
        if (lowest >= lowest_.floor()) lowest_.offer({block.label(row).id, lowest});
        rows_.push_back({&block, row, highest});
    }
    void drop_below(float score) {
        std::erase_if(rows_, [score](const Doubtful& row) { return row.highest < score; });
    }
    /// Before take(): puts them in order, as far as that needs.
    void sort() { std::make_heap(rows_.begin(), rows_.end(), worse); }
    /// The row with the best chance. Precondition: sort(), and none was offered since.
    Doubtful take() {
        std::pop_heap(rows_.begin(), rows_.end(), worse);
        const Doubtful row = rows_.back();
        rows_.pop_back();
        return row;
    }

private:
    static bool worse(const Doubtful& a, const Doubtful& b) { return a.highest < b.highest; }

    BestMatches lowest_;
    std::vector<Doubtful> rows_;
};

// Blocks to which rows are added have none.
bool may_have_copies(const RowBlock& block) {
    return block.rows() == block.capacity();
}

// False: there is no memory, so searches look at its rows.
bool copy(RowBlock& block, const RowFormat& format) {
    try {
        block.set_copies(std::make_shared<const RowCopies>(format, block.vector(0), block.rows()));
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

}  // namespace

bool FlatIndex::copies_help(const Seen& seen) const noexcept {
    return copied_ && !seen.graph && seen.rows >= kFewestRows;
}

void FlatIndex::search_copies(const Seen& seen, std::span<const float> unit, const RowQuery& query, std::size_t k,
                              BestMatches& best) const {
    const CopyQuery by_copies(format_, unit);
    Shortlist list(k, best.floor());
    std::vector<const RowBlock*> listed;
    std::size_t rows = 0;
    bool pays = by_copies.usable(), uncopied = false;
    std::array<float, kRowsAtOnce> lowest, highest;
    for (const std::shared_ptr<RowBlock>& block : *seen.blocks) {
        if (!block) continue;
        const std::shared_ptr<const RowCopies> copies = block->copies();
        uncopied = uncopied || (!copies && may_have_copies(*block));
        if (!pays || !copies) {
            look_at(*block, 0, seen, query, best);
            continue;
        }
        for (std::size_t first = 0; first < copies->rows(); first += kRowsAtOnce) {
            const std::size_t count = std::min(kRowsAtOnce, copies->rows() - first);
            copies->bounds(by_copies, first, std::span(lowest).first(count), std::span(highest).first(count));
            for (std::size_t i = 0; i < count; ++i) {
                if (highest[i] < list.floor() || !block->label(first + i).seen_at(seen.change)) continue;
                list.offer(*block, first + i, lowest[i], highest[i]);
            }
        }
        listed.push_back(block.get());
        rows += copies->rows();
        list.drop_below(std::max(list.floor(), best.floor()));
        pays = rows < kFewestRows || list.size() <= rows / kLargePart;
    }
    if (uncopied && pays) uncopied_.fetch_add(1, std::memory_order_relaxed);
    if (!pays) {
        for (const RowBlock* const block : listed) look_at(*block, 0, seen, query, best);
        return;
    }
    std::size_t refined = 0;
    for (list.sort(); list.size() != 0; ++refined) {
        const Shortlist::Doubtful next = list.take();
        if (next.highest < best.floor()) break;
        float score = 0;
        query.score(next.block->vector(next.row), nullptr, {&score, 1});
        if (!(score >= best.floor())) continue;
        const RowLabel& label = next.block->label(next.row);
        best.offer({label.id, score, label.note});
    }
    refined_.fetch_add(refined, std::memory_order_relaxed);
}

std::size_t FlatIndex::make_copies(std::size_t most_bytes) {
    if (uncopied_.load(std::memory_order_relaxed) < kAfterSearches || copying_.test_and_set()) return 0;
    std::size_t made = 0, bytes = 0;
    const Seen seen = look();
    bool all = true;
    const std::size_t most = copies_help(seen) ? (seen.blocks->size() + kPartAtOnce - 1) / kPartAtOnce : 0;
    for (const std::shared_ptr<RowBlock>& block : *seen.blocks) {
        if (!block || !may_have_copies(*block) || block->copies()) continue;
        const std::size_t more = RowCopies::bytes_of(format_, block->rows());
        all = made < most && bytes + more <= most_bytes && copy(*block, format_);
        if (!all) break;
        bytes += more;
        ++made;
    }
    if (look().graph) {  // made meanwhile
        drop_copies(std::numeric_limits<std::size_t>::max());
        bytes = 0;
    }
    if (all) uncopied_ = kAfterSearches - 1;  // until one meets a block without again
    copying_.clear();
    return bytes;
}

void FlatIndex::drop_copies(std::size_t bytes) {
    const Seen seen = look();
    std::size_t free = 0;
    for (const std::shared_ptr<RowBlock>& block : *seen.blocks) {
        if (free >= bytes) return;
        if (!block) continue;
        if (const auto copies = block->set_copies(nullptr)) free += copies->bytes();
    }
}

}  // namespace stele
