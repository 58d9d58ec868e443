#include <CLI/CLI.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "context.hpp"

namespace stele::cli {
namespace {

void stop_cluster(Context& context) {
    if (!context.options.dsn.empty()) refuse("down stops the embedded cluster: --dsn has no part in it");
    const Deadline deadline = context.deadline().value_or(Deadline::after(std::chrono::seconds(60)));
    const bool stopped = Cluster::stop(context.cluster_options(), deadline);
    const Output& output = context.output();
    output.document({{"stopped", stopped}});
    output.line(stopped ? "The embedded cluster has stopped. Its data is kept." : "The embedded cluster did not run.");
}

}  // namespace

void add_down(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("down", "Stops the embedded cluster; its data is kept");
    command->footer(
        R"(Programs that use the cluster lose their connections, and start it again with their next call. It is no
error when nothing runs.

Examples:
  stele down
  stele down --data-dir ./data)");
    command->callback([&context] { stop_cluster(context); });
}

}  // namespace stele::cli
