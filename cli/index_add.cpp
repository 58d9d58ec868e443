#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "context.hpp"
#include "exit_code.hpp"
#include "index_command.hpp"
#include "index_folder.hpp"
#include "json_documents.hpp"
#include "progress.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

namespace fs = std::filesystem;

struct AddCommand {
    std::string table;
    std::string source = "-";
    std::string text, key, vector;   ///< paths; empty: not given
    std::vector<std::string> types;  ///< of files
    std::string prefix;
    bool prune = false;
    bool skip = false;
    bool dry_run = false;
    EmbedderOptions embedder;
};

struct Refused {
    std::size_t line;
    std::string reason;
};

struct Added {
    std::size_t documents = 0;
    std::size_t embedded = 0;
    std::size_t removed = 0;
    std::vector<Refused> refused;
};

std::vector<std::string> endings(std::vector<std::string> types) {
    if (types.empty()) return {".md", ".markdown", ".txt"};
    for (std::string& type : types) {
        if (!type.starts_with('.')) type.insert(type.begin(), '.');
    }
    return types;
}

/// 0: not known, because it can be read only once.
std::size_t count_lines(const std::string& name) {
    std::error_code ignored;
    if (!fs::is_regular_file(name, ignored)) return 0;
    InputFile file(name);
    return static_cast<std::size_t>(std::count(std::istreambuf_iterator<char>(file.stream()), {}, '\n'));
}

/// The documents of a file, one after the other, and on which lines they stood.
class LineSource {
public:
    LineSource(JsonLines& lines, const DocumentMembers& members, bool skip, std::vector<Refused>& refused)
        : lines_(lines), documents_(lines, members), skip_(skip), refused_(refused) {}

    std::optional<Json> next() {
        for (;;) {
            try {
                std::optional<Json> document = documents_.next();
                if (document) numbers_.push_back(lines_.number());
                return document;
            } catch (const Error& error) {
                // no further: it cannot be read at all
                if (!skip_ || std::exchange(refused_at_, lines_.number()) == lines_.number()) throw;
                refused_.push_back({lines_.number(), lines_.without_line(error.info().message)});
            }
        }
    }
    std::vector<float> take_vector() { return documents_.take_vector(); }
    std::size_t line_of(std::size_t position) const { return numbers_.at(position); }

private:
    JsonLines& lines_;
    JsonDocuments documents_;
    bool skip_;
    std::vector<Refused>& refused_;
    std::size_t refused_at_ = 0;
    std::vector<std::size_t> numbers_;
};

/// Of the whole, if it has one. A model in this process may take its time for a batch; a server has the usual limit.
std::optional<Deadline> index_deadline(Context& context, EmbedderKind kind) {
    if (kind == EmbedderKind::http) return context.deadline();
    return call_deadline(kind, context.deadline());
}

DocumentMembers members_of(const AddCommand& command) {
    DocumentMembers members;
    members.text = detail::parse_path(command.text.empty() ? "text" : command.text);
    if (!command.key.empty()) members.key = detail::parse_path(command.key);
    if (command.vector.empty()) return members;
    members.vector = detail::parse_path(command.vector);
    if (std::any_of(members.vector->begin(), members.vector->end(), [](const auto& step) { return step.item; })) {
        refuse(fmt::format("--vector takes a member by names, not '{}'", printable(command.vector)));
    }
    return members;
}

Added add_lines(Context& context, const AddCommand& command, const DocumentMembers& members, JsonIndex& index,
                EmbedderKind kind) {
    InputFile file(command.source);
    JsonLines lines(file.stream(), file.name());
    Added added;
    LineSource source(lines, members, command.skip, added.refused);
    if (command.dry_run) {
        while (source.next()) ++added.documents;
        return added;
    }
    std::optional<Progress> bar;
    if (const std::size_t total = count_lines(command.source); total > 0) {
        bar.emplace(context.output(), "Indexing", total);
    }
    IndexAllOptions<Json> options;
    if (members.key) options.key = [&](const Json& document) { return members.key_of(document); };
    options.deadline = index_deadline(context, kind);
    options.on_progress = [&](const IndexProgress& so_far) {
        if (bar && so_far.values > 0) bar->at(source.line_of(so_far.values - 1));
    };
    if (command.skip) {
        options.on_refused = [&](const RefusedValue& refused) {
            added.refused.push_back({source.line_of(refused.position), refused.error.message});
        };
    }
    const auto next = [&] { return source.next(); };
    const auto text_of = [&](const Json& document) { return members.text_of(document); };
    const auto vector_of = [&](const Json&) { return source.take_vector(); };
    const IndexProgress done =
        members.vector ? index.index_all(next, vector_of, options) : index.index_all(next, text_of, options);
    added.documents = done.stored + done.unchanged;
    added.embedded = done.embedded;
    return added;
}

Added add_folder(Context& context, const AddCommand& command, JsonIndex& index, const ChosenEmbedder& chosen) {
    const std::vector<DocumentChunk> chunks =
        read_documents(command.source, endings(command.types), command.prefix, *chosen.embedder);
    if (chunks.empty()) {
        refuse(fmt::format("{} has no text in files that end with {}; --type names other endings", command.source,
                           joined(endings(command.types), ", ", " or ")));
    }
    FolderIndex folder(index, chunks, command.prefix);
    Added added;
    added.documents = chunks.size();
    if (!command.dry_run) {
        Progress progress(context.output(), "Indexing", chunks.size());
        progress.at(0);
        added.embedded = folder.add(index_deadline(context, chosen.kind), [&](std::size_t done) { progress.at(done); });
    }
    const std::vector<Uuid> stale = folder.stale(command.prune, context.deadline());
    added.removed = stale.size();
    if (!command.dry_run) index.remove(stale, context.deadline());
    return added;
}

