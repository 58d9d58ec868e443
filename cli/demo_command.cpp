#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "commands.hpp"
#include "context.hpp"
#include "demo_embedder.hpp"
#include "demo_memory.hpp"
#include "demo_questions.hpp"
#include "demo_replay.hpp"
#include "demo_report.hpp"
#include "demo_run.hpp"
#include "demo_vectors.hpp"
#include "interrupt_guard.hpp"
#include "progress.hpp"

namespace stele::cli {
namespace {

using namespace std::chrono_literals;

/// Ctrl-C, or the end of the time that --deadline gave.
struct Stop {
    std::optional<Deadline> deadline;
    bool operator()() const { return InterruptGuard::caught() != 0 || (deadline && deadline->expired()); }
};

/// The stand-in for a model: it waits, and knows the right answer.
std::optional<std::string> answer_slowly(const DemoQuestion& question, std::chrono::milliseconds time,
                                         const Stop& stopped) {
    constexpr auto kNap = 50ms;
    const auto done = DemoPorts::Clock::now() + time;
    for (auto now = DemoPorts::Clock::now(); now < done; now = DemoPorts::Clock::now()) {
        if (stopped()) return std::nullopt;
        std::this_thread::sleep_for(std::min<DemoPorts::Clock::duration>(done - now, kNap));
    }
    return question.answer;
}

struct DemoOptions {
    std::string questions;
    EmbedderOptions embedder;
    std::optional<float> threshold;
    std::optional<std::size_t> limit;
    std::uint64_t seed = 1;
    std::uint32_t answer_ms = 20;
    bool fresh = false;
    bool guards = false;
    bool documents = false;
};

void forget(const DemoMemory& memory, const Stop& stopped, const Output& output) {
    Progress progress(output, "Forgetting", memory.entries());
    memory.forget([&progress, &stopped](std::size_t gone) {
        progress.at(gone);
        return !stopped();
    });
}

DemoRun run_through(const std::vector<const DemoQuestion*>& stream, const DemoMemory& memory,
                    std::chrono::milliseconds answer_time, const Stop& stopped, const Output& output) {
    DemoPorts ports;
    ports.look_up = [&memory](const DemoQuestion& question) { return memory.look_up(question); };
    ports.answer = [answer_time, &stopped](const DemoQuestion& question) {
        return answer_slowly(question, answer_time, stopped);
    };
    ports.store = [&memory](const DemoQuestion& question, const std::string& answer) {
        memory.store(question, answer);
    };
    ports.stopped = stopped;
    Progress progress(output, "Asking", stream.size());
    return replay(stream, ports, [&progress](const DemoRun& run) {
        progress.at(run.asked(), fmt::format("{} from memory, {} wrong", run.hits(), run.wrong.size()));
    });
}

/// Nothing is drawn once it is to stop.
void draw_curve(DemoReport& report, std::vector<const DemoQuestion*> asked, DemoVectors& vectors, const Stop& stopped,
                Context& context) {
    constexpr std::size_t kMost = 5'000;  // its cost grows with the square of them
    asked.resize(std::min({asked.size(), report.asked, kMost}));
    const Deadline until = context.deadline() ? *context.deadline() : Deadline::never();
    const auto places = vectors.places(asked, until, [&stopped] { return !stopped(); });
    if (!places) return;
    add_curve(report, threshold_curve(asked, *places, curve_thresholds(report.setting.threshold)));
    report.guarded = count_guarded(asked, *places, report.setting.threshold, text_guards());
}

void run_demo(Context& context, const DemoOptions& options, bool schema_named) {
    const std::filesystem::path file =
        options.questions.empty() ? own_questions(program_directory()) : std::filesystem::path(options.questions);
    const DemoQuestions questions = load_questions(file);
    const std::vector<const DemoQuestion*> stream = shuffled(questions.questions, options.seed, options.limit);
    const DemoEmbedder embedder = choose_embedder(options.embedder, context.deadline());

    const Database database = open_demo_database(context, embedder, schema_named);
    const auto vectors = embedder.embedder ? std::make_shared<DemoVectors>(embedder.embedder) : nullptr;
    SemanticCacheOptions cache_options;
    const float threshold = options.threshold.value_or(embedder.threshold);
    cache_options.similarity_threshold = threshold;
    if (options.guards) cache_options.guards = text_guards();
    SemanticCache cache(database, vectors, cache_options);
    const DemoMemory memory(cache, questions);

    const InterruptGuard guard({SIGINT});
    const Stop stopped{context.deadline()};
    if (options.fresh) forget(memory, stopped, context.output());
    DemoSetting setting;
    setting.questions = file.string();
    setting.source = options.questions.empty() ? "that come with Stele" : "in " + file.string();
    setting.available = questions.questions.size();
    setting.embedder = embedder.description;
    setting.fingerprint = embedder.fingerprint();
    setting.database = database.describe();
    setting.schema = database.schema();
    setting.seed = options.seed;
    setting.threshold = threshold;
    setting.guards = options.guards;
    setting.answer = std::chrono::milliseconds(options.answer_ms);
    setting.planned = stream.size();
    setting.entries_before = memory.entries();
    const DemoRun run = run_through(stream, memory, setting.answer, stopped, context.output());
    setting.entries = memory.entries();

    DemoReport report = make_report(std::move(setting), run);
    if (vectors) draw_curve(report, stream, *vectors, stopped, context);
    if (context.output().json()) {
        context.output().document(to_document(report));
    } else {
        print(report, context.output());
    }
    if (run.interrupted) {
        const int signal = InterruptGuard::caught();
        context.exit = signal != 0 ? exit_code_of_signal(signal) : exit_code_of(ErrorCode::deadline_exceeded);
    }
}

}  // namespace

Database open_demo_database(Context& context, const DemoEmbedder& embedder, bool schema_named) {
    DatabaseOptions options = context.database_options(Tables::migrate);
    if (!schema_named) options.schema = demo_schema(embedder.fingerprint());
    if (context.embedded() && !Cluster::status(context.cluster_options()).running) {
        context.output().note("Starting the embedded PostgreSQL ...");
    }
    return Database::open(options, context.deadline());
}

void add_demo(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("demo", "Answers customer questions from memory, and says how well");
    auto options = std::make_shared<DemoOptions>();
    command
        ->add_option("--questions", options->questions,
                     "One JSON object a line, with question, answer and group, or with --documents question and page "
                     "(default: the questions that come with Stele)")
        ->option_text("FILE");
    command->add_flag("--fresh", options->fresh, "Forget what earlier runs stored for these questions");
    command->add_option("--limit", options->limit, "Ask only so many (default: all)")->option_text("N");
    command->add_option("--seed", options->seed, "Decides the order (default: 1)")->option_text("N");
    command
        ->add_option("--answer-ms", options->answer_ms,
                     "How long the stand-in for a model waits before each answer (default: 20)")
        ->option_text("MS")
        ->check(CLI::Range(0, 600'000));
    command
        ->add_option(
            "--threshold", options->threshold,
            "Similarity from which a question counts as the same, -1 to 1 (default: the embedder's own where one "
            "was measured, else 0.85)")
        ->option_text("X");
    command->add_flag("--guards", options->guards,
                      "Refuse similar questions with other numbers or names, and opposite ones");
    CLI::Option* documents = command->add_flag("--documents", options->documents,
                                               "Index Stele's own documentation instead, and answer questions from it");
    for (const char* other : {"--fresh", "--limit", "--seed", "--answer-ms", "--threshold", "--guards"}) {
        documents->excludes(command->get_option(other));
    }
    add_embedder_options(*command, options->embedder);
    const CLI::Option* schema = app.get_option("--schema");
    command->callback([&context, options, schema] {
        const bool schema_named = schema->count() > 0;
        if (options->documents) {
            return run_documents_demo(context, options->questions, options->embedder, schema_named);
        }
        run_demo(context, *options, schema_named);
    });
    command->footer(
        R"(Similar questions are told by a small model in this process (stele model install minilm). A language model is not
needed: the one that answers is a stand-in, which waits and knows what is right. Unless a schema is named, the
answers are kept in one that is the demo's own, stele_demo_ and the embedder. Ctrl-C ends it early and shows what
happened so far (exit status 130). With --documents the vector index is shown.

Examples:
  stele demo
  stele demo --fresh --threshold 0.7                 # more hits, and more wrong answers
  stele demo --fresh --guards                        # fewer near misses
  stele demo --documents                             # find pages by meaning, then ask something yourself
  stele demo --model bge-small
  stele demo --embedder-url http://127.0.0.1:8080/v1 --model m-7b
  stele demo --questions my-questions.jsonl --answer-ms 800)");
}

}  // namespace stele::cli
