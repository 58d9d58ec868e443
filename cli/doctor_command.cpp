#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "cluster_text.hpp"
#include "commands.hpp"
#include "context.hpp"
#include "doctor_checks.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

/// Nothing, and why among the findings, when it cannot be reached. One behind a pooler of which we were not told is
/// examined all the same.
std::optional<Database> connect(Context& context, const std::optional<Dsn>& dsn, Findings& findings) {
    DatabaseOptions options = context.database_options(Tables::none);
    options.max_prepared = 0;  // works behind any pooler
    try {
        Database database = Database::open(options, context.deadline());
        findings.push_back({"connection", Health::ok, database.describe(), {}});
        return database;
    } catch (const Error& error) {
        if (error.code() == ErrorCode::invalid_argument) throw;
        findings.push_back(connection_finding(error, dsn));
        if (!is_refused_by_pooler(error) || options.pooler == Pooler::transaction) return std::nullopt;
    }
    options.pooler = Pooler::transaction;
    try {
        return Database::open(options, context.deadline());
    } catch (const Error&) {
        return std::nullopt;  // the finding stands
    }
}

/// How stele is called so that it uses the same database; without a password, which would be seen.
std::string command_for(const Context& context, const std::optional<Dsn>& dsn) {
    std::string command = "stele";
    if (!context.options.data_directory.empty()) {
        command += " --data-dir " + shell_word(context.options.data_directory);
    }
    if (dsn && !context.options.dsn.empty()) {
        std::string text;
        for (const auto& [keyword, value] : dsn->parameters()) {
            if (value.empty() || keyword.find("password") != std::string::npos) continue;
            std::string quoted;
            for (const char letter : value)
                quoted += (letter == '\'' || letter == '\\' ? "\\" : "") + std::string(1, letter);
            const bool plain = quoted.find_first_of(" \\") == std::string::npos;
            text += fmt::format("{}{}={}", text.empty() ? "" : " ", keyword, plain ? quoted : "'" + quoted + "'");
        }
        if (dsn->pooler() == Pooler::transaction) text += " pooler=transaction";
        command += " --dsn " + shell_word(text);
    }
    return context.options.schema == "stele" ? command : command + " --schema " + shell_word(context.options.schema);
}

void examine(Context& context, const std::optional<Dsn>& dsn, Findings& findings) {
    std::optional<Database> database = connect(context, dsn, findings);
    if (!database) return;
    const std::size_t default_pool = database->options().max_connections;
    check_server(*database, dsn ? dsn->pool_size().value_or(default_pool) : default_pool, findings);
    const Pooler expected = dsn ? dsn->pooler().value_or(Pooler::none) : Pooler::none;
    check_pooler(dsn, expected, context.deadline().value_or(Deadline::after(std::chrono::seconds(10))), findings);
    check_pgvector(*database, findings);
    check_schema(*database, command_for(context, dsn), findings);
}

std::string mark_of(const Output& output, Health health) {
    switch (health) {
        case Health::ok: return output.paint("ok  ", Tone::good);
        case Health::warning: return output.paint("warn", Tone::warning);
        case Health::failure: return output.paint("FAIL", Tone::bad);
    }
    return "FAIL";
}

void show(const Output& output, const Findings& findings) {
    std::size_t width = 0;
    for (const Finding& finding : findings) width = std::max(width, finding.check.size());
    for (const Finding& finding : findings) {
        output.line(fmt::format("{}  {:<{}}  {}", mark_of(output, finding.health), finding.check, width,
                                printable(finding.text)));
        if (!finding.fix.empty()) {
            output.line(fmt::format("      {:<{}}  {} {}", "", width, output.paint("fix:", Tone::strong),
                                    printable(finding.fix)));
        }
    }
}

void run(Context& context) {
    std::optional<Dsn> dsn = context.options.dsn.empty() ? Dsn::from_environment() : Dsn::parse(context.options.dsn);
    Findings findings;
    examine(context, dsn, findings);
    const auto count = [&findings](Health health) {
        return std::count_if(findings.begin(), findings.end(),
                             [health](const Finding& f) { return f.health == health; });
    };
    const auto failures = count(Health::failure), warnings = count(Health::warning);

    json list = json::array();
    for (const Finding& finding : findings) {
        list.push_back({{"check", finding.check},
                        {"status", std::string(to_string(finding.health))},
                        {"finding", finding.text},
                        {"fix", finding.fix.empty() ? json() : json(finding.fix)}});
    }
    const Output& output = context.output();
    output.document({{"database", dsn ? dsn->describe() : "embedded cluster"},
                     {"schema", context.options.schema},
                     {"healthy", failures == 0},
                     {"failures", failures},
                     {"warnings", warnings},
                     {"findings", list}});
    show(output, findings);
    output.line();
    output.line(failures + warnings == 0 ? std::string("All is well.")
                                         : count_text(failures, "failure", "failures") + ", " +
                                               count_text(warnings, "warning", "warnings") + ".");
    if (failures > 0) context.exit = ExitCode::negative;
}

}  // namespace

void add_doctor(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("doctor", "Examines the server and the tables, with a fix for each finding");
    command->footer(
        R"(Looks at the connection, the server's version, whether it can be written, encoding, the role's rights, a
pooler in between, durability settings, connection limits, pgvector, migrations, tables, keys, indexes and
which embedder the vectors are of. Changes nothing. The exit status is 1 when something fails; warnings do not.

Examples:
  stele doctor
  stele --dsn postgres://app@db.example/app doctor
  stele doctor --json | jq -r '.findings[] | select(.status != "ok") | .fix')");
    command->callback([&context] { run(context); });
}

}  // namespace stele::cli
