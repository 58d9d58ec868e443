// Filters of `stele index`, and whether what they name is there.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "exit_code.hpp"
#include "index_command.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using detail::FilterOperation;
using detail::FilterPath;
using nlohmann::json;

/// Up to the first place of an array: an index that no array reaches is no slip of the pen.
FilterPath named_part(const FilterPath& path) {
    return {path.begin(), std::find_if(path.begin(), path.end(),
                                       [](const detail::FilterStep& step) { return step.item.has_value(); })};
}

bool is_somewhere(const JsonIndex& index, FilterPath path, std::optional<Deadline> deadline) {
    const auto exists = Filter::compare(std::move(path), FilterOperation::exists, detail::ValueKind::json, {});
    return !index.newest({.limit = 1, .where = FilterOf<Json>(exists), .deadline = deadline}).empty();
}

void collect(const json& value, FilterPath& path, std::set<std::string>& members) {
    constexpr std::size_t kDeepest = 4;
    if (!path.empty()) members.insert(detail::path_text(path));
    if (!value.is_object() || path.size() == kDeepest) return;
    for (const auto& [key, inner] : value.items()) {
        path.push_back({key, {}});
        collect(inner, path, members);
        path.pop_back();
    }
}

/// "path, position, ...": of the newest documents.
std::string list_of_members(const JsonIndex& index, std::optional<Deadline> deadline) {
    constexpr std::int64_t kDocuments = 200;
    constexpr std::size_t kMost = 60;
    std::set<std::string> members;
    for (const auto& found : index.newest({.limit = kDocuments, .deadline = deadline})) {
        FilterPath path;
        collect(json::parse(found.value.text()), path, members);
    }
    std::vector<std::string> names(members.begin(), members.end());
    const std::size_t more = names.size() - std::min(names.size(), kMost);
    names.resize(names.size() - more);
    return joined(names, ", ") + (more > 0 ? fmt::format(" and {} more", more) : "");
}

}  // namespace

void add_where_option(CLI::App& command, std::vector<std::string>& where) {
    command
        .add_option("-w,--where", where,
                    "Only documents of which this holds, for example 'lang = en and pages >= 10'; may be given several "
                    "times: then all must hold")
        ->option_text("FILTER")
        ->take_all()
        ->allow_extra_args(false);  // else it would take the query, too
}

Filter parse_where(const std::vector<std::string>& where) {
    Filter all;
    for (const std::string& each : where) {
        const Filter filter = Filter::parse(each);
        if (filter.is_everything()) refuse("--where takes a filter, for example 'lang = en'; this one is empty");
        all = all && filter;
    }
    return all;
}

void check_members(const JsonIndex& index, const Filter& filter, std::optional<Deadline> deadline) {
    std::set<std::string> seen;
    for (const FilterPath& path : filter.paths()) {
        FilterPath named = named_part(path);
        const std::string name = detail::path_text(named);
        if (named.empty() || !seen.insert(name).second || is_somewhere(index, named, deadline)) continue;
        const std::string members = list_of_members(index, deadline);
        if (members.empty()) return;  // there are no documents
        refuse(fmt::format("no document in '{}' has a member '{}'; they have: {}", one_line(index.table()), name,
                           members));
    }
}

}  // namespace stele::cli
