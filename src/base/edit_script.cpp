#include "base/edit_script.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace stele {
namespace {

using Index = std::ptrdiff_t;

/// Those elements of a sequence that the other one has too, and where they were.
struct Shared {
    std::vector<std::size_t> values;
    std::vector<std::size_t> places;
};

/// A part of both sequences: a rectangle in the paper's edit graph, x in the first and y in the second.
struct Box {
    Index left, right, top, bottom;
};
struct Point {
    Index x, y;
};

class Search {
public:
    Search(const Shared& before, const Shared& after, EditScript& script)
        : before_(before), after_(after), script_(script) {
        const std::size_t diagonals = before.values.size() + after.values.size() + 3;
        forward_.resize(diagonals);
        backward_.resize(diagonals);
        origin_ = static_cast<Index>(after.values.size()) + 1;
    }

    void run() {
        open_.push_back({0, std::ssize(before_.values), 0, std::ssize(after_.values)});
        while (!open_.empty()) {
            const Box box = without_common_ends(open_.back());
            open_.pop_back();
            if (box.left == box.right || box.top == box.bottom) {
                for (Index x = box.left; x < box.right; ++x) script_.removed[before_.places[at(x)]] = true;
                for (Index y = box.top; y < box.bottom; ++y) script_.added[after_.places[at(y)]] = true;
                continue;
            }
            const Point middle = middle_of(box);
            open_.push_back({box.left, middle.x, box.top, middle.y});
            open_.push_back({middle.x, box.right, middle.y, box.bottom});
        }
    }

private:
    static std::size_t at(Index index) { return static_cast<std::size_t>(index); }
    Index& furthest(std::vector<Index>& reached, Index diagonal) const { return reached[at(diagonal + origin_)]; }
    bool equal(Index x, Index y) const { return before_.values[at(x)] == after_.values[at(y)]; }

    Box without_common_ends(Box box) const {
        while (box.left < box.right && box.top < box.bottom && equal(box.left, box.top)) ++box.left, ++box.top;
        while (box.left < box.right && box.top < box.bottom && equal(box.right - 1, box.bottom - 1)) {
            --box.right;
            --box.bottom;
        }
        return box;
    }

    /// The diagonals that a search has reached after some steps, every other one of them from first to last.
    struct Range {
        Index first, last;
        bool holds(Index diagonal) const { return first <= diagonal && diagonal <= last; }
        /// One step more, with guards beside its ends that nobody prefers.
        void widen(const Box& box, Index guard, std::vector<Index>& reached, Index origin) {
            if (first > box.left - box.bottom) {
                reached[at(--first - 1 + origin)] = guard;
            } else {
                ++first;
            }
            if (last < box.right - box.top) {
                reached[at(++last + 1 + origin)] = guard;
            } else {
                --last;
            }
        }
    };

    /// A point on a shortest path through the box, found from both corners at once; neither corner itself.
    Point middle_of(const Box& box) {
        Range ahead{box.left - box.top, box.left - box.top};
        Range back{box.right - box.bottom, box.right - box.bottom};
        const bool odd = ((ahead.first - back.first) & 1) != 0;
        furthest(forward_, ahead.first) = box.left;
        furthest(backward_, back.first) = box.right;
        for (Index steps = 1;; ++steps) {
            ahead.widen(box, -1, forward_, origin_);
            for (Index k = ahead.last; k >= ahead.first; k -= 2) {
                Index x = std::max(furthest(forward_, k - 1) + 1, furthest(forward_, k + 1));
                while (x < box.right && x - k < box.bottom && equal(x, x - k)) ++x;
                furthest(forward_, k) = x;
                if (odd && back.holds(k) && furthest(backward_, k) <= x) return {x, x - k};
            }
            back.widen(box, kNever, backward_, origin_);
            for (Index k = back.last; k >= back.first; k -= 2) {
                Index x = std::min(furthest(backward_, k - 1), furthest(backward_, k + 1) - 1);
                while (x > box.left && x - k > box.top && equal(x - 1, x - k - 1)) --x;
                furthest(backward_, k) = x;
                if (!odd && ahead.holds(k) && x <= furthest(forward_, k)) return {x, x - k};
            }
            if (steps >= kMaxSearch) return best_so_far(box, ahead, back);
        }
    }

