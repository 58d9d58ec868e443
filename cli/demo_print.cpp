// A demonstration's report for people. Lines of at most 100 columns, fewer on a narrower terminal.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "bars.hpp"
#include "demo_report.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

constexpr std::size_t kNarrowest = 60, kWidest = 100;
constexpr std::size_t kBarWidth = 40;

std::size_t line_width() {
    return std::clamp(terminal_columns(STDOUT_FILENO), kNarrowest, kWidest);
}

std::string percent(double share) {
    return fmt::format("{:.1f} %", share * 100);
}

std::string milliseconds(const std::optional<double>& value) {
    return value ? fmt::format("{:.2f} ms", *value) : "-";
}

std::string answers(std::size_t count) {
    return count_text(static_cast<std::int64_t>(count), "answer", "answers");
}

class Page {
public:
    explicit Page(const Output& output) : output_(output), width_(line_width()) {}

    void text(std::string_view text, Tone tone = Tone::plain) const { named({}, text, tone, 0); }
    /// "  name      text", the text wrapped in its own column.
    void named(std::string_view name, std::string_view text, Tone tone = Tone::plain, std::size_t column = 12) const {
        std::string head = name.empty() ? std::string(column, ' ') : fmt::format("{:<{}}", name, column);
        for (const std::string& line : wrapped(text, width_ - column)) {
            output_.line(output_.paint(head, Tone::faint) + output_.paint(line, tone));
            head.assign(column, ' ');
        }
    }

private:
    const Output& output_;
    std::size_t width_;
};

std::vector<std::string> row(std::string_view name, const DemoShare& share) {
    return {std::string(name), fmt::format("{}", share.count), percent(share.share), milliseconds(share.p50_ms),
            milliseconds(share.p99_ms)};
}

void print_match(const Page& page, const DemoWrong& match, bool wrong) {
    page.named("  asked", one_line(match.asked->question));
    page.named("  matched",
               fmt::format("{} (similarity {:.3f})", one_line(match.served.question), match.served.similarity));
    page.named("  served", one_line(match.served.answer), wrong ? Tone::bad : Tone::good);
    if (wrong) page.named("  right", one_line(match.asked->answer));
}

void print_layers(const DemoReport& report, const Page& page, const Output& output) {
    page.text(fmt::format("{} of {} answered from memory: {}", report.hits, report.asked, percent(report.hit_rate)),
              Tone::strong);
    Table table;
    table.headers = {"layer", "questions", "share", "p50", "p99"};
    table.to_the_right = {false, true, true, true, true};
    table.rows = {row("exact: the same question", report.exact), row("semantic: a similar one", report.semantic),
                  row("miss: the stand-in answered *", report.miss)};
    output.table(table);
    page.text("* looking up and storing only, without the stand-in's own time", Tone::faint);
}

void print_near_misses(const DemoReport& report, const Page& page) {
    constexpr std::size_t kShown = 5;
    std::size_t shown = 0;
    for (const DemoWrong& wrong : report.wrong) {
        if (!wrong.near_miss) continue;
        if (shown == 0) page.text("Near misses that were taken for the same, the most alike first:");
        if (++shown > kShown) break;
        page.named(fmt::format("  {:.3f}", wrong.served.similarity),
                   fmt::format("{}  <-  {}", one_line(wrong.asked->question), one_line(wrong.served.question)));
    }
    if (report.near_misses > kShown) {
        page.named("", fmt::format("... and {} more (--json has them all)", report.near_misses - kShown), Tone::faint);
    }
}

void print_wrong(const DemoReport& report, const Page& page) {
    if (report.hits == 0) return;
    if (report.wrong.empty()) {
        page.text("No wrong answer was served", Tone::good);
        if (!report.closest) return;
        page.text("The least alike of the questions that were rightly taken for the same:");
        print_match(page, *report.closest, false);
        return;
    }
    page.text(
        fmt::format("{} wrong {} served: {} of the hits (near misses: {})", report.wrong.size(),
                    report.wrong.size() == 1 ? "answer" : "answers", percent(report.wrong_rate), report.near_misses),
        Tone::bad);
    if (report.wrong.size() > 1) page.text("The worst of them, because its questions are the most alike:");
    print_match(page, report.wrong.front(), true);
    print_near_misses(report, page);
}