void check(const AddCommand& add, bool folder) {
    const auto only_for = [folder](bool of_folder, std::string_view option, bool given) {
        if (given && folder != of_folder) {
            refuse(fmt::format("{} is for {}", option, of_folder ? "a folder of texts" : "JSON documents"));
        }
    };
    only_for(false, "--text", !add.text.empty());
    only_for(false, "--key", !add.key.empty());
    only_for(false, "--vector", !add.vector.empty());
    only_for(false, "--skip", add.skip);
    only_for(true, "--type", !add.types.empty());
    only_for(true, "--prefix", !add.prefix.empty());
    only_for(true, "--prune", add.prune);
    if (!add.vector.empty() && !add.text.empty()) {
        refuse("--vector is for vectors that come ready, --text for what is embedded: give one of them");
    }
}

/// None for vectors that come ready, unless it is told whose they are.
ChosenEmbedder choose_embedder(Context& context, const AddCommand& add) {
    if (!add.vector.empty() && !is_embedder_given(add.embedder)) return {};
    return make_index_embedder(context, add.embedder);
}

void print(const Output& output, const AddCommand& command, const Added& added) {
    constexpr std::size_t kShown = 20;
    nlohmann::json refused = nlohmann::json::array();
    for (const Refused& each : added.refused) {
        if (refused.size() < kShown) output.note(fmt::format("line {}: {}", each.line, one_line(each.reason)));
        refused.push_back({{"line", each.line}, {"message", each.reason}});
    }
    output.document({{"table", command.table},
                     {"dry_run", command.dry_run},
                     {"documents", added.documents},
                     {"embedded", added.embedded},
                     {"removed", added.removed},
                     {"refused", refused}});
    const std::string count = count_text(static_cast<std::int64_t>(added.documents), "document", "documents");
    std::string more = added.removed > 0 ? fmt::format(", {} removed", added.removed) : "";
    if (!added.refused.empty()) more += fmt::format(", {} refused", added.refused.size());
    output.line(command.dry_run ? fmt::format("{} would be indexed{}; nothing was changed", count, more)
                                : fmt::format("{} indexed, {} of them embedded{}", count, added.embedded, more));
}

void run(Context& context, const AddCommand& add) {
    std::error_code ignored;
    const bool folder = fs::is_directory(add.source, ignored);
    check(add, folder);
    const DocumentMembers members = members_of(add);
    const ChosenEmbedder chosen = choose_embedder(context, add);
    VectorIndexOptions options;
    options.table = add.table;
    JsonIndex index(index_database(context), chosen.embedder, options);
    const Added added = with_embedder_hint(context, add.table, [&] {
        return folder ? add_folder(context, add, index, chosen) : add_lines(context, add, members, index, chosen.kind);
    });
    print(context.output(), add, added);
    if (!added.refused.empty()) context.exit = ExitCode::negative;
}

}  // namespace

void add_index_add(CLI::App& index, Context& context) {
    CLI::App* command = index.add_subcommand("add", "Indexes JSON documents, or a folder of texts");
    auto add = std::make_shared<AddCommand>();
    add_index_table(*command, add->table);
    command
        ->add_option("source", add->source,
                     "A file of one JSON object a line (- or nothing: standard input), or a folder of texts")
        ->option_text("SOURCE");
    command->add_option("--text", add->text, "Of JSON: the member that is embedded (default: text)")
        ->option_text("MEMBER");
    command
        ->add_option(
            "--vector", add->vector,
            "Of JSON: the member that holds the vector, an array of numbers, instead of an embedder; it is not "
            "stored in the document")
        ->option_text("MEMBER");
    command
        ->add_option("--key", add->key,
                     "Of JSON: the member that identifies a document; one of the same key is replaced (default: none, "
                     "every run adds)")
        ->option_text("MEMBER");
    command
        ->add_option("--type", add->types,
                     "Of a folder: how the names of its files end; may be given several times (default: .md, "
                     ".markdown and .txt)")
        ->option_text("ENDING")
        ->take_all()
        ->allow_extra_args(false);
    command
        ->add_option("--prefix", add->prefix,
                     "Of a folder: put before the paths, so that several folders fit into one index")
        ->option_text("TEXT");
    command->add_flag("--prune", add->prune, "Of a folder: remove what was indexed of files that are gone");
    command->add_flag("--skip", add->skip,
                      "Of JSON: report documents that cannot be indexed, and index the others (default: all or none)");
    command->add_flag("-n,--dry-run", add->dry_run, "Read everything and say what would be done; change nothing");
    add_index_embedder_options(*command, add->embedder);
    command->footer(
        R"(The index is made if it is not there (stele index create makes it with other properties). Texts are cut at their
headings and paragraphs into parts that the embedder reads whole, each a document with path, title, heading,
position and text; a text that is indexed again is embedded only where it changed. All documents are indexed, or
none; with --skip all that can be, batch by batch, and the exit status is 1 when some were refused.

Examples:
  stele index add handbook ./docs --prune
  stele index add tickets tickets.jsonl --text body --key id
  zcat tickets.jsonl.gz | stele index add tickets --text body --key id --skip
  stele index add photos photos.jsonl --vector embedding --key file)");
    command->callback([&context, add] { run(context, *add); });
}

}  // namespace stele::cli
