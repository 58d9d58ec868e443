#include "index_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "commands.hpp"
#include "context.hpp"
#include "exit_code.hpp"
#include "fingerprint_options.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

constexpr EmbedderKind kDefault = EmbedderKind::local;

const IndexTableInfo* find(const std::vector<IndexTableInfo>& tables, const std::string& table) {
    const auto found =
        std::find_if(tables.begin(), tables.end(), [&](const IndexTableInfo& each) { return each.table == table; });
    return found == tables.end() ? nullptr : &*found;
}

}  // namespace

void add_index_table(CLI::App& command, std::string& table) {
    command.add_option("table", table, "The index, which is a table of the schema")->option_text("TABLE")->required();
}

void TextOptions::apply(VectorIndexOptions& options) const {
    for (const std::string& member : members) options.text.emplace_back(detail::parse_path(member));
    if (!configuration.empty()) options.text_configuration = configuration;
}

void add_text_options(CLI::App& command, TextOptions& options, const std::string& members_help) {
    command.add_option("--text-member", options.members, members_help)
        ->option_text("MEMBER")
        ->take_all()
        ->allow_extra_args(false);
    command
        .add_option("--text-config", options.configuration,
                    "What a word is: simple takes words as they stand; english, german ... know a language's forms of "
                    "words (default: simple)")
        ->option_text("NAME");
}

void BuildOptions::apply(VectorIndexOptions& options) const {
    options.ann = ann == "hnsw" ? AnnIndex::hnsw : (ann == "ivfflat" ? AnnIndex::ivfflat : AnnIndex::none);
    options.hnsw_m = hnsw_m;
    options.hnsw_ef_construction = hnsw_ef_construction;
    options.ivfflat_lists = ivfflat_lists;
    for (const std::string& member : members) options.members.emplace_back(detail::parse_path(member));
    if (text.members.empty() && !text.configuration.empty()) refuse("--text-config is of --text-member: give both");
    text.apply(options);
}

void add_build_options(CLI::App& command, BuildOptions& options) {
    command
        .add_option("--ann", options.ann,
                    "none looks at every document and misses nothing; hnsw and ivfflat are faster in large indexes and "
                    "miss a few (default: none)")
        ->option_text("none|hnsw|ivfflat")
        ->check(CLI::IsMember({"none", "hnsw", "ivfflat"}));
    command.add_option("--hnsw-m", options.hnsw_m, "Links a vector has (default: 16)")->option_text("N");
    command
        .add_option("--hnsw-ef-construction", options.hnsw_ef_construction,
                    "How many are looked at for these links (default: 64)")
        ->option_text("N");
    command.add_option("--ivfflat-lists", options.ivfflat_lists, "Lists of it (default: 100)")->option_text("N");
    command
        .add_option("--member", options.members,
                    "Index this member, for filters that leave little; may be given several times")
        ->option_text("MEMBER")
        ->take_all()
        ->allow_extra_args(false);
    add_text_options(
        command, options.text,
        "Index the words of this member, for search --hybrid; may be given several times, for one index of "
        "all of them");
}

void add_index_embedder_options(CLI::App& command, EmbedderOptions& options) {
    add_embedder_options(command, options, "local", false);
}

bool is_embedder_given(const EmbedderOptions& options) {
    return kind_of(options, EmbedderKind::none) != EmbedderKind::none;
}

ChosenEmbedder make_index_embedder(Context& context, const EmbedderOptions& options) {
    return make_embedder(options, kDefault, context.deadline(),
                         "`--embedder hashing` goes without a model, by similar wording");
}

Database& index_database(Context& context) {
    return context.database(context.embedded() ? Tables::automatic : Tables::none);
}

IndexTableInfo find_index(Context& context, const std::string& table) {
    Database& database = index_database(context);
    const std::vector<IndexTableInfo> tables = index_tables(database, context.deadline());
    if (const IndexTableInfo* found = find(tables, table)) return *found;
    std::vector<std::string> names;
    for (const IndexTableInfo& each : tables) names.push_back(each.table);
    fail(ErrorCode::not_found,
         fmt::format("there is no index '{}' in schema {} of {}{}; `stele index add {} ...` makes it", one_line(table),
                     database.schema(), database.describe(),
                     names.empty() ? ", nor any other" : "; there are " + joined(names, ", ", " and "),
                     one_line(table)));
}

JsonIndex open_index(Context& context, const std::string& table) {
    find_index(context, table);
    VectorIndexOptions options;
    options.table = table;
    options.create = false;
    return JsonIndex(index_database(context), nullptr, std::move(options));
}

void add_embedder_hint(Context& context, const std::string& table, const Error& error) {
    if (error.code() != ErrorCode::fingerprint_mismatch && error.code() != ErrorCode::dimension_mismatch) return;
    const auto tables = index_tables(index_database(context), context.deadline());
    const IndexTableInfo* info = find(tables, table);
    const auto options = info == nullptr ? std::nullopt : options_naming(info->fingerprint);
    if (!options) return;
    ErrorInfo said = error.info();
    said.message += fmt::format("; `{}` names the embedder of this table", *options);
    throw Error(std::move(said));
}

std::string_view to_string(AnnIndex ann) {
    switch (ann) {
        case AnnIndex::none: return "none";
        case AnnIndex::hnsw: return "hnsw";
        case AnnIndex::ivfflat: return "ivfflat";
    }
    return "none";
}

std::string_view to_string(VectorType type) {
    return type == VectorType::halfvec ? "halfvec" : "vector";
}

void add_index(CLI::App& app, Context& context) {
    CLI::App* index = app.add_subcommand("index", "Indexes documents, and finds them by meaning and by filters");
    index->require_subcommand(1, 1);
    add_index_create(*index, context);
    add_index_add(*index, context);
    add_index_search(*index, context);
    add_index_explain(*index, context);
    add_index_count(*index, context);
    add_index_list(*index, context);
    add_index_remove(*index, context);
    add_index_wipe(*index, context);
    add_index_rebuild(*index, context);
    add_index_recall(*index, context);
    index->footer(
        R"(An index is a table: one that a program made with stele::VectorIndex, one of draive's, or one made here, of JSON
documents. It needs PostgreSQL's extension pgvector. See docs/vector-index.md.

Examples:
  stele index add handbook ./docs                    # a folder of .md and .txt
  stele index add tickets tickets.jsonl --text body --key id
  stele index search handbook "How do I take a backup?"
  stele index search tickets "parcel lost" --where 'status = open and priority >= 2')");
}

}  // namespace stele::cli
