#include "index/member_index.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "postgres/identifier.hpp"

namespace stele {
namespace {

using Operation = detail::FilterOperation;
using Kind = JsonNode::Kind;

// A B-tree's row has 2,704 bytes at most, so longer texts are in no index on a member, nor are arrays and objects.
constexpr std::size_t kLongestIndexed = 2000;

bool is_indexed_value(const JsonNode& value) {
    return value.kind == Kind::string ? value.text.size() <= kLongestIndexed
                                      : value.kind != Kind::array && value.kind != Kind::object;
}

}  // namespace

std::string member_value_sql(const detail::FilterPath& path, std::string_view column) {
    std::string text(column);
    for (const detail::FilterStep& step : path) text = fmt::format("({} -> {}::text)", text, quote_literal(step.key));
    return text;
}

std::string member_sql(const detail::FilterPath& path, std::string_view column) {
    return fmt::format("coalesce({}, 'null'::jsonb)", member_value_sql(path, column));
}

std::string member_index_sql(const detail::FilterPath& path, std::string_view column) {
    const std::string member = member_sql(path, column);
    return fmt::format("({}) WHERE {}", member, is_indexed_sql(member));
}

std::string is_indexed_sql(std::string_view value) {
    return fmt::format(
        "CASE jsonb_typeof({0}) WHEN 'string' THEN octet_length({0} #>> '{{}}') <= {1} WHEN 'array' THEN false WHEN "
        "'object' THEN false ELSE true END",
        value, kLongestIndexed);
}

bool is_by_index(const FilterNode& filter) {
    if (filter.values != detail::ValueKind::json) return false;
    switch (filter.operation) {
        case Operation::equal:
        case Operation::in:
        case Operation::is_null: return std::all_of(filter.operands.begin(), filter.operands.end(), is_indexed_value);
        case Operation::less:
        case Operation::less_or_equal:
        case Operation::greater:
        case Operation::greater_or_equal: return filter.operands.front().kind == Kind::number;
        default: return false;
    }
}

bool narrows(const FilterNode& filter, const std::function<bool(const detail::FilterPath&)>& is_indexed) {
    if (filter.kind == FilterNode::Kind::all) {
        return std::any_of(filter.parts.begin(), filter.parts.end(),
                           [&](const auto& part) { return narrows(*part, is_indexed); });
    }
    if (filter.kind == FilterNode::Kind::any) {
        return !filter.parts.empty() && std::all_of(filter.parts.begin(), filter.parts.end(),
                                                    [&](const auto& part) { return narrows(*part, is_indexed); });
    }
    return filter.kind == FilterNode::Kind::comparison && is_by_index(filter) && is_indexed(filter.path);
}

}  // namespace stele
