#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "json_lines.hpp"
#include "memory_command.hpp"
#include "stele/conversation_import.hpp"
#include "stele/conversation_memory.hpp"
#include "stele/model_memory.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct ImportCommand {
    std::string file;
    std::string key;
    std::optional<std::string> schema;
    std::optional<std::string> thread;
};

struct Counts {
    std::size_t lines = 0, turns = 0, elements = 0, variables = 0;
    std::size_t calls = 0, repeated = 0;  ///< of remember()
};

/// Lines that follow one another and are of one thread and one kind are stored together, so many at most.
class Import {
public:
    Import(Context& context, const ImportCommand& command, std::istream& in, const std::string& name)
        : context_(context), command_(command), name_(name), lines_(in, name, kLongest) {}

    Counts run() {
        while (take_line()) continue;
        flush();
        return counts_;
    }

private:
    static constexpr std::size_t kLongest = 64U << 20U;
    static constexpr std::size_t kBatch = 500;

    bool take_line() {
        try {
            const auto text = lines_.next();
            if (text) add(*text);
            return text.has_value();
        } catch (const Error& error) {
            if (error.code() != ErrorCode::invalid_argument) throw;
            lines_.refuse_line(lines_.without_line(error.info().message) + told());
        }
    }

    void add(std::string_view text) {
        const json line = json::parse(text);
        const auto thread = line.is_object() ? line.find("thread") : line.end();
        const auto of = [&](const char* what) { return line.is_object() && line.contains(what); };
        if (thread == line.end() || !thread->is_string() ||
            int{of("turn")} + int{of("element")} + int{of("variables")} != 1) {
            refuse("no object with \"thread\", a string, and one of \"turn\", \"element\" and \"variables\"");
        }
        const auto name = thread->get<std::string>();
        const bool full = turns_.size() + elements_.size() >= kBatch;
        const bool other_kind = of("turn") ? !elements_.empty() : !turns_.empty();
        if (full || name != thread_ || other_kind) flush();
        if (of("turn")) {
            turns_.push_back(from_json<ConversationTurn>(Json::parse(line["turn"].dump())));
        } else if (of("element")) {
            elements_.push_back(from_json<ModelElement>(Json::parse(line["element"].dump())));
        } else {
            variables_ = Json::parse(line["variables"].dump());
        }
        thread_ = name;
        if (first_ == 0) first_ = lines_.number();
        ++counts_.lines;
        if (variables_) flush();
    }

    void flush() {
        if (first_ == 0) return;
        try {
            const Remembered stored = turns_.empty() ? remember_elements() : remember_turns();
            ++counts_.calls;
            counts_.repeated += stored.repeated ? 1 : 0;
        } catch (const Error& error) {
            ErrorInfo info = error.info();
            info.message = fmt::format("{}, from line {}: {}{}", name_, first_, info.message, told());
            throw Error(std::move(info));
        }
        turns_.clear();
        elements_.clear();
        variables_.reset();
        first_ = 0;
    }
    Remembered remember_turns() {
        counts_.turns += turns_.size();
        return ConversationMemory(context_.database(), thread_)
            .remember(turns_, {.allow_unasked = true}, context_.deadline());
    }
    Remembered remember_elements() {
        RememberOptions options{.variables = variables_, .allow_unasked = true};
        if (!command_.key.empty()) options.key = fmt::format("{} line {}", command_.key, first_);
        counts_.elements += elements_.size();
        counts_.variables += variables_ ? 1 : 0;
        return ModelMemory(context_.database(), thread_).remember(elements_, options, context_.deadline());
    }
    /// What an error must add.
    std::string told() const {
        return counts_.calls == 0 ? ""
                                  : fmt::format("; stored before it: {}",
                                                count_text(static_cast<std::int64_t>(stored_lines()), "line", "lines"));
    }
    std::size_t stored_lines() const { return counts_.lines - turns_.size() - elements_.size() - (variables_ ? 1 : 0); }

    Context& context_;
    const ImportCommand& command_;
    const std::string& name_;
    JsonLines lines_;
    std::string thread_;
    std::vector<ConversationTurn> turns_;
    std::vector<ModelElement> elements_;
    std::optional<Json> variables_;
    std::size_t first_ = 0;  ///< line of what waits; 0: nothing does
    Counts counts_;
};

void import_lines(Context& context, const ImportCommand& command) {
    InputFile file(command.file);
    const Counts counts = Import(context, command, file.stream(), file.name()).run();
    const Output& output = context.output();
    output.document({{"lines", counts.lines},
                     {"turns", counts.turns},
                     {"elements", counts.elements},
                     {"variables", counts.variables},
                     {"batches", counts.calls},
                     {"repeated", counts.repeated}});
    const auto all = static_cast<std::int64_t>(counts.lines);
    output.line(fmt::format("{}: {} turns, {} elements, {} variables{}", count_text(all, "line", "lines"), counts.turns,
                            counts.elements, counts.variables,
                            counts.repeated > 0
                                ? fmt::format("; {} of {} batches were there already", counts.repeated, counts.calls)
                                : std::string()));
}

void import_tables(Context& context, const ImportCommand& command) {
    ImportConversationsOptions options{.schema = command.schema.value(), .identifier = command.thread};
    const ImportedConversations done = import_conversations(context.database(), options, context.deadline());
    const Output& output = context.output();
    output.document({{"conversations", done.conversations}, {"turns", done.turns}, {"stored", done.stored}});
    output.line(fmt::format("{} with {}; something was new in {}",
                            count_text(static_cast<std::int64_t>(done.conversations), "conversation", "conversations"),
                            count_text(static_cast<std::int64_t>(done.turns), "turn", "turns"), done.stored));
}

void run(Context& context, const ImportCommand& command) {
    if (command.schema.has_value() != command.file.empty()) {
        refuse("say what to import: a FILE of lines of JSON (- is standard input), or --from-tables SCHEMA");
    }
    if (command.thread && !command.schema) refuse("--thread is for --from-tables; take the lines you want from a file");
    if (!command.key.empty() && command.schema) refuse("--key is for lines of JSON: tables are imported once anyhow");
    command.schema ? import_tables(context, command) : import_lines(context, command);
}

}  // namespace

void add_memory_import(CLI::App& memory, Context& context) {
    CLI::App* command =
        memory.add_subcommand("import", "Stores what `export` wrote, or what older tables of draive hold");
    auto options = std::make_shared<ImportCommand>();
    command->add_option("file", options->file, "Lines of JSON as `export` writes them; - is standard input")
        ->option_text("FILE");
    command->add_option("--key", options->key, "A name for this import, so that elements are stored once")
        ->option_text("NAME");
    command
        ->add_option("--from-tables", options->schema,
                     "Make conversations of draive's tables memories and memories_elements in this schema")
        ->option_text("SCHEMA");
    command->add_option("--thread", options->thread, "Of these tables this memory only")->option_text("THREAD");
    command->footer(
        R"(Turns keep their identifiers and times, so importing them again changes nothing; a turn that is there and differs
ends it. Elements are appended and stamped now; with --key, importing the same lines again appends none. It
stores up to 500 lines of a thread at once, and an error says how many were stored before it.

Examples:
  stele memory import conversations.jsonl
  ssh old stele memory export --models | stele memory import - --key from-old
  stele memory import --from-tables public)");
    command->callback([&context, options] { run(context, *options); });
}

}  // namespace stele::cli
