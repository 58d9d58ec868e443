#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "cache_command.hpp"
#include "context.hpp"
#include "exit_code.hpp"
#include "progress.hpp"
#include "question_pairs.hpp"
#include "stele/reembed.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct ReembedCommand {
    std::vector<std::string> namespaces;
    std::string same, different;
    ReembedOptions options;
    bool no_switch = false, status = false, back = false, finish = false, cancel = false;
    EmbedderOptions embedder;
};

void show_status(Context& context) {
    const std::optional<ReembedStatus> status = reembed_status(context.database(), context.deadline());
    const Output& output = context.output();
    if (!status) {
        output.document({{"embedder", nullptr}});
        output.line("nothing was begun, or all is finished");
        return;
    }
    output.document({{"embedder", status->embedder},
                     {"embedder_before", status->embedder_before ? json(*status->embedder_before) : json()},
                     {"switched", status->switched},
                     {"done", status->done},
                     {"entries", status->all}});
    output.fields(
        {{"embedder", one_line(status->embedder)},
         {"before", status->embedder_before ? one_line(*status->embedder_before) : "(none was named)"},
         {"switched", status->switched ? "yes; --finish or --back ends it" : "no"},
         {"vectors of both", fmt::format("{} of {}", status->done,
                                         count_text(static_cast<std::int64_t>(status->all), "entry", "entries"))}});
}

/// Those that need no embedder.
void end(Context& context, const ReembedCommand& command) {
    const Output& output = context.output();
    if (command.back) {
        const std::uint64_t entries = reembed_back(context.database(), context.deadline());
        output.document({{"entries", entries}});
        output.line(fmt::format("{} the vectors of before; the new ones are kept (--cancel gives them up)",
                                entries == 1 ? "1 entry has" : fmt::format("{} entries have", entries)));
    } else if (command.finish) {
        reembed_finish(context.database(), context.deadline());
        output.document({{"finished", true}});
        output.line("finished: the vectors of before are gone");
    } else {
        const bool begun = reembed_cancel(context.database(), context.deadline());
        output.document({{"cancelled", begun}});
        output.line(begun ? "cancelled: the new vectors are gone" : "nothing was begun");
    }
}

json json_of(const Reembedded& done) {
    const json best = done.calibration && done.calibration->best ? json(done.calibration->best->threshold) : json();
    return {{"embedded", done.embedded},
            {"entries", done.entries},
            {"cut", done.cut},
            {"sample", done.overlap.sample},
            {"nearest", done.overlap.nearest},
            {"nearest_ten", done.overlap.nearest_ten},
            {"threshold", best},
            {"switched", done.switched},
            {"switch_ms", done.switch_time.count()}};
}

void print(const Output& output, const Reembedded& done) {
    output.line(fmt::format("{} embedded; {} with new vectors",
                            count_text(static_cast<std::int64_t>(done.embedded), "text", "texts"),
                            count_text(static_cast<std::int64_t>(done.entries), "entry", "entries")));
    if (done.cut > 0) {
        output.line(fmt::format("{} of them longer than the model reads: found by their wording only", done.cut));
    }
    if (done.overlap.sample > 0) {
        output.line(
            fmt::format("of {} compared, the most similar question is the same for {:.1f} %, of the ten most similar "
                        "{:.1f} % are",
                        count_text(static_cast<std::int64_t>(done.overlap.sample), "entry", "entries"),
                        100 * done.overlap.nearest, 100 * done.overlap.nearest_ten));
    }
    if (done.calibration) {
        const auto& best = done.calibration->best;
        output.line(best ? fmt::format("by the pairs: --threshold {:.2f}, precision {:.3f}, recall {:.3f}",
                                       best->threshold, best->precision, best->recall)
                         : "by the pairs: no threshold will do");
    }
    if (done.switched) {
        output.line(
            output.paint("switched", Tone::good) +
            fmt::format(" in {} ms; open the caches with the new embedder (--back undoes it, --finish gives that up)",
                        done.switch_time.count()));
    } else {
        output.line("not switched: the same command without --no-switch does it");
    }
}

