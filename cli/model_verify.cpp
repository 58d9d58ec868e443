#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "context.hpp"
#include "exit_code.hpp"
#include "model_check.hpp"
#include "model_command.hpp"
#include "stele/error.hpp"
#include "stele/models.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json json_of(const ModelCheck& check) {
    const auto text = [](const std::string& value) { return value.empty() ? json() : json(value); };
    json files = json::array();
    for (const FileCheck& file : check.files) {
        files.push_back({{"name", file.name}, {"whole", file.fault.empty()}, {"finding", text(file.fault)}});
    }
    return {{"name", check.name},
            {"folder", check.folder.string()},
            {"whole", check.whole()},
            {"finding", text(check.summary())},
            {"files", files}};
}

void show(const Output& output, const ModelCheck& check) {
    const auto mark = [&output](bool well) {
        return well ? output.paint("ok  ", Tone::good) : output.paint("FAIL", Tone::bad);
    };
    output.line(fmt::format("{}  {} in {}", mark(check.whole()), check.name, printable(check.folder.string())));
    for (const FileCheck& file : check.files) {
        output.line(
            fmt::format("  {}  {}", mark(file.fault.empty()), printable(file.fault.empty() ? file.name : file.fault)));
    }
    if (!check.fault.empty()) output.line("        " + printable(check.fault));
    if (check.files.empty()) output.line("        no sum of its files is known, so there is nothing to compare with");
}

void run(Context& context, const std::string& wanted) {
    const std::vector<fs::path> search = model_search_path();
    std::vector<std::string> names;
    if (wanted.empty()) {
        for (const KnownModel& model : known_models()) names.push_back(model.name);
        for (std::string& name : other_models(search)) names.push_back(std::move(name));
    } else {
        names.push_back(wanted);
    }
    std::vector<ModelCheck> checks;
    for (const std::string& name : names) {
        const auto folder = find_model_folder(name, search);
        if (folder) checks.push_back(check_model(name, *folder, find_known_model(name)));
    }
    if (checks.empty() && !wanted.empty()) {
        try {
            find_model(wanted, search);
        } catch (const Error& error) {
            fail(ErrorCode::not_found, error.what());
        }
    }
    json models = json::array();
    bool whole = !checks.empty();
    for (const ModelCheck& check : checks) {
        models.push_back(json_of(check));
        whole = whole && check.whole();
    }
    const Output& output = context.output();
    output.document({{"whole", whole}, {"models", models}});
    for (const ModelCheck& check : checks) {
        show(output, check);
        if (!check.whole() && find_known_model(check.name) != nullptr) {
            output.note(fmt::format("`stele model install {}` puts it right", check.name));
        }
    }
    if (checks.empty()) output.note("no model is installed");
    if (!whole) context.exit = ExitCode::negative;
}

}  // namespace

void add_model_verify(CLI::App& model, Context& context) {
    CLI::App* command = model.add_subcommand("verify", "Reads every file of a model again and compares its sha256");
    auto name = std::make_shared<std::string>();
    command->add_option("name", *name, "Which one (default: all that are installed)")->option_text("NAME");
    command->footer(R"(Changes nothing. The exit status is 1 when one is damaged, or none is there.

Examples:
  stele model verify
  stele model verify minilm --json | jq .whole)");
    command->callback([&context, name] { run(context, *name); });
}

}  // namespace stele::cli
