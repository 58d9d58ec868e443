// Documents of an index, for people and for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "index_command.hpp"
#include "output.hpp"

namespace CLI {
class App;
}

namespace stele::cli {

/// --show: which members are columns.
void add_show_option(CLI::App& command, std::vector<std::string>& show);

/// {"id", "score", "created", "document"}; without a score where there was no query. The document is as it was stored,
/// with every digit.
std::string found_text(const Found<Json>& found);
/// With the fused score, and {"cosine", "vector_place"} or {"text_score", "text_place"} of the halves that found it.
std::string found_text(const HybridFound<Json>& found);
/// A row a document. `show`: paths of the members to show; none: those of a chunk of a file, else the whole document.
/// Throws Error(invalid_argument) for what is no path.
Table table_of(const std::vector<Found<Json>>& found, const std::vector<std::string>& show);
/// The same, with the places by meaning and by words.
Table table_of(const std::vector<HybridFound<Json>>& found, const std::vector<std::string>& show);

}  // namespace stele::cli
