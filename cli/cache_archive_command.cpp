#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "cache_command.hpp"
#include "context.hpp"
#include "progress.hpp"
#include "stele/cache_archive.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct ImportCommand {
    std::string file;
    bool keep = false, replace = false, check = false;
};

/// Bars for what is checked and for what is written, one after the other.
class Bars {
public:
    Bars(const Output& output, std::string label) : output_(output), label_(std::move(label)) {}
    std::function<void(const ArchiveProgress&)> told() {
        return [this](const ArchiveProgress& progress) {
            if (!bar_ || checking_ != progress.checking) {
                bar_.reset();
                bar_.emplace(output_, progress.checking ? "checking" : label_, progress.all);
                checking_ = progress.checking;
            }
            bar_->at(progress.done);
        };
    }

private:
    const Output& output_;
    const std::string label_;
    std::optional<Progress> bar_;
    bool checking_ = false;
};

std::int64_t entries_in(const CacheManifest& manifest) {
    const auto found = manifest.rows.find("entries");
    return found == manifest.rows.end() ? 0 : static_cast<std::int64_t>(found->second);
}

json json_of(const std::string& file, const CacheManifest& manifest) {
    return {{"file", file},
            {"entries", entries_in(manifest)},
            {"namespaces", manifest.namespaces},
            {"embedder_fingerprint", manifest.embedder_fingerprint ? json(*manifest.embedder_fingerprint) : json()},
            {"embedder_dim", manifest.embedder_dimension ? json(*manifest.embedder_dimension) : json()},
            {"created_at", manifest.created_at.time_since_epoch().count()}};
}

std::string told(const CacheManifest& manifest) {
    return fmt::format("{} of {}, vectors of {}", count_text(entries_in(manifest), "entry", "entries"),
                       count_text(static_cast<std::int64_t>(manifest.namespaces.size()), "namespace", "namespaces"),
                       manifest.embedder_fingerprint ? one_line(*manifest.embedder_fingerprint) : "no embedder");
}

void run_export(Context& context, const std::string& file) {
    CacheManifest manifest;
    {
        Bars bars(context.output(), "export");
        manifest = export_cache(context.database(), file, {bars.told(), context.deadline()});
    }
    context.output().document(json_of(file, manifest));
    context.output().line(fmt::format("{}: {}", one_line(file), told(manifest)));
}

void run_import(Context& context, const ImportCommand& command) {
    if (command.keep && command.replace) refuse("--keep and --replace exclude each other: give one of them");
    const Output& output = context.output();
    if (command.check) {
        CacheManifest manifest;
        {
            Bars bars(output, "checking");
            manifest = check_cache_archive(command.file, bars.told());
        }
        output.document(json_of(command.file, manifest));
        output.line(fmt::format("{} is whole: {}", one_line(command.file), told(manifest)));
        return;
    }
    ImportCacheOptions options;
    if (command.keep) options.existing = ExistingEntries::keep;
    if (command.replace) options.existing = ExistingEntries::replace;
    options.deadline = context.deadline();
    ImportedCache imported;
    {
        Bars bars(output, "import");
        options.on_progress = bars.told();
        imported = import_cache(context.database(), command.file, options);
    }
    json document = json_of(command.file, imported.manifest);
    document["stored"] = imported.entries;
    document["evicted"] = imported.evicted;
    output.document(document);
    const auto kept_out = entries_in(imported.manifest) - static_cast<std::int64_t>(imported.entries);
    output.line(
        fmt::format("{} stored{}{}", count_text(static_cast<std::int64_t>(imported.entries), "entry", "entries"),
                    kept_out > 0 ? fmt::format(", {} were there already", kept_out) : "",
                    imported.evicted > 0 ? fmt::format("; quotas and limits made {} go", imported.evicted) : ""));
}

}  // namespace

void add_cache_export(CLI::App& cache, Context& context) {
    CLI::App* command = cache.add_subcommand("export", "Writes the whole cache into a file");
    auto file = std::make_shared<std::string>();
    command->add_option("file", *file, "Replaced if it is there; only its owner may read it")
        ->option_text("FILE")
        ->required();
    command->footer(
        R"(Entries with their vectors, scopes, quotas, limits and counters, all of one moment, while the cache is used. Lines of
JSON with a manifest at the top and a checksum at the end; `import` reads them. It holds what people asked.

Examples:
  stele cache export cache.stele
  head -1 cache.stele | jq .)");
    command->callback([&context, file] { run_export(context, *file); });
}

void add_cache_import(CLI::App& cache, Context& context) {
    CLI::App* command = cache.add_subcommand("import", "Stores what `export` wrote");
    auto options = std::make_shared<ImportCommand>();
    command->add_option("file", options->file, "As `export` writes it")->option_text("FILE")->required();
    command->add_flag("--keep", options->keep, "Where the cache has the same question, quota or counter: keep that");
    command->add_flag("--replace", options->replace, "Where it has the same: take that of the file");
    command->add_flag("--check", options->check, "Say whether the file is whole and what it holds; store nothing");
    command->footer(
        R"(All of it or nothing, after the whole file was checked. Without --keep and --replace the cache must be empty. Ages
and lifetimes go on as they were. Puts of others wait until it is over.

Examples:
  stele cache import cache.stele
  stele cache import cache.stele --check
  stele cache import cache.stele --keep)");
    command->callback([&context, options] { run_import(context, *options); });
}

}  // namespace stele::cli
