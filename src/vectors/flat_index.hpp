// An index in memory: every search looks at every row, at the speed of memory, or follows a graph over most of them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/mutex.hpp"
#include "vectors/best_matches.hpp"
#include "vectors/row_block.hpp"
#include "vectors/row_format.hpp"
#include "vectors/row_graph.hpp"
#include "vectors/row_table.hpp"

namespace stele {

/// Whether an index has a graph, and of what shape.
struct GraphPlan {
    bool wanted = false;
    GraphOptions shape{};
    std::size_t limit_bytes = 0;  ///< none is made with which the index would take more; 0: no limit
    /// The first one is made once so many searches looked at every row.
    std::size_t after_searches = 0;
};

/// What SemanticCacheOptions say of vectors in that format.
GraphPlan graph_plan(IndexBackend backend, const GraphOptions& shape, VectorFormat format, std::size_t limit_bytes);

/// Unit vectors of one dimension, by id. Thread-safe: changes exclude one another, and nobody who searches waits for
/// them. A search sees the index as it was at its start: of a row that is replaced meanwhile the old vector or the new
/// one, never both or none; it keeps what it looks at alive.
///
/// Rows lie in blocks of about 4 MB that never move. A row that is removed, or replaced by another, stays as a
/// tombstone until its block holds too many of them: then whoever removed the last one moves the block's other rows and
/// gives it back. So no more than an eighth of what a search reads is dead, beside some rows of a small index.
///
/// By plan a thread of its own makes a graph over its rows once there are so many (and so many searches that looked at
/// all of them), and another one in its place when a tenth of them are new, or dead. A search then follows the graph,
/// scores what it finds there as ever, and looks at every row that came since; it looks at all where more is asked for
/// than a graph is good at. The blocks of a graph stay where they are until the next one is made, over copies of the
/// blocks of which an eighth is dead.
///
/// Where searches look at many rows of float32, make_copies() gives full blocks copies of a quarter of their size
/// (RowCopies). A search reads those, and then only the rows that may be among the best: what it finds, and each score,
/// is exactly what it would be without them. Where too many may be, it looks at all rows. Copies go with their
/// block, and when a graph is made of it.
///
/// Wrong lengths and dimensions throw Error(invalid_argument) and Error(dimension_mismatch).
class FlatIndex {
public:
    /// Throws Error(invalid_argument) for dimension 0.
    explicit FlatIndex(std::size_t dimension, VectorFormat format = VectorFormat::float32, GraphPlan plan = {});
    /// Waits for a graph that is being made to be given up, which takes milliseconds, with a million rows up to
    /// a second.
    ~FlatIndex();
    FlatIndex(const FlatIndex&) = delete;
    FlatIndex& operator=(const FlatIndex&) = delete;

    /// Adds the vector, in place of those with that id and with that tag. If memory runs out (std::bad_alloc) nothing
    /// has changed.
    void upsert(std::int64_t id, std::span<const float> unit, const RowNote& note = {}) STELE_EXCLUDES(changes_);
    /// Says whether the id was there.
    bool remove(std::int64_t id) STELE_EXCLUDES(changes_);
    void clear() STELE_EXCLUDES(changes_);
    /// Gives back what tombstones take, and says how many there were. Takes up to the room of a block meanwhile;
    /// between two blocks others may change it. Those in blocks of a graph stay.
    std::size_t compact() STELE_EXCLUDES(changes_);

    bool contains(std::int64_t id) const { return note(id).has_value(); }
    std::optional<RowNote> note(std::int64_t id) const STELE_EXCLUDES(changes_);
    /// The id of the row with that tag.
    std::optional<std::int64_t> find(std::uint64_t tag) const STELE_EXCLUDES(changes_);

    /// The at most k best rows with score >= min_score, best first; equal scores by lower id. Scores of other formats
    /// than float32 are a little off, and so are those of the best; rows are found, too, whose score is too low by no
    /// more than that (RowQuery::margin). By a graph nearly all of these.
    std::vector<Match> search(std::span<const float> unit_query, std::size_t k, float min_score) const;
    /// After a search: whether it was the one that makes a graph worth while. Waits for nobody.
    void consider_graph() STELE_EXCLUDES(changes_);

