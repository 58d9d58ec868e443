#include <algorithm>

#include "base/words.hpp"
#include "index/filter_node.hpp"

namespace stele {
namespace {

using Operation = detail::FilterOperation;
using Kind = JsonNode::Kind;
using detail::ValueKind;

/// The order of two values: nothing when they have none.
std::optional<int> order(const JsonNode& value, const JsonNode& operand, ValueKind kind) {
    if (value.kind != operand.kind) return std::nullopt;
    if (value.kind == Kind::number) return compare_numbers(value.text, operand.text);
    if (value.kind != Kind::string) return std::nullopt;
    if (kind == ValueKind::json) return value.text.compare(operand.text);
    const auto sign = [](const auto& a, const auto& b) -> std::optional<int> {
        if (!a || !b) return std::nullopt;
        return *a < *b ? -1 : (*b < *a ? 1 : 0);
    };
    if (kind == ValueKind::uuid) return sign(Uuid::parse(value.text), Uuid::parse(operand.text));
    return sign(parse_iso8601(value.text), parse_iso8601(operand.text));
}

bool equal(const JsonNode& value, const JsonNode& operand, ValueKind kind) {
    if (kind == ValueKind::json || operand.kind == Kind::null) return same_value(value, operand);
    return order(value, operand, kind) == 0;
}

bool contains(const JsonNode& value, const JsonNode& operand, ValueKind kind) {
    switch (value.kind) {
        case Kind::array:
            return std::any_of(value.items.begin(), value.items.end(),
                               [&](const JsonNode& item) { return equal(item, operand, kind); });
        case Kind::string:
            return kind == ValueKind::json && operand.kind == Kind::string &&
                   value.text.find(operand.text) != std::string::npos;
        case Kind::object:
            return kind == ValueKind::json && operand.kind == Kind::string && value.find(operand.text) != nullptr;
        default: return false;
    }
}

bool has_words(const std::string& text, const std::string& wanted) {
    const std::vector<std::string> words = words_of(text);
    const std::vector<std::string> needed = words_of(wanted);
    return std::all_of(needed.begin(), needed.end(), [&](const std::string& word) {
        return std::find(words.begin(), words.end(), word) != words.end();
    });
}

bool compare(const FilterNode& filter, const JsonNode& root) {
    static const JsonNode kNull;
    const JsonNode* found = value_at(root, filter.path);
    if (filter.operation == Operation::exists) return found != nullptr;
    const JsonNode& value = found == nullptr ? kNull : *found;
    if (filter.operation == Operation::is_null) return value.kind == Kind::null;
    const auto any = [&](auto&& holds) {
        return std::any_of(filter.operands.begin(), filter.operands.end(),
                           [&](const JsonNode& operand) { return holds(value, operand, filter.values); });
    };
    const auto ordered = [&](auto&& holds) {
        return any([&](const JsonNode& a, const JsonNode& b, ValueKind kind) {
            const auto sign = order(a, b, kind);
            return sign && holds(*sign);
        });
    };
    switch (filter.operation) {
        case Operation::equal:
        case Operation::in: return any(equal);
        case Operation::less: return ordered([](int sign) { return sign < 0; });
        case Operation::less_or_equal: return ordered([](int sign) { return sign <= 0; });
        case Operation::greater: return ordered([](int sign) { return sign > 0; });
        case Operation::greater_or_equal: return ordered([](int sign) { return sign >= 0; });
        case Operation::contains:
        case Operation::contains_any: return any(contains);
        case Operation::text_match:
            return value.kind == Kind::string && has_words(value.text, filter.operands.front().text);
        case Operation::prefix:
            return value.kind == Kind::string && value.text.starts_with(filter.operands.front().text);
        case Operation::is_null:
        case Operation::exists: break;
    }
    return false;
}

}  // namespace

const JsonNode* value_at(const JsonNode& root, const detail::FilterPath& path) {
    const JsonNode* at = &root;
    for (const detail::FilterStep& step : path) {
        if (step.item) {
            at = at->kind == Kind::array && *step.item < at->items.size() ? &at->items[*step.item] : nullptr;
        } else {
            at = at->kind == Kind::object ? at->find(step.key) : nullptr;
        }
        if (at == nullptr) return nullptr;
    }
    return at;
}

bool matches(const FilterNode& filter, const JsonNode& value) {
    const auto holds = [&](const std::shared_ptr<const FilterNode>& part) { return matches(*part, value); };
    switch (filter.kind) {
        case FilterNode::Kind::all: return std::all_of(filter.parts.begin(), filter.parts.end(), holds);
        case FilterNode::Kind::any: return std::any_of(filter.parts.begin(), filter.parts.end(), holds);
        case FilterNode::Kind::negation: return !matches(*filter.parts.front(), value);
        case FilterNode::Kind::comparison: break;
    }
    return compare(filter, value);
}

}  // namespace stele
