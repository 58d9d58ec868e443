#include "side_by_side.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <nlohmann/json.hpp>
#include <thread>

namespace stele::bench {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void usage_error(const std::string& message) {
    fmt::print(stderr, "{}; see --help\n", message);
    std::exit(2);
}

double since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// Four significant digits, never in scientific notation.
std::string digits(double value) {
    return fmt::format("{:.{}f}", value, value >= 1000 ? 0 : value >= 100 ? 1 : value >= 10 ? 2 : 3);
}

double median_of_sorted(const std::vector<double>& values) {
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace

double seconds(const std::function<void()>& work) {
    const Clock::time_point start = Clock::now();
    work();
    return since(start);
}

double per_second(double at_least_seconds, const std::function<void()>& work) {
    const Clock::time_point start = Clock::now();
    double elapsed = 0;
    std::size_t times = 0;
    // The clock is read every 16 times: it must not weigh on the shortest works.
    do {
        for (int i = 0; i < 16; ++i) work();
        times += 16;
        elapsed = since(start);
    } while (elapsed < at_least_seconds);
    return static_cast<double>(times) / elapsed;
}

double median_seconds(double at_least_seconds, const std::vector<std::function<void()>>& works) {
    std::vector<double> times;
    double total = 0;
    while (total < at_least_seconds) {
        times.push_back(seconds(works[times.size() % works.size()]));
        total += times.back();
    }
    std::sort(times.begin(), times.end());
    return median_of_sorted(times);
}

int run(int argc, char** argv, std::string_view about, const std::function<void(SideBySide&)>& rows) {
    try {
        SideBySide bench(argc, argv, about);
        rows(bench);
        return bench.finish();
    } catch (const std::exception& error) {
        fmt::print(stderr, "could not measure: {}\n", error.what());
        return 3;
    }
}

SideBySide::SideBySide(int argc, char** argv, std::string_view about) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        const auto value = [&]() -> std::string_view {
            if (++i == argc) usage_error(fmt::format("{} needs a value", option));
            return argv[i];
        };
        if (option == "--quick") {
            quick_ = true;
        } else if (option == "--json") {
            json_ = true;
        } else if (option == "--filter") {
            filter_ = value();
        } else if (option == "--repetitions") {
            const std::string_view text = value();
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), repetitions_);
            if (error != std::errc() || end != text.data() + text.size() || repetitions_ < kRepetitions) {
                usage_error(fmt::format("--repetitions takes a number from {} up, not '{}'", kRepetitions, text));
            }
        } else if (option == "--help") {
            fmt::print(
                "{}\n\n"
                "  --quick          less data where that saves time; every row stays and says what was cut\n"
                "  --json           one JSON object a row instead of the table\n"
                "  --filter TEXT    only rows whose work contains TEXT\n"
                "  --repetitions N  how often each side is measured, at least {}\n\n"
                "Exit status: 0; 1 if a ratio falls short; 2 for wrong arguments; 3 if it could not be measured.\n",
                about, kRepetitions);
            std::exit(0);
        } else {
            usage_error(fmt::format("unknown option '{}'", option));
        }
    }
    double load = 0;
    if (getloadavg(&load, 1) == 1) {
        note(fmt::format("{} CPUs, load {:.1f} at the start{}", std::thread::hardware_concurrency(), load,
                         load < 0.5 ? "." : ": not idle, the figures will wander."));
    }
}

bool SideBySide::wants(std::string_view work) const {
    return work.find(filter_) != std::string_view::npos;
}

void SideBySide::measure(const Row& row) {
    if (!wants(row.work)) return;
    if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "measuring: {}\n", row.work);
    row.ours();
    row.theirs();
    std::vector<double> ours, theirs, ratios;
    for (int i = 0; i < std::max(row.repetitions, repetitions_); ++i) {
        if (i % 2 == 0) {
            ours.push_back(row.ours());
            theirs.push_back(row.theirs());
        } else {
            theirs.push_back(row.theirs());
            ours.push_back(row.ours());
        }
        ratios.push_back(ratio(row.compare, ours.back(), theirs.back()));
    }
    Figure ratio_of_all = summarise(std::move(ratios));
    // Folded only now: folding each pair would count noise as disagreement.
    if (row.compare == Compare::agreement) ratio_of_all.median = std::min(ratio_of_all.median, 1 / ratio_of_all.median);
    outcomes_.push_back(
        {row.work, row.against, summarise(std::move(ours)), summarise(std::move(theirs)), ratio_of_all, row.at_least});
}

int SideBySide::finish() const {
    if (outcomes_.empty()) usage_error(fmt::format("no row contains '{}'", filter_));
    json_ ? print_json() : print_table();
    return std::all_of(outcomes_.begin(), outcomes_.end(), [](const Outcome& one) { return one.holds(); }) ? 0 : 1;
}

SideBySide::Figure SideBySide::summarise(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return {median_of_sorted(values), values.front(), values.back()};
}

std::string SideBySide::show(const Figure& figure) {
    return fmt::format("{} ({}..{})", digits(figure.median), digits(figure.lowest), digits(figure.highest));
}

double SideBySide::ratio(Compare compare, double ours, double theirs) {
    return compare == Compare::lower_is_better ? theirs / ours : ours / theirs;
}

void SideBySide::print_table() const {
    using Line = std::vector<std::string>;
    std::vector<Line> lines{{"work", "ours", "against", "theirs", "ratio", "at least", "holds"}};
    for (const Outcome& one : outcomes_) {
        lines.push_back({one.work, show(one.ours), one.against, show(one.theirs),
                         fmt::format("{:.3f} ({:.2f}..{:.2f})", one.ratio.median, one.ratio.lowest, one.ratio.highest),
                         one.at_least ? fmt::format("{:.2f}", *one.at_least) : "-",
                         !one.at_least ? "-"
                         : one.holds() ? "yes"
                                       : "NO"});
    }
    for (const std::string& note : notes_) fmt::print("{}\n", note);
    fmt::print("Medians (lowest..highest) of alternating runs.\n\n");
    std::vector<std::size_t> widths(lines.front().size());
    for (const Line& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
    }
    for (const Line& line : lines) {
        std::string text;
        for (std::size_t i = 0; i < line.size(); ++i) text += fmt::format("{:<{}}  ", line[i], widths[i]);
        text.erase(text.find_last_not_of(' ') + 1);
        fmt::print("{}\n", text);
    }
}

void SideBySide::print_json() const {
    for (const Outcome& one : outcomes_) {
        nlohmann::ordered_json row;
        row["work"] = one.work;
        row["ours"] = one.ours.median;
        row["against"] = one.against;
        row["theirs"] = one.theirs.median;
        row["ratio"] = one.ratio.median;
        row["at_least"] = nullptr;
        if (one.at_least) row["at_least"] = *one.at_least;
        row["holds"] = one.holds();
        fmt::print("{}\n", row.dump());
    }
    // Standard output holds the rows alone.
    for (const std::string& note : notes_) fmt::print(stderr, "{}\n", note);
}

}  // namespace stele::bench