    Point best_so_far(const Box& box, const Range& ahead, const Range& back) {
        Point from_start{box.left, box.top}, from_end{box.right, box.bottom};
        for (Index k = ahead.first; k <= ahead.last; k += 2) {
            const Index x = std::min({furthest(forward_, k), box.right, box.bottom + k});
            if (2 * x - k > from_start.x + from_start.y) from_start = {x, x - k};
        }
        for (Index k = back.first; k <= back.last; k += 2) {
            const Index x = std::max({furthest(backward_, k), box.left, box.top + k});
            if (2 * x - k < from_end.x + from_end.y) from_end = {x, x - k};
        }
        const Index gone = from_start.x + from_start.y - box.left - box.top;
        return gone >= box.right + box.bottom - from_end.x - from_end.y ? from_start : from_end;
    }

    static constexpr Index kNever = std::numeric_limits<Index>::max();

    const Shared& before_;
    const Shared& after_;
    EditScript& script_;
    std::vector<Index> forward_,
        backward_;      // for each diagonal x - y: the x that is furthest from that search's corner
    Index origin_ = 0;  // of diagonal 0
    std::vector<Box> open_;
};

Shared shared_with(std::span<const std::size_t> mine, std::span<const std::size_t> other, std::vector<bool>& alone) {
    const std::size_t highest = other.empty() ? 0 : *std::max_element(other.begin(), other.end()) + 1;
    std::vector<bool> known(highest);
    for (const std::size_t value : other) known[value] = true;
    Shared shared;
    for (std::size_t i = 0; i < mine.size(); ++i) {
        if (mine[i] < highest && known[mine[i]]) {
            shared.values.push_back(mine[i]);
            shared.places.push_back(i);
        } else {
            alone[i] = true;
        }
    }
    return shared;
}

/// After how many common elements there are changes of this sequence.
std::vector<bool> places_of(const std::vector<bool>& changed) {
    std::vector<bool> places(1);
    for (const bool change : changed) {
        if (change) {
            places.back() = true;
        } else {
            places.push_back(false);
        }
    }
    return places;
}

/// A run of changes may also be read one element later when what follows it equals its first one: [a b] a is a [b a].
/// Each is moved to the front as far as it goes, and from there to the end; runs that meet go on as one.
void slide(std::span<const std::size_t> values, std::vector<bool>& changed, const std::vector<bool>& other_changed) {
    const std::vector<bool> other_places = places_of(other_changed);
    std::size_t end = values.size();
    std::size_t common = other_places.size() - 1;  // before `end`
    while (true) {
        while (end > 0 && !changed[end - 1]) --end, --common;
        if (end == 0) return;
        std::size_t start = end;
        const auto meet_those_before = [&] {
            while (start > 0 && changed[start - 1]) --start;
        };
        for (meet_those_before(); start > 0 && values[start - 1] == values[end - 1]; meet_those_before()) {
            changed[--start] = true;
            changed[--end] = false;
            --common;
        }
        const std::size_t next_end = start;
        std::size_t steps_beyond_other = 0;
        bool beside_other = false;
        for (std::size_t place = common;; ++place) {
            if (other_places[place]) {
                beside_other = true;
                steps_beyond_other = 0;
            }
            if (end == values.size() || values[start] != values[end]) break;
            changed[start++] = false;
            changed[end++] = true;
            ++steps_beyond_other;
            if (end < values.size() && changed[end]) {  // one run from now on, which cannot go back
                beside_other = false;
                while (end < values.size() && changed[end]) ++end;
            }
        }
        for (; beside_other && steps_beyond_other > 0; --steps_beyond_other) {
            changed[--start] = true;
            changed[--end] = false;
        }
        end = next_end;
    }
}

}  // namespace

EditScript shortest_edit(std::span<const std::size_t> before, std::span<const std::size_t> after) {
    EditScript script{std::vector<bool>(before.size()), std::vector<bool>(after.size())};
    const Shared shared_before = shared_with(before, after, script.removed);
    const Shared shared_after = shared_with(after, before, script.added);
    Search(shared_before, shared_after, script).run();
    slide(before, script.removed, script.added);
    slide(after, script.added, script.removed);
    return script;
}

}  // namespace stele
