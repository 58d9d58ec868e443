#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cluster_text.hpp"
#include "commands.hpp"
#include "context.hpp"
#include "duration_option.hpp"
#include "stele/adopt.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct AdoptCommand {
    bool plan = false;
    bool undo = false;
    bool force = false;
    std::string lock_timeout = "2s";
};

json json_of(const std::vector<SchemaObject>& objects) {
    json list = json::array();
    for (const SchemaObject& object : objects) {
        list.push_back({{"kind", to_string(object.kind)},
                        {"table", object.table.empty() ? json() : json(object.table)},
                        {"name", object.name}});
    }
    return list;
}

json json_of(const Database& database, const AdoptionPlan& plan) {
    json found = json::array(), obstacles = json::array();
    for (const FoundTable& table : plan.found) {
        found.push_back({{"table", table.name}, {"system", table.system}, {"used", table.used}});
    }
    for (const Obstacle& obstacle : plan.obstacles) {
        obstacles.push_back({{"object", obstacle.object},
                             {"problem", obstacle.problem},
                             {"fix", obstacle.fix.empty() ? json() : json(obstacle.fix)},
                             {"right", obstacle.is_right}});
    }
    return {{"schema", database.schema()},
            {"database", database.describe()},
            {"adopted", plan.adopted},
            {"migrations", plan.migrations},
            {"found", found},
            {"created", json_of(plan.created)},
            {"obstacles", std::move(obstacles)}};
}

json json_of(const Database& database, const UndoPlan& plan) {
    json lost = json::array();
    for (const LostRows& rows : plan.lost) {
        lost.push_back({{"what", rows.what}, {"table", rows.table}, {"rows", rows.rows}});
    }
    return {{"schema", database.schema()},
            {"database", database.describe()},
            {"dropped", json_of(plan.dropped)},
            {"kept", plan.kept},
            {"lost", std::move(lost)}};
}

std::string place_of(const Database& database) {
    return fmt::format("schema {} in {}", database.schema(), database.describe());
}

void print(const Output& output, const std::vector<SchemaObject>& objects) {
    Table table{{"kind", "name", "of table"}, {}, {}};
    for (const SchemaObject& object : objects) {
        table.rows.push_back({std::string(to_string(object.kind)), object.name, object.table});
    }
    if (!table.rows.empty()) output.table(table);
}

void print_found(const Output& output, const AdoptionPlan& plan) {
    Table table{{"found", "of", ""}, {}, {}};
    for (const FoundTable& each : plan.found) {
        table.rows.push_back({each.name, each.system, each.used ? "" : "not needed yet, left alone"});
    }
    if (table.rows.empty()) return;
    output.table(table);
    output.line();
}

void print_obstacles(const Output& output, const AdoptionPlan& plan) {
    for (const Obstacle& obstacle : plan.obstacles) {
        output.line(output.paint(fmt::format("in the way: {}: {}", obstacle.object, obstacle.problem), Tone::bad));
        if (!obstacle.fix.empty()) output.line("    " + obstacle.fix);
    }
}

void show_plan(Context& context, Database& database) {
    const Output& output = context.output();
    const AdoptionPlan plan = plan_adoption(database, context.deadline());
    output.document(json_of(database, plan));
    print_found(output, plan);
    print(output, plan.created);
    print_obstacles(output, plan);
    if (!plan.obstacles.empty() || plan.found.empty()) context.exit = ExitCode::negative;
    if (!plan.obstacles.empty()) {
        output.note(
            fmt::format("{} cannot be adopted: {} in the way; nothing was changed", place_of(database),
                        count_text(static_cast<std::int64_t>(plan.obstacles.size()), "thing is", "things are")));
    } else if (plan.found.empty()) {
        output.note(fmt::format("{} has no table of draive, haiway or mneme", place_of(database)));
    } else if (plan.created.empty() && plan.migrations.empty()) {
        output.note(place_of(database) + " is adopted");
    } else {
        output.note(fmt::format("{} would be added to {}; nothing was changed",
                                count_text(static_cast<std::int64_t>(plan.created.size()), "thing", "things"),
                                place_of(database)));
    }
}

void adopt(Context& context, Database& database, const AdoptOptions& options) {
    const Output& output = context.output();
    const AdoptionPlan done = stele::adopt(database, options, context.deadline());
    output.document(json_of(database, done));
    if (done.adopted && done.created.empty() && done.migrations.empty()) {
        output.line(fmt::format("{} is adopted already; there was nothing to do.", place_of(database)));
        return;
    }
    print_found(output, done);
    print(output, done.created);
    output.line(fmt::format("Adopted {}. `stele --schema {} adopt --undo` takes it back.", place_of(database),
                            shell_word(database.schema())));
}

void print(const Output& output, const UndoPlan& plan) {
    print(output, plan.dropped);
    if (!plan.kept.empty()) output.line(fmt::format("kept, because it is used: {}", joined(plan.kept, ", ")));
    for (const LostRows& rows : plan.lost) {
        output.line(fmt::format("lost: {} ({} in {})", rows.what, rows.rows, rows.table));
    }
}

void show_undo(Context& context, Database& database) {
    const UndoPlan plan = plan_undo(database, context.deadline());
    context.output().document(json_of(database, plan));
    print(context.output(), plan);
    if (!plan.lost.empty()) context.exit = ExitCode::negative;
    context.output().note(fmt::format("this would be dropped from {}{}; nothing was changed", place_of(database),
                                      plan.lost.empty() ? "" : ", but only with --force"));
}

void undo(Context& context, Database& database, const UndoOptions& options) {
    const UndoPlan done = undo_adoption(database, options, context.deadline());
    context.output().document(json_of(database, done));
    print(context.output(), done);
    context.output().line(fmt::format("Stele has left {}.", place_of(database)));
}

void run(Context& context, const AdoptCommand& command) {
    const auto lock_timeout = parse_duration("--lock-timeout", command.lock_timeout);
    Database& database = context.database(Tables::none);
    if (command.plan) return command.undo ? show_undo(context, database) : show_plan(context, database);
    if (command.undo) return undo(context, database, {.lock_timeout = lock_timeout, .force = command.force});
    adopt(context, database, {.lock_timeout = lock_timeout});
}

}  // namespace

void add_adopt(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("adopt", "Takes over a schema of draive's, haiway's or mneme's");
    auto adopt = std::make_shared<AdoptCommand>();
    command->add_flag("--plan", adopt->plan, "Say what would be done and what is in the way; change nothing");
    CLI::Option* undo = command->add_flag("--undo", adopt->undo,
                                          "Drop what Stele added; leave what was there before, and all its rows");
    command->add_flag("--force", adopt->force, "With --undo: labels and notes on revisions may be lost")->needs(undo);
    command
        ->add_option("--lock-timeout", adopt->lock_timeout,
                     "How long to wait, in all, for tables that are in use (default: 2s)")
        ->option_text("DURATION");
    command->footer(
        R"(What is missing is added beside the running Python processes, in one transaction; their tables keep their rows,
columns and rights. When a table stays in use for too long, nothing is changed (status 3), and the error says by whom:
try again. The exit status of --plan is 1 when something is in the way or there is nothing
to adopt, or, with --undo, something would be lost. See
docs/adopt.md.

Examples:
  stele --dsn postgres://owner@db.example/app --schema public adopt --plan
  stele --dsn postgres://owner@db.example/app --schema public adopt --lock-timeout 5s
  stele --dsn postgres://owner@db.example/app --schema public adopt --undo)");
    command->callback([&context, adopt] { run(context, *adopt); });
}

}  // namespace stele::cli
