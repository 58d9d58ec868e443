#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "context.hpp"
#include "exit_code.hpp"
#include "index_command.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

struct CreateCommand {
    std::string table;
    std::string type = "vector";
    BuildOptions build;
    std::size_t vectors = 0;
    VectorIndexOptions options;
    EmbedderOptions embedder;
};

bool is_there(Context& context, const std::string& table) {
    const auto tables = index_tables(index_database(context), context.deadline());
    return std::any_of(tables.begin(), tables.end(), [&](const auto& each) { return each.table == table; });
}

void run(Context& context, CreateCommand& create) {
    const bool ready = create.vectors > 0;
    if (ready && is_embedder_given(create.embedder)) {
        refuse("--vectors is for vectors that come ready, without an embedder: give one of them");
    }
    const ChosenEmbedder chosen = ready ? ChosenEmbedder() : make_index_embedder(context, create.embedder);
    create.options.table = create.table;
    create.options.type = create.type == "halfvec" ? VectorType::halfvec : VectorType::vector;
    create.build.apply(create.options);
    JsonIndex index(index_database(context), chosen.embedder, create.options);
    const bool there = is_there(context, create.table);
    with_embedder_hint(context, create.table, [&] { index.create(create.vectors, context.deadline()); });
    const IndexTableInfo info = find_index(context, create.table);
    const Output& output = context.output();
    output.document({{"table", info.table},
                     {"created", !there},
                     {"dimension", info.dimension},
                     {"embedder", info.fingerprint.empty() ? nlohmann::json() : nlohmann::json(info.fingerprint)},
                     {"type", to_string(info.type)},
                     {"ann", to_string(info.ann)}});
    output.line(fmt::format("{} {}: {} of {}, ANN index: {}", one_line(info.table), there ? "is there already" : "made",
                            to_string(info.type), info.dimension, to_string(info.ann)));
}

}  // namespace

void add_index_create(CLI::App& index, Context& context) {
    CLI::App* command = index.add_subcommand("create", "Makes an index, before anything is in it");
    auto create = std::make_shared<CreateCommand>();
    add_index_table(*command, create->table);
    command
        ->add_option("--type", create->type,
                     "Of a vector's elements: vector is float32, halfvec float16, half the space (default: vector)")
        ->option_text("vector|halfvec")
        ->check(CLI::IsMember({"vector", "halfvec"}));
    add_build_options(*command, create->build);
    command
        ->add_option("--vectors", create->vectors,
                     "No embedder: vectors of so many elements will come ready, from a program")
        ->option_text("N");
    add_index_embedder_options(*command, create->embedder);
    command->footer(
        R"(stele index add makes it too, without an ANN index. The embedder decides the dimension, and is kept with the
table: texts and questions of another are refused. What is there already is left as it is.

Examples:
  stele index create handbook
  stele index create tickets --ann hnsw --type halfvec --model bge-small
  stele index create tickets --text-member title --text-member body    # for search --hybrid
  stele index create photos --vectors 512)");
    command->callback([&context, create] { run(context, *create); });
}

}  // namespace stele::cli
