// A filter as a tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/json_tree.hpp"
#include "stele/filter.hpp"

namespace stele {

/// Never changes once it is made.
struct FilterNode {
    enum class Kind : std::uint8_t { all, any, negation, comparison };
    using Operation = detail::FilterOperation;

    Kind kind = Kind::all;
    std::vector<std::shared_ptr<const FilterNode>> parts;  ///< none of all: everything; a negation has one
    std::size_t depth = 1;                                 ///< of the nesting

    // of a comparison
    detail::FilterPath path;
    Operation operation = Operation::equal;
    detail::ValueKind values = detail::ValueKind::json;
    std::vector<JsonNode> operands;
};

bool matches(const FilterNode& filter, const JsonNode& value);
/// What a path leads to; null when it leads nowhere.
const JsonNode* value_at(const JsonNode& root, const detail::FilterPath& path);

}  // namespace stele