void run(Context& context, ReembedCommand& command) {
    const int asked = int{command.status} + int{command.back} + int{command.finish} + int{command.cancel};
    if (asked > 1) refuse("--status, --back, --finish and --cancel exclude each other: give one of them");
    if (command.status) return show_status(context);
    if (asked == 1) return end(context, command);
    if (command.same.empty() != command.different.empty()) refuse("--same and --different go together: give both");
    ReembedOptions options = command.options;
    if (!command.same.empty()) {
        read_pairs(command.same, true, options.pairs);
        read_pairs(command.different, false, options.pairs);
    }
    for (const std::string& name : command.namespaces) options.namespaces.push_back(name);
    options.switch_over = !command.no_switch;
    const ChosenEmbedder chosen = make_embedder(command.embedder, EmbedderKind::local, context.deadline());
    options.deadline = context.deadline();
    std::optional<Progress> progress;
    ReembedPhase phase = ReembedPhase::embedding;
    std::uint64_t all = 0;
    options.on_progress = [&](const ReembedProgress& so_far) {
        if (!progress || phase != so_far.phase || all < so_far.all) {
            progress.reset();
            progress.emplace(context.output(), so_far.phase == ReembedPhase::embedding ? "embedding" : "switching",
                             so_far.all);
            phase = so_far.phase;
            all = so_far.all;
        }
        progress->at(so_far.done);
    };
    const Reembedded done = reembed(context.database(), *chosen.embedder, options);
    progress.reset();
    context.output().document(json_of(done));
    if (!context.output().json()) print(context.output(), done);
}

}  // namespace

void add_cache_reembed(CLI::App& cache, Context& context) {
    CLI::App* command = cache.add_subcommand("reembed", "Moves the cache to another embedder while it serves");
    auto options = std::make_shared<ReembedCommand>();
    ReembedOptions& how = options->options;
    command
        ->add_option(
            "-n,--namespace", options->namespaces,
            "Only entries of this one get new vectors, those of others are then found by their wording only; may be "
            "given several times")
        ->option_text("NAME")
        ->take_all()
        ->allow_extra_args(false);
    command->add_option("--rate", how.texts_per_second, "At most so many texts a second")
        ->option_text("N")
        ->check(CLI::PositiveNumber);
    command->add_option("--batch", how.batch, "So many texts in a call of the embedder (default: 64)")
        ->option_text("N")
        ->check(CLI::Range(1, 10'000));
    command->add_option("--sample", how.sample, "So many entries are compared before the switch (default: 1000)")
        ->option_text("N")
        ->check(CLI::Range(0, 10'000));
    command
        ->add_option("--min-overlap", how.min_overlap,
                     "No switch unless so large a share of the ten most similar questions stays")
        ->option_text("X")
        ->check(CLI::Range(0.0, 1.0));
    command->add_option("--same", options->same, "Pairs that mean the same, as for calibrate")->option_text("FILE");
    command->add_option("--different", options->different, "Pairs that do not")->option_text("FILE");
    command->add_flag("--no-switch", options->no_switch, "Make the vectors and compare them, no more");
    command->add_flag("--start-over", how.start_over, "Give up what was begun with a third embedder");
    command->add_flag("--status", options->status, "Say how far it is");
    command->add_flag("--back", options->back, "Take the vectors of before the switch again");
    command->add_flag("--finish", options->finish, "Give up the vectors of before the switch");
    command->add_flag("--cancel", options->cancel, "Give up what was made for a switch");
    add_embedder_options(*command, options->embedder, "local", false);
    command->footer(
        R"(New vectors are made beside the old ones, which nobody notices, and take their place in one transaction. Stopped, or
after --deadline, the same command goes on where it was. Caches that were opened with the embedder before find the same
questions only, from the switch on, until they are opened again with the new one; mneme's Python processes must be
stopped before it. Then set the threshold of the new embedder.

Examples:
  stele cache reembed --model bge-small --rate 200 --no-switch
  stele cache reembed --model bge-small --same same.jsonl --different others.jsonl
  stele cache reembed --back
  stele cache reembed --finish)");
    command->callback([&context, options] { run(context, *options); });
}

}  // namespace stele::cli