    /// Waits for the graph that is being made, if one is.
    void wait_for_graph() const STELE_EXCLUDES(changes_);
    /// After a search: makes copies of some of the blocks that searches look at, as long as they take no more than
    /// that many bytes; of a few blocks, as whoever searched waits for it. None while another thread does,
    /// while few have searched, or where there are few rows. Says how many bytes were taken.
    std::size_t make_copies(std::size_t most_bytes);
    /// Gives copies up until so many bytes are free, or all are.
    void drop_copies(std::size_t bytes);

    /// In place of GraphOptions::search_breadth.
    void set_search_breadth(std::size_t breadth) noexcept { search_breadth_ = breadth; }
    /// Searches look at every row from now on, until a tenth of them came or went and by plan another graph is made.
    void drop_graph() STELE_EXCLUDES(changes_);

    const RowFormat& row_format() const noexcept { return format_; }
    std::size_t dimension() const noexcept { return format_.dimension(); }
    VectorFormat format() const noexcept { return format_.format(); }

    struct Usage {
        std::size_t rows = 0, tombstones = 0;
        std::size_t capacity = 0;      ///< rows that fit into the blocks there are
        std::size_t vector_bytes = 0;  ///< of the blocks: capacity rows, each padded to a multiple of 64 bytes
        std::size_t bytes = 0;         ///< with what else is kept, without what lies in somebody else's memory
        std::size_t graph_rows = 0;    ///< rows that a graph was made of, some of which are dead by now
        std::size_t graph_bytes = 0;   ///< of it, among the bytes
        std::size_t graphs = 0;        ///< made so far
        std::size_t copy_bytes = 0;    ///< of copies, among the bytes
        std::size_t refined = 0;       ///< rows that searches read after their copies
        std::uint64_t changes = 0;     ///< since it was made; removals are not counted
    };
    Usage usage() const STELE_EXCLUDES(changes_);
    std::size_t size() const { return usage().rows; }

    /// What a search would look at; further changes do not show. Thread-safe. Keeps the rows alive.
    class Picture {
    public:
        /// `vector`: as it lies in a row.
        using Row = std::function<void(const StoredRow& row, const std::byte* vector)>;
        void each(const Row& row) const;

    private:
        friend class FlatIndex;
        std::shared_ptr<const std::vector<std::shared_ptr<RowBlock>>> blocks_;
        std::uint64_t change_ = 0;
    };
    Picture picture() const;
    /// Takes rows over whose vectors lie in somebody's memory one after the other, each as RowFormat has it, aligned to
    /// 64 bytes. False, and nothing was done: there are rows already, or two of these have an id or a tag in common.
    bool adopt(std::shared_ptr<const void> owner, const std::byte* vectors, std::span<const StoredRow> rows)
        STELE_EXCLUDES(changes_);

    /// The rows of each block, dead ones among them. For measuring, while nobody changes the index.
    std::vector<std::span<const std::byte>> memory() const;

private:
    using Blocks = std::vector<std::shared_ptr<RowBlock>>;  // null: given back
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    static constexpr std::size_t kRowsAtOnce = 256;  // scores kept on the stack between the kernel and the selection
    /// A graph over the first rows of some blocks. Where one is seen, so are these blocks.
    struct BlockGraph {
        std::unique_ptr<const RowGraph> graph;
        std::vector<std::size_t> covered;  // rows of each block
        std::size_t rows = 0;
    };
    /// What one is to be made of, and which blocks it comes with: none moves meanwhile.
    struct GraphDraft {
        Blocks blocks;
        std::uint64_t change = 0;
        std::vector<std::size_t> covered;
        std::vector<std::size_t> crowded;  // blocks of which copies are made, without their dead
        struct Copy {
            std::size_t block;
            std::shared_ptr<RowBlock> rows;  // null: all were dead
            std::vector<std::uint32_t> from;
        };
        std::vector<Copy> copies;
        std::atomic<bool> given_up{false};
    };
    /// What a search looks at.
    struct Seen {
        std::shared_ptr<const Blocks> blocks;
        std::shared_ptr<const BlockGraph> graph;  // null: there is none
        std::uint64_t change = 0;
        std::size_t rows = 0;
        float largest_scale = 0;  // of any row that was ever added
    };

