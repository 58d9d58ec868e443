#include "model_command.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <system_error>

#include "commands.hpp"
#include "exit_code.hpp"
#include "stele/models.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_of_known() {
    std::vector<std::string> names;
    for (const KnownModel& model : known_models()) names.push_back(model.name);
    return names;
}

}  // namespace

fs::path models_target(bool system) {
    if (system) return kSystemModels;
    const auto folder = model_install_folder();
    if (!folder) refuse("there is no home directory for models: name a folder in STELE_MODELS, or give --system");
    return *folder;
}

std::string known_names() {
    return joined(names_of_known(), ", ", " and ");
}

std::string known_choices() {
    return joined(names_of_known(), "|");
}

std::vector<std::string> other_models(const std::vector<fs::path>& search) {
    std::vector<std::string> names;
    for (const fs::path& folder : search) {
        std::vector<std::string> here;
        std::error_code error;
        for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
            std::error_code ignored;
            const std::string name = entry->path().filename().string();
            const bool fresh = std::find(names.begin(), names.end(), name) == names.end();
            if (fresh && name.front() != '.' && find_known_model(name) == nullptr && entry->is_directory(ignored)) {
                here.push_back(name);
            }
        }
        std::sort(here.begin(), here.end());
        names.insert(names.end(), here.begin(), here.end());
    }
    return names;
}

void add_model(CLI::App& app, Context& context) {
    CLI::App* model = app.add_subcommand("model", "Installs the models by which questions are matched by meaning");
    model->require_subcommand(1, 1);
    add_model_install(*model, context);
    add_model_list(*model, context);
    add_model_verify(*model, context);
    add_model_remove(*model, context);
    model->footer(
        R"(Models are looked for in the folders of STELE_MODELS (with colons between), then in the user's data folder
(~/.local/share/stele/models), /usr/local/share/stele/models and /usr/share/stele/models.

Examples:
  stele model install minilm
  stele model list
  stele model verify)");
}

}  // namespace stele::cli
