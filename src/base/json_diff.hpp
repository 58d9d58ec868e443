// What changed between two JSON documents.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stele/json.hpp"

namespace stele {

struct JsonChange {
    std::string path;            ///< "model", "tags[2].name", "labels[two words]"; "the value" is all of the document
    std::optional<Json> before;  ///< nothing: it was added
    std::optional<Json> after;   ///< nothing: it was removed

    friend bool operator==(const JsonChange&, const JsonChange&) = default;
};

/// The smallest values that differ, in the order of their paths (keys by their bytes). The order of keys and the
/// spelling of numbers (1, 1.0, 10e-1) are no difference, and of a key that comes twice the last counts, all as in
/// PostgreSQL's jsonb. Items of arrays are compared by their index.
/// Throws Error(invalid_argument) for text that is not JSON.
std::vector<JsonChange> json_diff(const Json& before, const Json& after);

/// To be read by people: for each change a line "- PATH: VALUE" for what was and one "+ PATH: VALUE" for what is. Empty
/// without changes.
std::string to_text(std::span<const JsonChange> changes);

}  // namespace stele
