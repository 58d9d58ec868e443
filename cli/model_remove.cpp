#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include "context.hpp"
#include "model_check.hpp"
#include "model_command.hpp"
#include "model_files.hpp"
#include "stele/models.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

namespace fs = std::filesystem;

void remove_file(const fs::path& file) {
    std::error_code error;
    fs::remove(file, error);
    if (error) fail_file(fmt::format("cannot remove {}", file.string()), error.value());
}

/// What Stele placed there; returns the names of what stays, because somebody else did. The record goes last, so that
/// after an interruption the rest can still be removed.
std::vector<std::string> remove_placed(const fs::path& models, const fs::path& folder, const KnownModel* known) {
    const FolderLock guard(models, FolderLock::Wait::yes);
    const std::vector<std::string> foreign = foreign_files(folder, known);
    std::vector<fs::path> records;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (std::find(foreign.begin(), foreign.end(), name) != foreign.end()) continue;
        if (name.starts_with(kModelRecord)) {
            records.push_back(entry->path());
        } else {
            remove_file(entry->path());
        }
    }
    if (error) fail_file(fmt::format("cannot read {}", folder.string()), error.value());
    for (const fs::path& record : records) remove_file(record);
    if (foreign.empty()) remove_file(folder);
    return foreign;
}

void run(Context& context, const std::string& name, bool system) {
    const fs::path models = models_target(system);
    const auto folder = find_model_folder(name, {models});
    const Output& output = context.output();
    if (!folder) {
        const auto elsewhere = find_model_folder(name, model_search_path());
        output.document({{"removed", false}, {"folder", nullptr}, {"kept", nlohmann::json::array()}});
        output.line(fmt::format("there is no model {} in {}", printable(name), printable(models.string())));
        if (elsewhere) {
            const bool of_system = elsewhere->parent_path() == kSystemModels;
            output.note(
                fmt::format("there is one in {}{}", elsewhere->string(), of_system ? ", which --system removes" : ""));
        }
        context.exit = ExitCode::negative;
        return;
    }
    if (!size_of_file(*folder / kModelRecord)) {
        refuse(
            fmt::format("{} was not placed by Stele, which removes only its own: remove it by hand", folder->string()));
    }
    const std::vector<std::string> kept = remove_placed(models, *folder, find_known_model(name));
    output.document({{"removed", true}, {"folder", folder->string()}, {"kept", kept}});
    output.line(fmt::format("removed {}", printable(folder->string())));
    if (!kept.empty()) {
        output.note(fmt::format("the folder stays, with what Stele did not place: {}", fmt::join(kept, ", ")));
    }
}

struct RemoveCommand {
    std::string name;
    bool system = false;
};

}  // namespace

void add_model_remove(CLI::App& model, Context& context) {
    CLI::App* command = model.add_subcommand("remove", "Removes a model that `stele model install` placed");
    auto remove = std::make_shared<RemoveCommand>();
    command->add_option("name", remove->name, "Which one")->option_text("NAME")->required();
    command->add_flag("--system", remove->system, "The one for all users, in /usr/local/share/stele/models");
    command->footer(
        R"(From where `install` places it; files of others in its folder stay. The exit status is 1 when there was none.

Examples:
  stele model remove bge-small
  stele model remove minilm --system)");
    command->callback([&context, remove] { run(context, remove->name, remove->system); });
}

}  // namespace stele::cli
