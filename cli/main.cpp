#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "command_tree.hpp"
#include "commands.hpp"
#include "context.hpp"
#include "help.hpp"
#include "usage.hpp"

namespace stele::cli {
namespace {

constexpr const char* kFooter =
    R"(Where the database is: --dsn; else what POSTGRES_HOST, POSTGRES_PORT, POSTGRES_DATABASE, POSTGRES_USER,
POSTGRES_PASSWORD or libpq's own variables (PGHOST ...) name; else the embedded cluster, which is created
and started when it is needed.

Exit status:
  0  done
  1  it worked, and the answer is no: a miss, nothing found, not running, pending migrations, findings
  2  wrong usage: an unknown option, a value that is refused
  3  a server cannot be reached, refuses the user, or does not answer in time
  4  the database does not fit: tables missing or newer, no right, another embedder's vectors
  5  anything else

With --json, results are JSON on standard output and an error is one line on standard error:
  {"error":{"code":"unavailable","message":"...","retry":"call","in_doubt":false}}

Examples:
  stele demo                                         # see it work
  stele cache put "Where is my order?" "In your account, under Orders."
  stele cache get "where is my order?"
  stele --dsn postgres://app@db.example/app migrate --plan
  stele doctor --json)";

class OwnHelp : public CLI::FormatterBase {
public:
    explicit OwnHelp(const CLI::App& root) : root_(root) {}

    std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
        const std::size_t above = name.rfind(' ');
        const CommandInfo command = read_command(*app, above == std::string::npos ? "" : name.substr(0, above));
        const std::vector<OptionInfo> global = app == &root_ ? std::vector<OptionInfo>() : read_command(root_).options;
        return mode == CLI::AppFormatMode::All ? whole_help_text(command, global) : help_text(command, global);
    }

private:
    const CLI::App& root_;
};

/// A descriptor that is closed would be given to the next connection, and our output sent to the server.
void open_standard_files() {
    for (const int file : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(file, F_GETFD) < 0 && errno == EBADF && ::open("/dev/null", O_RDWR) < 0) std::_Exit(5);
    }
}

void leave_terminal_clean(int signal) {
    if (::isatty(STDERR_FILENO) == 1) {
        constexpr std::string_view kReset = "\r\033[K\033[0m";  // takes a progress bar away
        [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kReset.data(), kReset.size());
    }
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

void do_nothing(int) {}

void handle_signals() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        // nohup's wish, for example, is kept
        if (std::signal(signal, leave_terminal_clean) == SIG_IGN) std::signal(signal, SIG_IGN);
    }
    // not ignored, which programs that we start would inherit; writing then fails with EPIPE
    std::signal(SIGPIPE, do_nothing);
}

void add_options(CLI::App& app, GlobalOptions& options) {
    app.add_option("--dsn", options.dsn,
                   "The server: postgres://user@host:port/database or host=... dbname=...; a password is better kept "
                   "in POSTGRES_PASSWORD or ~/.pgpass, since others can see this line")
        ->option_text("DSN");
    app.add_option("--schema", options.schema, "Where Stele's tables live (default: stele)")->option_text("NAME");
    app.add_option("--data-dir", options.data_directory,
                   "Use the embedded cluster in this directory (default: $STELE_DATA_DIR, /var/lib/stele for root, "
                   "else ~/.local/share/stele)")
        ->option_text("DIR");
    app.add_option("--deadline", options.deadline_seconds, "Give up after this time")
        ->option_text("SECONDS")
        ->check(check_seconds);
    app.add_flag("--json", options.json, "Print JSON instead of text");
    app.add_flag("-v,--verbose", options.verbose, "Say on standard error what is being done");
}

void add_commands(CLI::App& app, Context& context) {
    app.set_help_flag("-h,--help", "Print this help");
    app.set_help_all_flag("--help-all", "Print the help of all commands")->group("");
    app.set_version_flag("--version", "stele " STELE_VERSION, "Print the version");
    add_options(app, context.options);
    app.formatter(std::make_shared<OwnHelp>(app));
    app.fallthrough();  // inherited: global options may stand behind a command, too
    app.parse_complete_callback([&app, &context] {
        check_given(app);
        context.apply_options();
    });
    add_up(app, context);
    add_down(app, context);
    add_status(app, context);
    add_migrate(app, context);
    add_adopt(app, context);
    add_doctor(app, context);
    add_cache(app, context);
    add_config(app, context);
    add_template(app, context);
    add_label(app, context);
    add_index(app, context);
    add_memory(app, context);
    add_embed(app, context);
    add_model(app, context);
    add_demo(app, context);
    add_completion(app, context);
    app.require_subcommand(1, 1);  // so that a later word, such as a question, is never taken for a command
    app.footer(kFooter);
}

ExitCode report(const CLI::App& app, const CLI::ParseError& error, const Context& context, bool json) {
    const Output& output = context.output();
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {  // --help, --version
        std::string text = error.get_name() == "CallForAllHelp" ? app.help("", CLI::AppFormatMode::All)
                           : error.get_name() == "CallForHelp"  ? app.help()
                                                                : std::string(error.what()) + "\n";
        if (json && error.get_name() == "CallForVersion") {
            output.document({{"version", STELE_VERSION}});
        } else if (json) {
            output.document({{"help", text}});
        } else {
            output.raw(text);
        }
        output.flush();
        return ExitCode::ok;
    }
    std::string path;
    for (const CLI::App* at = &innermost(app); at != nullptr; at = at->get_parent()) {
        path.insert(0, at->get_name() + " ");
    }
    output.error("usage", fmt::format("{}; see `{}--help`", usage_message(app, error), path));
    return ExitCode::usage;
}

ExitCode run(int argc, char** argv) {
    Context context;
    const auto end = argv + argc;
    const auto last = std::find(argv, end, std::string_view("--"));
    // an error in the line itself is to be JSON too
    const bool json = std::find(argv, last, std::string_view("--json")) != last;
    const Output& output = context.output();
    try {
        CLI::App app("Durable memory for AI applications, on PostgreSQL.", "stele");
        add_commands(app, context);
        try {
            app.parse(argc, argv);
        } catch (const CLI::ParseError& error) {
            context.options.json = json;
            return report(app, error, context, json);
        }
        output.flush();
        return context.exit;
    } catch (const OutputLost& lost) {
        if (lost.reason == EPIPE) return ExitCode::output_closed;
        output.error("output",
                     fmt::format("the output cannot be written: {}", std::generic_category().message(lost.reason)));
        return ExitCode::failed;
    } catch (const Error& error) {
        ErrorInfo info = error.info();
        if (info.sqlstate == "42501") info.message += " (`stele doctor` names the GRANT that the role lacks)";
        output.error(info);
        return exit_code_of(error.code());
    } catch (const std::exception& error) {
        output.error("internal", error.what());
        return ExitCode::failed;
    }
}

}  // namespace
}  // namespace stele::cli

int main(int argc, char** argv) {
    stele::cli::open_standard_files();
    stele::cli::handle_signals();
    return static_cast<int>(stele::cli::run(argc, argv));
}
