// The parts of `stele index`.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "embedder_options.hpp"
#include "stele/index_tables.hpp"
#include "stele/vector_index.hpp"

namespace CLI {
class App;
}

namespace stele::cli {

class Context;

/// Indexes are opened without a type: their documents are JSON.
using JsonIndex = VectorIndex<Json>;

/// TABLE.
void add_index_table(CLI::App& command, std::string& table);
/// --where, which may be given several times: then all must hold.
void add_where_option(CLI::App& command, std::vector<std::string>& where);
/// Throws Error(invalid_argument) for what is no filter.
Filter parse_where(const std::vector<std::string>& where);
/// Throws Error(invalid_argument), listing the members that there are, if the filter looks at one that no document has.
void check_members(const JsonIndex& index, const Filter& filter, std::optional<Deadline> deadline);

/// What words are looked for in: --text-member, --text-config.
struct TextOptions {
    std::vector<std::string> members;
    std::string configuration;  ///< empty: not given

    /// Throws Error(invalid_argument).
    void apply(VectorIndexOptions& options) const;
};
void add_text_options(CLI::App& command, TextOptions& options, const std::string& members_help);

/// Which indexes a table should have: --ann and its numbers, --member, and those of TextOptions.
struct BuildOptions {
    std::string ann = "none";
    int hnsw_m = VectorIndexOptions().hnsw_m;
    int hnsw_ef_construction = VectorIndexOptions().hnsw_ef_construction;
    int ivfflat_lists = VectorIndexOptions().ivfflat_lists;
    std::vector<std::string> members;
    TextOptions text;

    /// Throws Error(invalid_argument).
    void apply(VectorIndexOptions& options) const;
};
void add_build_options(CLI::App& command, BuildOptions& options);

void add_index_embedder_options(CLI::App& command, EmbedderOptions& options);
bool is_embedder_given(const EmbedderOptions& options);
/// Unless the options name another, a local model.
ChosenEmbedder make_index_embedder(Context& context, const EmbedderOptions& options);

/// On a server that is named no table of Stele's is needed besides the index.
Database& index_database(Context& context);
/// Throws Error(not_found), naming those that there are, if there is no such index.
IndexTableInfo find_index(Context& context, const std::string& table);
/// An existing one, for what needs no embedder.
JsonIndex open_index(Context& context, const std::string& table);
/// Throws the error with the options of the embedder that the table has, if it is about another one's vectors.
void add_embedder_hint(Context& context, const std::string& table, const Error& error);
/// Runs `work`. If it is refused because of another embedder's vectors, the error says by which options to go on.
template <class Work>
auto with_embedder_hint(Context& context, const std::string& table, Work&& work) -> decltype(work()) {
    try {
        return work();
    } catch (const Error& error) {
        add_embedder_hint(context, table, error);
        throw;
    }
}

std::string_view to_string(AnnIndex ann);
std::string_view to_string(VectorType type);

void add_index_create(CLI::App& index, Context& context);
void add_index_add(CLI::App& index, Context& context);
void add_index_search(CLI::App& index, Context& context);
void add_index_explain(CLI::App& index, Context& context);
void add_index_count(CLI::App& index, Context& context);
void add_index_list(CLI::App& index, Context& context);
void add_index_remove(CLI::App& index, Context& context);
void add_index_wipe(CLI::App& index, Context& context);
void add_index_rebuild(CLI::App& index, Context& context);
void add_index_recall(CLI::App& index, Context& context);

}  // namespace stele::cli