std::string curve_text(const DemoCurvePoint& point, bool own) {
    const std::size_t hits = point.exact + point.right + point.wrong;
    const double wrong = hits == 0 ? 0 : static_cast<double>(point.wrong) / static_cast<double>(hits);
    return fmt::format("{} answered, {} of them wrong{}", percent(point.answered()), percent(wrong),
                       own ? "  <- this run's threshold" : "");
}

Bar bar_of(const DemoCurvePoint& point, bool own) {
    const auto share = [&point](std::size_t count) {
        return static_cast<double>(count) / static_cast<double>(std::max<std::size_t>(point.asked, 1));
    };
    return {point.threshold ? fmt::format("{:.2f}", *point.threshold) : "exact",
            {{share(point.exact + point.right), "\u2588", Tone::good}, {share(point.wrong), "\u2591", Tone::bad}},
            curve_text(point, own)};
}

/// "close 79.1 % of 700, plain 36.0 % of 590": the best found first.
std::string wordings_text(const DemoCurvePoint& point) {
    std::vector<std::pair<std::string, DemoFound>> wordings(point.by_wording.begin(), point.by_wording.end());
    std::sort(wordings.begin(), wordings.end(), [](const auto& a, const auto& b) {
        return std::pair(b.second.share(), a.first) < std::pair(a.second.share(), b.first);
    });
    std::vector<std::string> parts;
    for (const auto& [wording, alike] : wordings) {
        parts.push_back(fmt::format("{} {} of {}", one_line(wording), percent(alike.share()), alike.known));
    }
    return "By wording: " + joined(parts, ", ") + ".";
}

void print_curve(const DemoReport& report, const Page& page, const Output& output) {
    if (report.curve.empty() || !report.exact_alone) return;
    const auto is_own = [&report](const DemoCurvePoint& point) { return point.threshold == report.setting.threshold; };
    page.text("At other thresholds, from an empty memory (\u2588 right, \u2591 wrong)", Tone::strong);
    std::vector<Bar> bars = {bar_of(*report.exact_alone, false)};
    for (const DemoCurvePoint& point : report.curve) bars.push_back(bar_of(point, is_own(point)));
    print_bars(bars, kBarWidth, output);
    const auto own = std::find_if(report.curve.begin(), report.curve.end(), is_own);
    if (own == report.curve.end() || own->known == 0) return;
    page.text(
        fmt::format("Exact matching alone answers {}, this embedder {}. Of {} rewordings whose answer was in "
                    "memory, {} got it: {}.",
                    percent(report.exact_alone->answered()), percent(own->answered()), own->known, own->found,
                    percent(own->found_share())));
    if (!own->by_wording.empty()) page.text(wordings_text(*own));
}

std::string refused_text(std::size_t refused, std::size_t pairs) {
    return fmt::format("{} ({})", refused, percent(part_of(refused, pairs)));
}

std::vector<std::string> guard_row(std::string_view name, const DemoPairs& refused, const DemoPairs& pairs) {
    return {std::string(name), refused_text(refused.near_misses, pairs.near_misses),
            refused_text(refused.others, pairs.others), refused_text(refused.rewordings, pairs.rewordings)};
}

std::string guarded_text(std::string_view how, const DemoCurvePoint& point) {
    const std::size_t hits = point.exact + point.right + point.wrong;
    return fmt::format("{} {} answered, {} of them wrong ({}, near misses {})", how, percent(point.answered()),
                       percent(part_of(point.wrong, hits)), point.wrong, point.near_misses);
}

