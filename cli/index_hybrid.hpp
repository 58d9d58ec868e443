// The part of `stele index search` that looks for words, too: --hybrid.
#pragma once

#include <optional>
#include <string>

#include "index_command.hpp"

namespace stele::cli {

struct HybridArguments {
    bool wanted = false;
    HybridOptions<Json> options;  ///< but for what plain searches have as well
    TextOptions text;

    /// What a plain search was told, put beside these.
    HybridOptions<Json> beside(const SearchOptions<Json>& options) const;
    /// Names the members that words are looked for in: those that were given, or those that the table's index is of.
    /// Throws Error(invalid_argument) if there are neither.
    void apply(const IndexTableInfo& info, VectorIndexOptions& options) const;
};

/// To a command that has --rerank.
void add_hybrid_options(CLI::App& command, HybridArguments& hybrid);
/// Throws Error(invalid_argument), listing the members that there are, for a member that no document has.
void check_text_members(const JsonIndex& index, const HybridArguments& hybrid, std::optional<Deadline> deadline);

}  // namespace stele::cli
