#include "base/text_diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/edit_script.hpp"
#include "base/result.hpp"

namespace stele {
namespace {

constexpr std::size_t kContext = 3;

/// With their line feeds: a last line without one differs from the same line with it.
std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t length = std::min(text.find('\n'), text.size() - 1) + 1;
        lines.push_back(text.substr(0, length));
        text.remove_prefix(length);
    }
    return lines;
}

struct Range {
    std::size_t first = 0, last = 0;  // last is not in it
    std::size_t size() const noexcept { return last - first; }
};
struct Change {
    Range before, after;
};

std::vector<Change> changes_of(const EditScript& script) {
    const auto run = [](const std::vector<bool>& flags, std::size_t first) {
        Range range{first, first};
        while (range.last < flags.size() && flags[range.last]) ++range.last;
        return range;
    };
    std::vector<Change> changes;
    std::size_t before = 0, after = 0;
    while (before < script.removed.size() || after < script.added.size()) {
        const Change change{run(script.removed, before), run(script.added, after)};
        if (change.before.size() + change.after.size() > 0) changes.push_back(change);
        before = change.before.last + 1;
        after = change.after.last + 1;
    }
    return changes;
}

void print_line(std::string& out, char mark, std::string_view line) {
    out += mark;
    out += line;
    if (!line.ends_with('\n')) out += "\n\\ No newline at end of file\n";
}

/// Counted from one; an empty range is after the line that it names, and a single line goes without a count.
std::string print_range(Range range) {
    if (range.size() == 1) return fmt::format("{}", range.first + 1);
    return fmt::format("{},{}", range.size() == 0 ? range.first : range.first + 1, range.size());
}

struct Printer {
    std::vector<std::string_view> before, after;
    std::string out;

    void print_hunk(std::span<const Change> changes) {
        const std::size_t lead = std::min(kContext, changes.front().before.first);
        const std::size_t tail = std::min(kContext, before.size() - changes.back().before.last);
        out += fmt::format("@@ -{} +{} @@\n",
                           print_range({changes.front().before.first - lead, changes.back().before.last + tail}),
                           print_range({changes.front().after.first - lead, changes.back().after.last + tail}));
        std::size_t at = changes.front().before.first - lead;
        for (const Change& change : changes) {
            for (; at < change.before.first; ++at) print_line(out, ' ', before[at]);
            for (; at < change.before.last; ++at) print_line(out, '-', before[at]);
            for (std::size_t i = change.after.first; i < change.after.last; ++i) print_line(out, '+', after[i]);
        }
        for (const std::size_t end = at + tail; at < end; ++at) print_line(out, ' ', before[at]);
    }
};

}  // namespace

std::string unified_diff(std::string_view before, std::string_view after, std::string_view before_name,
                         std::string_view after_name) {
    for (const std::string_view name : {before_name, after_name}) {
        if (name.find('\n') != std::string_view::npos) {
            raise(ErrorCode::invalid_argument, "a text that is compared has a name of more than one line");
        }
    }
    if (before == after) return {};
    Printer printer{lines_of(before), lines_of(after), fmt::format("--- {}\n+++ {}\n", before_name, after_name)};
    std::unordered_map<std::string_view, std::size_t> numbers;
    const auto numbered = [&](const std::vector<std::string_view>& lines) {
        std::vector<std::size_t> sequence;
        sequence.reserve(lines.size());
        for (const std::string_view line : lines)
            sequence.push_back(numbers.emplace(line, numbers.size()).first->second);
        return sequence;
    };
    const std::vector<std::size_t> sequence_before = numbered(printer.before), sequence_after = numbered(printer.after);
    const std::vector<Change> changes = changes_of(shortest_edit(sequence_before, sequence_after));
    for (auto first = changes.begin(); first != changes.end();) {  // contexts that touch or overlap make one hunk
        auto last = std::next(first);
        while (last != changes.end() && last->before.first - std::prev(last)->before.last <= 2 * kContext) ++last;
        printer.print_hunk({first, last});
        first = last;
    }
    return std::move(printer.out);
}

}  // namespace stele
