#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "context.hpp"
#include "model_command.hpp"
#include "model_files.hpp"
#include "stele/error.hpp"
#include "stele/models.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Listed {
    std::string name;
    const KnownModel* known = nullptr;
    std::optional<fs::path> folder;
    std::string sha256;   ///< of the weights, where it is known
    std::string finding;  ///< what is wrong with it

    std::string state() const {
        if (!folder) return "not installed";
        return finding.empty() ? "installed" : "damaged";
    }
};

Listed look(const std::string& name, const std::vector<fs::path>& search) {
    Listed one{name, find_known_model(name), find_model_folder(name, search), {}, {}};
    if (!one.folder) return one;
    try {
        one.sha256 = find_model(name, search).model_sha256;
    } catch (const Error& error) {
        one.finding = error.what();
    }
    return one;
}

json json_of(const Listed& one) {
    const auto text = [](const std::string& value) { return value.empty() ? json() : json(value); };
    std::string state = one.state();
    if (!one.folder) state = "not_installed";
    return {{"name", one.name},
            {"state", state},
            {"folder", one.folder ? json(one.folder->string()) : json()},
            {"bytes", one.folder ? json(bytes_in(*one.folder)) : json()},
            {"sha256", text(one.sha256)},
            {"finding", text(one.finding)},
            {"title", one.known != nullptr ? json(one.known->title) : json()},
            {"license", one.known != nullptr ? json(one.known->license) : json()},
            {"dimension", one.known != nullptr ? json(one.known->dimension) : json()}};
}

void run(Context& context) {
    const std::vector<fs::path> search = model_search_path();
    std::vector<Listed> all;
    for (const KnownModel& model : known_models()) all.push_back(look(model.name, search));
    for (const std::string& name : other_models(search)) all.push_back(look(name, search));

    json models = json::array(), folders = json::array();
    Table table{{"model", "state", "size", "published as", "licence", "folder"}, {}, {false, false, true}};
    bool any = false;
    for (const Listed& one : all) {
        any = any || one.folder;
        models.push_back(json_of(one));
        table.rows.push_back({one.name, one.state(), one.folder ? bytes_text(bytes_in(*one.folder)) : "",
                              one.known != nullptr ? one.known->title : "",
                              one.known != nullptr ? one.known->license : "", one.folder ? one.folder->string() : ""});
    }
    for (const fs::path& folder : search) folders.push_back(folder.string());
    const Output& output = context.output();
    output.document({{"models", models}, {"folders", folders}});
    output.table(table);
    for (const Listed& one : all) {
        if (!one.finding.empty()) output.note(printable(one.finding));
    }
    if (!any)
        output.note(fmt::format("`stele model install {}` installs the default one", known_models().front().name));
}

}  // namespace

void add_model_list(CLI::App& model, Context& context) {
    CLI::App* command = model.add_subcommand("list", "Lists the models that Stele knows, and those that are installed");
    command->footer(R"(Looks at names and sizes; `stele model verify` reads the files.

Examples:
  stele model list
  stele model list --json | jq -r '.models[] | select(.state == "installed") | .folder')");
    command->callback([&context] { run(context); });
}

}  // namespace stele::cli
