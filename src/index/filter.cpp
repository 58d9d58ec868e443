#include "stele/filter.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.hpp"
#include "base/text.hpp"
#include "index/filter_node.hpp"

namespace stele {
namespace {

using Node = std::shared_ptr<const FilterNode>;
using Operation = detail::FilterOperation;
using detail::path_text;
using detail::ValueKind;

bool fits(const JsonNode& operand, ValueKind kind) {
    if (kind == ValueKind::json || operand.kind == JsonNode::Kind::null) return true;
    if (operand.kind != JsonNode::Kind::string) return false;
    return kind == ValueKind::uuid ? Uuid::parse(operand.text).has_value() : parse_iso8601(operand.text).has_value();
}

bool takes(Operation operation, std::size_t operands) {
    switch (operation) {
        case Operation::in:
        case Operation::contains_any: return true;
        case Operation::is_null:
        case Operation::exists: return operands == 0;
        default: return operands == 1;
    }
}

bool wants_text(Operation operation) {
    return operation == Operation::text_match || operation == Operation::prefix;
}

std::string_view name_of(Operation operation) {
    switch (operation) {
        case Operation::equal: return "==";
        case Operation::less: return "<";
        case Operation::less_or_equal: return "<=";
        case Operation::greater: return ">";
        case Operation::greater_or_equal: return ">=";
        case Operation::in: return "is one of";
        case Operation::contains: return "contains";
        case Operation::contains_any: return "contains any of";
        case Operation::text_match: return "has the words";
        case Operation::prefix: return "starts with";
        case Operation::is_null: return "is null";
        case Operation::exists: return "exists";
    }
    return "";
}

std::string sentence(const FilterNode& node) {
    if (node.kind == FilterNode::Kind::negation) return fmt::format("not ({})", sentence(*node.parts.front()));
    if (node.kind != FilterNode::Kind::comparison) {
        const bool all = node.kind == FilterNode::Kind::all;
        if (node.parts.empty()) return all ? "everything" : "nothing";
        std::string text;
        for (const Node& part : node.parts) {
            const bool nested = part->kind == FilterNode::Kind::any || part->kind == FilterNode::Kind::all;
            text += text.empty() ? "" : (all ? " and " : " or ");
            text += nested ? fmt::format("({})", sentence(*part)) : sentence(*part);
        }
        return text;
    }
    std::string text = fmt::format("{} {}", path_text(node.path), name_of(node.operation));
    const bool several = node.operation == Operation::in || node.operation == Operation::contains_any;
    for (std::size_t i = 0; i < node.operands.size(); ++i) {
        text += (i == 0 ? " " : ", ") + node.operands[i].to_text();
    }
    if (several && node.operands.empty()) text += " nothing";
    return text;
}

void add_paths(const FilterNode& node, std::vector<detail::FilterPath>& paths) {
    if (node.kind == FilterNode::Kind::comparison) paths.push_back(node.path);
    for (const Node& part : node.parts) add_paths(*part, paths);
}

// Readers recurse, and PostgreSQL's parser too; no document is deeper than a path may be.
constexpr std::size_t kMaxNesting = 256;

void add_part(FilterNode& node, const Node& part) {
    node.parts.push_back(part);
    node.depth = std::max(node.depth, part->depth + 1);
    if (node.depth > kMaxNesting) {
        raise(
            ErrorCode::invalid_argument,
            fmt::format("a filter's conditions are nested more than {} deep: join them by fewer levels", kMaxNesting));
    }
}

// By its shape alone: `a || !a` is not seen.
bool holds_of(const FilterNode& node, bool everything) {
    const auto holds = [&](const Node& part) { return holds_of(*part, everything); };
    switch (node.kind) {
        case FilterNode::Kind::all:
        case FilterNode::Kind::any:
            // everything is in all if it is in each, and nothing is in any if it is in none
            return (node.kind == FilterNode::Kind::all) == everything
                       ? std::all_of(node.parts.begin(), node.parts.end(), holds)
                       : std::any_of(node.parts.begin(), node.parts.end(), holds);
        case FilterNode::Kind::negation: return holds_of(*node.parts.front(), !everything);
        case FilterNode::Kind::comparison: break;
    }
    const bool listed = node.operation == Operation::in || node.operation == Operation::contains_any;
    return !everything && listed && node.operands.empty();
}

Node combine(FilterNode::Kind kind, const Node& a, const Node& b) {
    auto node = std::make_shared<FilterNode>();
    node->kind = kind;
    // a chain is one node: it would nest as deep as it is long
    for (const Node& part : {a, b}) {
        if (part->kind == kind) {
            for (const Node& one : part->parts) add_part(*node, one);
        } else {
            add_part(*node, part);
        }
    }
    return node;
}

}  // namespace

inline namespace v0 {

Filter::Filter() : node_(std::make_shared<const FilterNode>()) {}

Filter Filter::compare(detail::FilterPath path, Operation operation, ValueKind kind, std::vector<Json> operands) {
    auto node = std::make_shared<FilterNode>();
    node->kind = FilterNode::Kind::comparison;
    node->operation = operation;
    node->values = kind;
    for (const Json& operand : operands) node->operands.push_back(parse_json(operand.text()));
    const std::string text = fmt::format("{} {}", path_text(path), name_of(operation));
    for (const detail::FilterStep& step : path) check_text(fmt::format("the path of '{}'", text), step.key);
    if (path.size() > kMaxJsonDepth) {
        raise(ErrorCode::invalid_argument,
              fmt::format("a filter's path has {} steps; it may have {}", path.size(), kMaxJsonDepth));
    }
    if (!takes(operation, operands.size())) {
        raise(ErrorCode::invalid_argument, fmt::format("'{}' does not take {} values", text, operands.size()));
    }
    const bool fit = std::all_of(node->operands.begin(), node->operands.end(), [&](const JsonNode& operand) {
        return fits(operand, kind) && (!wants_text(operation) || operand.kind == JsonNode::Kind::string);
    });
    if (!fit) {
        raise(ErrorCode::invalid_argument,
              fmt::format("'{}' is compared with a value that is no {}", text,
                          kind == ValueKind::uuid ? "UUID" : (kind == ValueKind::time ? "time (ISO 8601)" : "text")));
    }
    node->path = std::move(path);
    return Filter(std::move(node));
}

Filter operator&&(const Filter& a, const Filter& b) {
    if (a.is_everything()) return b;
    if (b.is_everything()) return a;
    return Filter(combine(FilterNode::Kind::all, a.node_, b.node_));
}

Filter operator||(const Filter& a, const Filter& b) {
    if (a.is_everything() || b.is_everything()) return Filter();
    return Filter(combine(FilterNode::Kind::any, a.node_, b.node_));
}

Filter operator!(const Filter& filter) {
    if (filter.node_->kind == FilterNode::Kind::negation) return Filter(filter.node_->parts.front());
    auto node = std::make_shared<FilterNode>();
    node->kind = FilterNode::Kind::negation;
    add_part(*node, filter.node_);
    return Filter(std::move(node));
}

bool Filter::matches(const Json& value) const {
    return stele::matches(*node_, parse_json(value.text()));
}

bool Filter::is_everything() const noexcept {
    return holds_of(*node_, true);
}

std::string Filter::to_string() const {
    return sentence(*node_);
}

std::vector<detail::FilterPath> Filter::paths() const {
    std::vector<detail::FilterPath> paths;
    add_paths(*node_, paths);
    return paths;
}

}  // namespace v0
}  // namespace stele
