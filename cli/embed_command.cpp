#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "context.hpp"
#include "embed_lines.hpp"
#include "embed_print.hpp"
#include "embedder_options.hpp"
#include "json_lines.hpp"
#include "standard_input.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

constexpr EmbedderKind kDefault = EmbedderKind::local;
constexpr std::size_t kLongestText = 4'194'304;

struct EmbedCommand {
    std::vector<std::string> texts;
    std::string lines;  ///< a file, or "-"
    EmbedderOptions embedder;
};

void check(std::vector<std::string>& texts) {
    if (std::count(texts.begin(), texts.end(), "-") > 1) refuse("- stands for standard input, which is there once");
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (texts[i] == "-") texts[i] = read_standard_input("the text", kLongestText);
        const std::string which = texts.size() == 1 ? "the text" : fmt::format("text {}", i + 1);
        if (texts[i].size() > kLongestText) refuse(fmt::format("{} is longer than {} bytes", which, kLongestText));
        if (!is_utf8(texts[i])) refuse(which + " is not UTF-8");
    }
}

void embed_texts(Context& context, EmbedCommand& embed) {
    check(embed.texts);
    const ChosenEmbedder chosen = make_embedder(embed.embedder, kDefault, context.deadline());
    EmbedReport report;
    report.embedder = describe(embed.embedder, kDefault);
    report.fingerprint = chosen.embedder->fingerprint();
    report.dimension = chosen.embedder->dimension();
    report.says_truncated = chosen.kind != EmbedderKind::http;
    const std::vector<std::string_view> views(embed.texts.begin(), embed.texts.end());
    report.embeddings = chosen.embedder->embed(views, call_deadline(chosen.kind, context.deadline()));
    report.texts = std::move(embed.texts);
    if (context.output().json()) {
        context.output().document(to_document(report));
    } else {
        print(report, context.output());
    }
}

void embed_file(Context& context, const EmbedCommand& embed) {
    InputFile file(embed.lines);
    const ChosenEmbedder chosen = make_embedder(embed.embedder, kDefault, context.deadline());
    const Output& output = context.output();
    EmbedPorts ports;
    ports.deadline = [&] { return call_deadline(chosen.kind, context.deadline()); };
    ports.write = [&](std::string_view json) { output.json_line(json); };
    ports.flush = [&] { output.flush(); };
    const EmbedCounts counts = embed_lines(file.stream(), file.name(), *chosen.embedder, ports);
    const auto count = static_cast<std::int64_t>(counts.lines);
    output.note(fmt::format("{}: {}", count_text(count, "line", "lines"), describe(embed.embedder, kDefault)));
    if (counts.truncated > 0) {
        output.note(
            fmt::format("{} of them {} longer than the model reads: the end did not count (--long-text windows "
                        "reads all)",
                        counts.truncated, counts.truncated == 1 ? "was" : "were"));
    }
}

void run(Context& context, EmbedCommand& embed) {
    if (embed.lines.empty() == embed.texts.empty()) {
        refuse(embed.lines.empty() ? "give a text, several to compare them, or --jsonl FILE"
                                   : "texts and --jsonl exclude each other: give one of them");
    }
    embed.lines.empty() ? embed_texts(context, embed) : embed_file(context, embed);
}

}  // namespace

void add_embed(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("embed", "Prints vectors of texts, and how similar the texts are");
    auto embed = std::make_shared<EmbedCommand>();
    command->add_option("text", embed->texts, "What to embed; several are compared; - reads one from standard input")
        ->option_text("TEXT...");
    command
        ->add_option("--jsonl", embed->lines,
                     "Embed each line of a file (none or -: of standard input) and print a JSON object for it")
        ->option_text("FILE")
        ->expected(0, 1)
        ->default_str("-");
    add_embedder_options(*command, embed->embedder, "local", false);
    command->footer(
        R"(No database is touched. A line of --jsonl is a JSON string, or an object with "text", which gets a "vector", or
with "a" and "b", which get their "similarity"; other members are passed through. Lines are answered in their
order, as they come; one that cannot be read ends it, after those before it.

Examples:
  stele embed "Where is my order?"
  stele embed "Where is my order?" "Where did my parcel go?" "Do you sell tea?"
  stele embed "Where is my order?" --json | jq -c '.embeddings[0].vector'
  stele embed --jsonl questions.jsonl > vectors.jsonl
  echo '{"id":7,"a":"Where is my order?","b":"Where did my parcel go?"}' | stele embed --jsonl -)");
    command->callback([&context, embed] { run(context, *embed); });
}

}  // namespace stele::cli