    Seen look() const STELE_EXCLUDES(seen_mutex_);
    /// From now on searches see it; `blocks`: these are others.
    void show(bool blocks) STELE_REQUIRES(changes_) STELE_EXCLUDES(seen_mutex_);
    std::size_t add_block() STELE_REQUIRES(changes_);
    /// Returns the block in which it lies.
    std::size_t bury(RowNumber row, std::uint64_t change) STELE_REQUIRES(changes_);
    void evacuate(std::size_t block) STELE_REQUIRES(changes_);
    void evacuate_if_dead(std::size_t block) STELE_REQUIRES(changes_);
    /// Offers the rows from the `first` on.
    void look_at(const RowBlock& block, std::size_t first, const Seen& seen, const RowQuery& query,
                 BestMatches& best) const;
    /// As the same of all rows of all blocks.
    void search_copies(const Seen& seen, std::span<const float> unit, const RowQuery& query, std::size_t k,
                       BestMatches& best) const;
    bool copies_help(const Seen& seen) const noexcept;
    /// False: the graph is of no use for this, and nothing was offered.
    bool search_graph(const Seen& seen, const RowQuery& query, std::size_t k, BestMatches& best) const;

    /// A graph is made of it, or is to be.
    bool pinned(std::size_t block) const STELE_REQUIRES(changes_);
    bool graph_is_due() const STELE_REQUIRES(changes_);
    bool graph_fits() const STELE_REQUIRES(changes_);
    /// Null: a graph would take too much memory.
    std::shared_ptr<GraphDraft> new_draft() STELE_REQUIRES(changes_);
    void make_graph_if_due() STELE_REQUIRES(changes_);
    void hide_graph() STELE_REQUIRES(changes_) STELE_EXCLUDES(seen_mutex_);
    void forget_graph() STELE_REQUIRES(changes_) STELE_EXCLUDES(seen_mutex_);
    // what the thread does
    void make_graphs(std::shared_ptr<GraphDraft> draft) STELE_EXCLUDES(changes_);
    /// Null: it was told to stop.
    std::shared_ptr<const BlockGraph> make_graph(GraphDraft& draft) const;
    std::vector<GraphPoint> points_of(GraphDraft& draft) const;
    void take_graph(GraphDraft& draft, std::shared_ptr<const BlockGraph> graph) STELE_REQUIRES(changes_);
    RowNumber number(std::size_t block, std::size_t row) const noexcept {
        return static_cast<RowNumber>(block * rows_per_block_ + row);
    }
    void check_dimension(std::size_t given) const;

    const RowFormat format_;
    const std::size_t rows_per_block_;
    const GraphPlan plan_;
    std::atomic<std::size_t> search_breadth_;
    mutable std::atomic<std::size_t> searches_{0};  // of as many rows as a graph is made of, without one

    const bool copied_;                             // copies pay
    mutable std::atomic<std::size_t> uncopied_{0};  // searches that met blocks without
    mutable std::atomic<std::size_t> refined_{0};
    std::atomic_flag copying_;  // somebody makes some

    mutable Mutex changes_;  // of who changes
    Blocks blocks_ STELE_GUARDED_BY(changes_);
    std::size_t tail_ STELE_GUARDED_BY(changes_) = kNone;  // the block to which rows are added
    RowTable by_id_ STELE_GUARDED_BY(changes_), by_tag_ STELE_GUARDED_BY(changes_);
    std::uint64_t change_ STELE_GUARDED_BY(changes_) = 0;
    std::size_t rows_ STELE_GUARDED_BY(changes_) = 0, dead_ STELE_GUARDED_BY(changes_) = 0;
    float largest_scale_ STELE_GUARDED_BY(changes_) = 0;

    std::shared_ptr<const BlockGraph> graph_ STELE_GUARDED_BY(changes_);
    std::shared_ptr<GraphDraft> draft_ STELE_GUARDED_BY(changes_);  // null: no graph is being made
    std::size_t news_ STELE_GUARDED_BY(changes_) = 0;               // rows added since the last draft
    std::size_t losses_ STELE_GUARDED_BY(changes_) = 0;             // rows that died since
    bool drafted_ STELE_GUARDED_BY(changes_) = false;
    std::size_t graphs_ STELE_GUARDED_BY(changes_) = 0;
    std::thread maker_ STELE_GUARDED_BY(changes_);
    mutable Condition made_;
    std::atomic<bool> stopping_{false};

    mutable Mutex seen_mutex_;  // after changes_; for as long as it takes to copy a pointer
    Seen seen_ STELE_GUARDED_BY(seen_mutex_);
};

}  // namespace stele
