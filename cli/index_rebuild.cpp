#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "context.hpp"
#include "exit_code.hpp"
#include "index_command.hpp"
#include "progress.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

struct RebuildCommand {
    std::string table;
    BuildOptions build;
    bool missing = false;
    std::optional<int> memory_mb;
};

/// A bar for each phase of each index, as PostgreSQL counts them.
class BuildBars {
public:
    explicit BuildBars(const Output& output) : output_(output) {}

    void at(const IndexBuildProgress& progress) {
        constexpr std::size_t kPercent = 100;
        std::string label = fmt::format("{} ({} of {})", one_line(progress.index), progress.number, progress.of);
        if (label != label_ || progress.phase != phase_) {
            bar_.reset();
            label_ = std::move(label);
            phase_ = progress.phase;
            bar_.emplace(output_, label_, kPercent);
        }
        const double part = std::clamp(progress.part, 0.0, 1.0);
        bar_->at(static_cast<std::size_t>(std::lround(part * static_cast<double>(kPercent))), phase_);
    }

private:
    const Output& output_;
    std::string label_, phase_;
    std::optional<Progress> bar_;
};

void run(Context& context, const RebuildCommand& rebuild) {
    const IndexTableInfo info = find_index(context, rebuild.table);
    VectorIndexOptions options;
    options.table = rebuild.table;
    options.create = false;
    rebuild.build.apply(options);
    if (!rebuild.missing && options.ann == AnnIndex::none) options.ann = info.ann;
    JsonIndex index(index_database(context), nullptr, options);
    IndexBuildOptions how;
    BuildBars bars(context.output());
    how.on_progress = [&](const IndexBuildProgress& progress) { bars.at(progress); };
    how.memory_mb = rebuild.memory_mb;
    how.deadline = context.deadline();
    const std::vector<std::string> built = rebuild.missing ? index.build_indexes(how) : index.rebuild_indexes(how);
    context.output().document({{"table", rebuild.table}, {"built", built}});
    if (built.empty()) {
        context.output().line(
            "nothing to build: the table has no such index, or no other; --ann, --member and --text-member say which "
            "it "
            "should have");
    } else {
        context.output().line("built: " + one_line(joined(built, ", ")));
    }
}

}  // namespace

void add_index_rebuild(CLI::App& index, Context& context) {
    CLI::App* command = index.add_subcommand("rebuild", "Builds the indexes of the table, while others use it");
    auto rebuild = std::make_shared<RebuildCommand>();
    add_index_table(*command, rebuild->table);
    add_build_options(*command, rebuild->build);
    command->add_flag("--missing", rebuild->missing,
                      "Build only those that are asked for and not there, or were left half built");
    command
        ->add_option("--memory", rebuild->memory_mb,
                     "MiB that the server may use for it; an hnsw index that does not fit takes many times as long")
        ->option_text("MIB");
    command->footer(
        R"(Those that are there are built anew, smaller and better after many changes, and serve until then; those that --ann,
--member and --text-member ask for are added. It waits for transactions that are open. An index is best built after the
documents are in.

Examples:
  stele index rebuild tickets
  stele index rebuild tickets --missing --ann hnsw --memory 1024
  stele index rebuild tickets --missing --member status --member by.name
  stele index rebuild tickets --missing --text-member body --text-config english)");
    command->callback([&context, rebuild] { run(context, *rebuild); });
}

}  // namespace stele::cli