void print_guards(const DemoReport& report, const Page& page, const Output& output) {
    const DemoGuarded& guarded = *report.guarded;
    page.text(
        fmt::format("What guards refuse of the pairs of questions that are alike enough ({} near misses, {} other "
                    "wrong ones, {} rewordings)",
                    guarded.pairs.near_misses, guarded.pairs.others, guarded.pairs.rewordings),
        Tone::strong);
    Table table;
    table.headers = {"guard", "near misses", "other wrong", "rewordings"};
    table.to_the_right = {false, true, true, true};
    for (const DemoGuarded::Guard& guard : guarded.guards) {
        table.rows.push_back(guard_row(guard.name, guard.refused, guarded.pairs));
    }
    table.rows.push_back(guard_row("any of them", guarded.refused, guarded.pairs));
    output.table(table);
    page.text(guarded_text("From an empty memory, without guards:", guarded.unguarded));
    page.text(guarded_text("with them (--guards):", guarded.guarded));
}

std::string outcome(double saved_s) {
    return fmt::format("{:.1f} s {}", std::abs(saved_s), saved_s < 0 ? "lost" : "saved");
}

void print_time(const DemoReport& report, const Page& page, const Output& output) {
    constexpr double kModelSeconds = 1.0;
    const auto hits = static_cast<double>(report.hits);
    const std::string took = fmt::format("The memory took {:.1f} s", report.memory_s);
    page.text(report.hits == 0 ? took + " and spared no answer"
                               : fmt::format("{}, spared {}, and pays from {:.1f} ms an answer on", took,
                                             answers(report.hits), 1000 * report.memory_s / hits),
              Tone::strong);
    Table table;
    table.headers = {"an answer takes", "", ""};
    table.to_the_right = {false, true, false};
    table.rows = {{fmt::format("{} ms", report.setting.answer.count()), outcome(report.saved_s()),
                   "here, by the stand-in for a model (--answer-ms)"},
                  {fmt::format("{:.0f} s", kModelSeconds), outcome(hits * kModelSeconds - report.memory_s),
                   "by a model: counted, not measured"}};
    output.table(table);
}

}  // namespace

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
    std::vector<std::string> lines;
    std::string line;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        const std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!line.empty() && display_width(line) + 1 + display_width(word) > width) {
            lines.push_back(std::move(line));
            line.clear();
        }
        if (!line.empty()) line += ' ';
        line += word;
    }
    if (!line.empty() || lines.empty()) lines.push_back(std::move(line));
    return lines;
}

void print(const DemoReport& report, const Output& output) {
    const DemoSetting& setting = report.setting;
    const Page page(output);
    if (report.interrupted) {
        page.text(fmt::format("Interrupted after {} of {} questions.", report.asked, setting.planned), Tone::warning);
        output.line();
    }
    page.named("questions", fmt::format("{} of the {} {}, shuffled (seed {})", report.asked, setting.available,
                                        setting.source, setting.seed));
    page.named("embedder", fmt::format("{}, threshold {:.2f}{}", setting.embedder, setting.threshold,
                                       setting.guards ? ", with guards" : ""));
    page.named("memory",
               setting.entries_before == 0
                   ? fmt::format("empty at the start, {} now", answers(setting.entries))
                   : fmt::format("{} from earlier runs, {} now", answers(setting.entries_before), setting.entries));
    page.named("", fmt::format("schema {} of {}", setting.schema, setting.database), Tone::faint);
    output.line();

    print_layers(report, page, output);
    output.line();
    print_wrong(report, page);
    if (report.hits > 0) output.line();
    print_curve(report, page, output);
    if (!report.curve.empty()) output.line();
    if (report.guarded) {
        print_guards(report, page, output);
        output.line();
    }
    print_time(report, page, output);
    if (report.interrupted || setting.entries_before == 0) {
        output.line();
        page.text(
            fmt::format("The memory is durable: run it again, and it starts with these {} answers. --fresh forgets "
                        "them first.",
                        setting.entries));
    }
}

}  // namespace stele::cli
