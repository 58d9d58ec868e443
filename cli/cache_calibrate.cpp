#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "cache_command.hpp"
#include "context.hpp"
#include "embed_values.hpp"
#include "exit_code.hpp"
#include "progress.hpp"
#include "question_pairs.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct CalibrateCommand {
    std::string same, different;
    std::string target = "f1";
    bool guards = false, as_written = false, csv = false;
    CalibrateOptions options;
    EmbedderOptions embedder;
};

json json_of(const CalibrationPoint& point) {
    return {{"threshold", shortest(point.threshold)},
            {"precision", point.precision},
            {"recall", point.recall},
            {"f1", point.f1},
            {"right", point.right},
            {"wrong", point.wrong},
            {"missed", point.missed}};
}

json json_of(const std::vector<CalibrationPoint>& curve) {
    json points = json::array();
    for (const CalibrationPoint& point : curve) points.push_back(json_of(point));
    return points;
}

json json_of(const Calibration& found, std::span<const QuestionPair> pairs, const Embedder& embedder) {
    json document = found.best
                        ? json_of(*found.best)
                        : json{{"threshold", nullptr}, {"precision", nullptr}, {"recall", nullptr}, {"f1", nullptr}};
    document["embedder"] = embedder.fingerprint();
    document["pr_curve"] = json_of(found.curve);
    document["guarded_curve"] = found.guarded.empty() ? json() : json_of(found.guarded);
    document["pairs"] = json::array();
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        const CalibratedPair& pair = found.pairs[i];
        document["pairs"].push_back({{"a", pairs[i].asked},
                                     {"b", pairs[i].stored},
                                     {"same", pairs[i].same},
                                     {"similarity", pair.similarity ? json(shortest(*pair.similarity)) : json()},
                                     {"refused_by", pair.refusal ? json(pair.refused_by) : json()},
                                     {"refusal", pair.refusal ? json(pair.refusal->text) : json()}});
    }
    return document;
}

std::string csv_of(const std::vector<CalibrationPoint>& curve) {
    std::string lines = "threshold,precision,recall,f1\n";
    for (const CalibrationPoint& point : curve) {
        lines += fmt::format("{},{:.6f},{:.6f},{:.6f}\n", point.threshold, point.precision, point.recall, point.f1);
    }
    return lines;
}

std::vector<std::string> row_of(const CalibrationPoint& point, const CalibrationPoint* guarded) {
    std::vector<std::string> row = {fmt::format("{:.2f}", point.threshold), fmt::format("{:.3f}", point.precision),
                                    fmt::format("{:.3f}", point.recall), fmt::format("{:.3f}", point.f1),
                                    fmt::format("{}", point.wrong)};
    if (guarded != nullptr) {
        for (const double value : {guarded->precision, guarded->recall, guarded->f1}) {
            row.push_back(fmt::format("{:.3f}", value));
        }
        row.push_back(fmt::format("{}", guarded->wrong));
    }
    return row;
}

/// What is served wrongly at the best threshold, the most alike first: that is what a guard or a person should look at.
void print_wrong(const Output& output, const Calibration& found, std::span<const QuestionPair> pairs) {
    constexpr std::size_t kShown = 5;
    std::vector<std::size_t> wrong;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        const CalibratedPair& pair = found.pairs[i];
        const bool served = pair.similarity && *pair.similarity >= found.best->threshold && !pair.refusal;
        if (!pairs[i].same && (served || pair.same_wording)) wrong.push_back(i);
    }
    if (wrong.empty()) return;
    std::sort(wrong.begin(), wrong.end(),
              [&found](std::size_t a, std::size_t b) { return found.pairs[a].similarity > found.pairs[b].similarity; });
    output.line();
    output.line(output.paint("different, and served all the same:", Tone::faint));
    Table table{{"similarity", "asked", "stored"}, {}, {true, false, false}};
    for (std::size_t i = 0; i < std::min(kShown, wrong.size()); ++i) {
        const QuestionPair& pair = pairs[wrong[i]];
        table.rows.push_back({fmt::format("{:.3f}", found.pairs[wrong[i]].similarity.value_or(1)), one_line(pair.asked),
                              one_line(pair.stored)});
    }
    output.table(table);
}

void print(const Output& output, const Calibration& found, std::span<const QuestionPair> pairs,
           const CalibrateCommand& command) {
    Table table{{"threshold", "precision", "recall", "f1", "wrong"}, {}, {true, true, true, true, true}};
    if (!found.guarded.empty()) {
        table.headers.insert(table.headers.end(), {"guarded: precision", "recall", "f1", "wrong"});
        table.to_the_right.assign(table.headers.size(), true);
    }
    for (std::size_t i = 0; i < found.curve.size(); ++i) {
        table.rows.push_back(row_of(found.curve[i], found.guarded.empty() ? nullptr : &found.guarded[i]));
    }
    output.table(table);
    if (!found.best) return;
    const auto all = static_cast<std::int64_t>(pairs.size());
    output.line();
    output.line(output.paint(fmt::format("--threshold {:.2f}", found.best->threshold), Tone::strong) +
                fmt::format(": precision {:.3f}, recall {:.3f}, f1 {:.3f} on {}{}", found.best->precision,
                            found.best->recall, found.best->f1, count_text(all, "pair", "pairs"),
                            command.guards ? ", guards on" : ""));
    print_wrong(output, found, pairs);
}

