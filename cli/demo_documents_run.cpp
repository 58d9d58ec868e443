#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "context.hpp"
#include "demo_documents.hpp"
#include "demo_embedder.hpp"
#include "demo_memory.hpp"
#include "demo_questions.hpp"
#include "demo_run.hpp"
#include "index_folder.hpp"
#include "interrupt_guard.hpp"
#include "progress.hpp"

namespace stele::cli {
namespace {

constexpr const char* kTable = "documents";

/// Until there is none.
void ask_the_user(const PageSearch& search, const Output& output) {
    output.line();
    for (std::string question;;) {
        std::cout << output.paint("Ask the documentation (nothing ends it): ", Tone::strong) << std::flush;
        if (!std::getline(std::cin, question) || question.find_first_not_of(" \t\r") == std::string::npos) return;
        print_answer(answer({question, ""}, search), output);
    }
}

DocumentsReport index_documents(VectorIndex<Json>& index, const DemoEmbedder& embedder,
                                const std::filesystem::path& folder, Context& context) {
    const auto started = std::chrono::steady_clock::now();
    const std::vector<DocumentChunk> chunks = read_documents(folder, {".md"}, "", *embedder.embedder);
    std::set<std::string> files;
    for (const DocumentChunk& chunk : chunks) files.insert(chunk.path);
    DocumentsReport report;
    report.folder = folder.string();
    report.files = files.size();
    report.chunks = chunks.size();
    FolderIndex kept(index, chunks, "");
    {
        Progress progress(context.output(), "Indexing", chunks.size());
        progress.at(0);
        report.embedded =
            kept.add(context.deadline().value_or(Deadline::never()), [&](std::size_t done) { progress.at(done); });
    }
    index.remove(kept.stale(true, context.deadline()), context.deadline());
    report.index_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return report;
}

}  // namespace

void run_documents_demo(Context& context, const std::string& questions, const EmbedderOptions& options,
                        bool schema_named) {
    const std::filesystem::path file =
        questions.empty() ? own_page_questions(program_directory()) : std::filesystem::path(questions);
    const std::vector<PageQuestion> asked = load_page_questions(file);
    const DemoEmbedder embedder = choose_embedder(options, context.deadline());
    if (!embedder.embedder) refuse("--documents finds by meaning and needs an embedder: leave out `--embedder none`");
    const Database database = open_demo_database(context, embedder, schema_named);
    VectorIndex<Json> index(database, embedder.embedder, {.table = kTable});

    std::optional<InterruptGuard> guard(std::in_place, std::initializer_list<int>{SIGINT});
    DocumentsReport report = index_documents(index, embedder, own_documents(program_directory()), context);
    report.embedder = embedder.description;
    report.fingerprint = embedder.fingerprint();
    report.database = database.describe();
    report.schema = database.schema();
    report.table = kTable;
    report.planned = asked.size();
    const PageSearch search = [&](const std::string& question) {
        return index.search(question, {.limit = 10, .deadline = context.deadline()});
    };
    for (const PageQuestion& question : asked) {
        if (InterruptGuard::caught() != 0) break;
        report.answers.push_back(answer(question, search));
    }
    guard.reset();
    const Output& output = context.output();
    if (output.json()) {
        output.document(to_document(report));
    } else {
        print(report, output);
    }
    if (const int signal = InterruptGuard::caught(); signal != 0) {
        context.exit = exit_code_of_signal(signal);
    } else if (!output.json() && output.terminal() && ::isatty(STDIN_FILENO) == 1) {
        ask_the_user(search, output);
    }
}

}  // namespace stele::cli
