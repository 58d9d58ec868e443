#include "demo_report.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>

namespace stele::cli {
namespace {

using Json = nlohmann::json;
using Seconds = std::chrono::duration<double>;
using Milliseconds = std::chrono::duration<double, std::milli>;

DemoShare share_of(const std::vector<DemoRun::Duration>& times, std::size_t asked) {
    return {times.size(), part_of(times.size(), asked), percentile_ms(times, 50), percentile_ms(times, 99)};
}

DemoRun::Duration sum(const std::vector<DemoRun::Duration>& times) {
    return std::accumulate(times.begin(), times.end(), DemoRun::Duration());
}

// Programs get no more digits than were measured.
double rounded(double value, double digits) {
    const double scale = std::pow(10.0, digits);
    return std::round(value * scale) / scale;
}

Json milliseconds_json(const std::optional<double>& value) {
    return value ? Json(rounded(*value, 3)) : Json(nullptr);
}

Json document_of(const DemoShare& share) {
    return {{"count", share.count},
            {"share", rounded(share.share, 4)},
            {"p50_ms", milliseconds_json(share.p50_ms)},
            {"p99_ms", milliseconds_json(share.p99_ms)}};
}

Json document_of(const DemoCurvePoint& point) {
    Json by_wording = Json::object();
    for (const auto& [wording, alike] : point.by_wording) {
        by_wording[wording] = {{"known", alike.known}, {"found", alike.found}};
    }
    return {{"threshold", point.threshold ? Json(rounded(static_cast<double>(*point.threshold), 4)) : Json(nullptr)},
            {"exact", point.exact},
            {"right", point.right},
            {"wrong", point.wrong},
            {"near_misses", point.near_misses},
            {"unrelated", point.unrelated},
            {"rewordings",
             {{"asked", point.rewordings},
              {"known", point.known},
              {"found", point.found},
              {"by_wording", std::move(by_wording)}}}};
}

Json document_of(const DemoPairs& pairs) {
    return {{"rewordings", pairs.rewordings}, {"near_misses", pairs.near_misses}, {"others", pairs.others}};
}

Json document_of(const DemoGuarded& guarded) {
    Json guards = Json::array();
    for (const DemoGuarded::Guard& guard : guarded.guards) {
        guards.push_back({{"name", guard.name}, {"refused", document_of(guard.refused)}});
    }
    return {{"pairs", document_of(guarded.pairs)},
            {"refused", document_of(guarded.refused)},
            {"guards", std::move(guards)},
            {"without", document_of(guarded.unguarded)},
            {"with", document_of(guarded.guarded)}};
}

Json document_of(const DemoWrong& wrong) {
    return {{"asked", wrong.asked->question},
            {"asked_group", wrong.asked->group},
            {"right_answer", wrong.asked->answer},
            {"matched", wrong.served.question},
            {"matched_group", wrong.served.group},
            {"served_answer", wrong.served.answer},
            {"similarity", rounded(static_cast<double>(wrong.served.similarity), 4)},
            {"layer", to_string(wrong.served.layer)},
            {"near_miss", wrong.near_miss}};
}

}  // namespace

std::optional<double> percentile_ms(std::vector<DemoRun::Duration> values, double percent) {
    if (values.empty()) return std::nullopt;
    const double rank = std::ceil(percent / 100.0 * static_cast<double>(values.size()));
    const auto at = std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(rank), 1, std::ssize(values)) - 1;
    std::nth_element(values.begin(), values.begin() + at, values.end());
    return Milliseconds(values[static_cast<std::size_t>(at)]).count();
}

DemoReport make_report(DemoSetting setting, const DemoRun& run) {
    DemoReport report;
    report.asked = run.asked();
    report.exact = share_of(run.exact, report.asked);
    report.semantic = share_of(run.semantic, report.asked);
    report.miss = share_of(run.miss, report.asked);
    report.hits = run.hits();
    report.hit_rate = part_of(report.hits, report.asked);
    report.wrong = run.wrong;
    std::sort(report.wrong.begin(), report.wrong.end(),
              [](const DemoWrong& a, const DemoWrong& b) { return a.served.similarity > b.served.similarity; });
    report.near_misses = static_cast<std::size_t>(
        std::count_if(run.wrong.begin(), run.wrong.end(), [](const DemoWrong& wrong) { return wrong.near_miss; }));
    report.wrong_rate = part_of(report.wrong.size(), report.hits);
    report.closest = run.closest;
    report.elapsed_s = Seconds(run.elapsed).count();
    report.spared_s = Seconds(setting.answer * report.hits).count();
    report.memory_s = Seconds(sum(run.exact) + sum(run.semantic) + sum(run.miss)).count();
    report.interrupted = run.interrupted;
    report.setting = std::move(setting);
    return report;
}

std::vector<std::optional<float>> curve_thresholds(float own) {
    constexpr int kHighest = 96, kLowest = 56, kStep = 4;
    std::vector<std::optional<float>> thresholds = {std::nullopt, own};
    for (int percent = kHighest; percent >= kLowest; percent -= kStep) {
        const float one = static_cast<float>(percent) / 100.0F;
        if (std::fabs(one - own) > 1e-4F) thresholds.emplace_back(one);
    }
    std::sort(thresholds.begin() + 1, thresholds.end(), std::greater<>());
    return thresholds;
}

void add_curve(DemoReport& report, const std::vector<DemoCurvePoint>& points) {
    for (const DemoCurvePoint& point : points) {
        if (point.threshold) {
            report.curve.push_back(point);
        } else {
            report.exact_alone = point;
        }
    }
}

nlohmann::json to_document(const DemoReport& report) {
    const DemoSetting& setting = report.setting;
    Json curve = Json::array();
    for (const DemoCurvePoint& point : report.curve) curve.push_back(document_of(point));
    Json wrong = Json::array();
    for (const DemoWrong& one : report.wrong) wrong.push_back(document_of(one));
    return {{"questions", setting.questions},
            {"seed", setting.seed},
            {"embedder", setting.fingerprint},
            {"threshold", rounded(static_cast<double>(setting.threshold), 4)},
            {"guards", setting.guards},
            {"database", setting.database},
            {"schema", setting.schema},
            {"stand_in_answer_ms", setting.answer.count()},
            {"planned", setting.planned},
            {"asked", report.asked},
            {"interrupted", report.interrupted},
            {"entries", {{"before", setting.entries_before}, {"after", setting.entries}}},
            {"layers",
             {{"exact", document_of(report.exact)},
              {"semantic", document_of(report.semantic)},
              {"miss", document_of(report.miss)}}},
            {"hits", {{"count", report.hits}, {"share", rounded(report.hit_rate, 4)}}},
            {"wrong",
             {{"count", report.wrong.size()},
              {"share_of_hits", rounded(report.wrong_rate, 4)},
              {"near_misses", report.near_misses},
              {"answers", std::move(wrong)}}},
            {"from_empty",
             {{"exact_alone", report.exact_alone ? document_of(*report.exact_alone) : Json(nullptr)},
              {"curve", std::move(curve)},
              {"guards", report.guarded ? document_of(*report.guarded) : Json(nullptr)}}},
            {"seconds",
             {{"elapsed", rounded(report.elapsed_s, 3)},
              {"not_waited", rounded(report.spared_s, 3)},
              {"memory", rounded(report.memory_s, 3)},
              {"saved", rounded(report.saved_s(), 3)}}}};
}

}  // namespace stele::cli