CalibrationTarget target_of(const std::string& name) {
    if (name == "precision") return CalibrationTarget::precision;
    return name == "recall" ? CalibrationTarget::recall : CalibrationTarget::f1;
}

void run(Context& context, CalibrateCommand& command) {
    if (command.csv && context.output().json()) refuse("--csv and --json exclude each other: give one of them");
    std::vector<QuestionPair> pairs;
    try {
        read_pairs(command.same, true, pairs);
        read_pairs(command.different, false, pairs);
    } catch (const BadPair& bad) {
        context.output().error(bad.info());
        context.exit = ExitCode::failed;
        return;
    }
    const ChosenEmbedder chosen = make_embedder(command.embedder, EmbedderKind::local, context.deadline());
    CalibrateOptions options = command.options;
    options.normalize = !command.as_written;
    options.target = target_of(command.target);
    if (command.guards) options.guards = text_guards();
    options.deadline =
        chosen.kind == EmbedderKind::http ? context.deadline() : call_deadline(chosen.kind, context.deadline());
    std::optional<Progress> progress;
    options.on_progress = [&](std::size_t done, std::size_t all) {
        if (!progress) progress.emplace(context.output(), "embedding", all);
        progress->at(done);
    };
    const Calibration found = calibrate(*chosen.embedder, pairs, options);
    progress.reset();
    const Output& output = context.output();
    if (command.csv) {
        output.raw(csv_of(found.guarded.empty() ? found.curve : found.guarded));
    } else {
        output.document(json_of(found, pairs, *chosen.embedder));
        if (!output.json()) print(output, found, pairs, command);
    }
    if (!found.best) {
        output.note(fmt::format("no threshold has a precision of at least {} and a recall of at least {}",
                                options.min_precision, options.min_recall));
        context.exit = ExitCode::unfit;
    }
}

}  // namespace

void add_cache_calibrate(CLI::App& cache, Context& context) {
    CLI::App* command = cache.add_subcommand("calibrate", "Finds the threshold from which on questions are the same");
    auto options = std::make_shared<CalibrateCommand>();
    command
        ->add_option("--same,--paraphrases", options->same,
                     "Pairs that mean the same, a JSON object a line; - is standard input")
        ->option_text("FILE")
        ->required();
    command->add_option("--different,--distractors", options->different, "Pairs with different answers, likewise")
        ->option_text("FILE")
        ->required();
    command->add_option("--target-metric", options->target, "What is to be as large as possible (default: f1)")
        ->option_text("f1|precision|recall")
        ->check(CLI::IsMember({"f1", "precision", "recall"}));
    const auto share = CLI::Range(0.0, 1.0);
    command->add_option("--min-precision", options->options.min_precision, "Only thresholds with at least that")
        ->option_text("X")
        ->check(share);
    command->add_option("--min-recall", options->options.min_recall, "Only thresholds with at least that")
        ->option_text("X")
        ->check(share);
    command->add_option("--grid", options->options.grid, "The thresholds to try (default: 0.50, 0.51 ... 0.99)")
        ->option_text("X,X...")
        ->delimiter(',')
        ->check(CLI::Range(-1.0, 1.0));
    command->add_flag("-g,--guards", options->guards, "Show what the guards gain, and choose the threshold with them");
    command->add_flag("--as-written", options->as_written,
                      "For a cache that does not normalise questions: letter case and blanks count");
    command->add_flag("--csv", options->csv, "Print the curve as CSV");
    add_embedder_options(*command, options->embedder, "local", false);
    command->footer(
        R"(A line is {"a":"...","b":"..."}; blank lines and those that begin with # are passed over. Questions are embedded as
the cache embeds them. No database is touched. A hundred pairs of each kind, of your own users' questions, with the near
misses among the second kind, tell more than any default. As with mneme's command the exit status is 4 when no
threshold keeps the minimums, and 5 for a line that is no pair.

Examples:
  stele cache calibrate --same paraphrases.jsonl --different others.jsonl
  stele cache calibrate --same same.jsonl --different others.jsonl --guards --min-precision 0.98
  stele cache calibrate --same same.jsonl --different others.jsonl --grid 0.7,0.8,0.9 --csv)");
    command->callback([&context, options] { run(context, *options); });
}

}  // namespace stele::cli
