// Labels, on the command line and in what commands print.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "output.hpp"
#include "stele/labels.hpp"

namespace stele::cli {

/// Where a label is or is to go, as it is written: config:ID, template:ID@TIME.
struct LabelPlace {
    LabelStore store = LabelStore::configurations;
    std::string identifier;
    std::optional<Timestamp> revision = {};  ///< none: the newest

    friend bool operator==(const LabelPlace&, const LabelPlace&) = default;
};

/// An @ counts only when a time or "newest" stands behind it, so that identifiers may have one. Throws
/// Error(invalid_argument).
LabelPlace parse_place(const std::string& text);
/// "config:ID"
std::string place_text(LabelStore store, const std::string& identifier);

nlohmann::json json_of(const Label& label);
/// For people and as {"labels": [...]}: as they stand, or, with `moves`, what became of them. True if there were any.
bool print_labels(const Output& output, const std::vector<Label>& labels, bool moves);
/// What a move came to, for people and in the same JSON: `now`, how the labels stand.
void print_moved(const Output& output, const std::vector<Label>& now);
/// How many were taken away and from where it could not be, since it was not there: {"removed": N, "missing": [...]}.
void print_taken(const Output& output, const std::string& label, std::size_t taken,
                 const std::vector<std::string>& missing);

}  // namespace stele::cli
