// What happened in a demonstration: the arithmetic, and how it is shown.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "demo_curve.hpp"
#include "demo_guards.hpp"
#include "demo_replay.hpp"
#include "output.hpp"

namespace stele::cli {

/// The circumstances of a replay.
struct DemoSetting {
    std::string questions;      ///< the file
    std::string source;         ///< for people: "in FILE"
    std::size_t available = 0;  ///< questions in it
    std::string embedder;       ///< for people
    std::string fingerprint;
    std::string database;  ///< as Database::describe()
    std::string schema;
    std::uint64_t seed = 0;
    float threshold = 0;
    bool guards = false;                          ///< the memory was asked with the guards that come with Stele
    std::chrono::milliseconds answer{};           ///< what the stand-in takes
    std::size_t planned = 0;                      ///< questions to ask
    std::size_t entries_before = 0, entries = 0;  ///< stored answers to these questions
};

/// Some of the questions.
struct DemoShare {
    std::size_t count = 0;
    double share = 0;                      ///< of all asked, 0 to 1
    std::optional<double> p50_ms, p99_ms;  ///< nothing without a question
};

struct DemoReport {
    DemoSetting setting;
    std::size_t asked = 0;
    DemoShare exact, semantic, miss;
    std::size_t hits = 0;
    double hit_rate = 0;           ///< of all asked
    std::size_t near_misses = 0;   ///< of the wrong answers
    double wrong_rate = 0;         ///< of the hits
    std::vector<DemoWrong> wrong;  ///< the worst first: the more alike the two questions, the less a threshold helps
    std::optional<DemoWrong> closest;
    std::vector<DemoCurvePoint> curve;  ///< by falling threshold, the run's own among them; empty without an embedder
    std::optional<DemoCurvePoint> exact_alone;
    std::optional<DemoGuarded> guarded;  ///< nothing without an embedder
    double elapsed_s = 0;                ///< the whole replay, answering included
    double spared_s = 0;                 ///< the stand-in's wait, once a hit
    double memory_s = 0;                 ///< every look-up and every store
    bool interrupted = false;

    double saved_s() const noexcept { return spared_s - memory_s; }
};

/// The smallest value that at least `percent` of 100 of the values do not exceed (nearest rank); nothing of nothing.
std::optional<double> percentile_ms(std::vector<DemoRun::Duration> values, double percent);

DemoReport make_report(DemoSetting setting, const DemoRun& run);

/// The thresholds of a report's curve: nothing (exact matching alone), some from 1 down to where every embedder takes
/// everything for the same, and `own`.
std::vector<std::optional<float>> curve_thresholds(float own);
/// `points`: of curve_thresholds.
void add_curve(DemoReport& report, const std::vector<DemoCurvePoint>& points);

nlohmann::json to_document(const DemoReport& report);
void print(const DemoReport& report, const Output& output);

/// `text` on lines of at most `width` columns, broken at blanks where there are any.
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

}  // namespace stele::cli
