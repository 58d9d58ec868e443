#include "demo_curve.hpp"

#include <limits>
#include <set>

#include "embed_values.hpp"

namespace stele::cli {
namespace {

/// The stream so far, at one threshold.
class Replayed {
public:
    Replayed(std::optional<float> threshold, const DemoAccepts& accepts) : accepts_(accepts) {
        point_.threshold = threshold;
    }

    void ask(const std::vector<const DemoQuestion*>& stream, const std::vector<DemoPlace>& places, std::size_t asked,
             std::span<const float> likeness) {
        const DemoQuestion& question = *stream[asked];
        ++point_.asked;
        if (keys_.contains(places[asked].key)) {
            ++point_.exact;
            return;
        }
        const bool reworded = question.kind == "paraphrase";
        const bool known = reworded && groups_.contains(question.group);
        point_.rewordings += reworded ? 1 : 0;
        point_.known += known ? 1 : 0;
        DemoFound* const alike = known && question.wording ? &point_.by_wording[*question.wording] : nullptr;
        if (alike != nullptr) ++alike->known;
        const std::optional<std::size_t> served = best(stream, question, likeness);
        if (!served) {
            keys_.insert(places[asked].key);
            groups_.insert(question.group);
            stored_.push_back(asked);
        } else if (const DemoQuestion& other = *stream[*served]; other.group == question.group) {
            ++point_.right;
            point_.found += known ? 1 : 0;
            if (alike != nullptr) ++alike->found;
        } else {
            ++point_.wrong;
            point_.near_misses += are_near(question.group, question.near, other.group, other.near) ? 1 : 0;
            point_.unrelated += question.kind == "distractor" || other.kind == "distractor" ? 1 : 0;
        }
    }
    const DemoCurvePoint& point() const noexcept { return point_; }

private:
    std::optional<std::size_t> best(const std::vector<const DemoQuestion*>& stream, const DemoQuestion& asked,
                                    std::span<const float> likeness) const {
        std::optional<std::size_t> best;
        if (!point_.threshold) return best;
        for (const std::size_t one : stored_) {
            if (likeness[one] < *point_.threshold || (best && likeness[one] <= likeness[*best])) continue;
            if (!accepts_ || accepts_(asked, *stream[one])) best = one;
        }
        return best;
    }

    const DemoAccepts& accepts_;
    DemoCurvePoint point_;
    std::set<std::size_t> keys_;
    std::set<std::string> groups_;
    std::vector<std::size_t> stored_;
};

}  // namespace

double part_of(std::size_t count, std::size_t all) noexcept {
    return all == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(all);
}

double DemoFound::share() const noexcept {
    return part_of(found, known);
}
double DemoCurvePoint::answered() const noexcept {
    return part_of(exact + right + wrong, asked);
}
double DemoCurvePoint::found_share() const noexcept {
    return part_of(found, known);
}

float likeness(const DemoPlace& one, const DemoPlace& other) {
    constexpr float kNever = -std::numeric_limits<float>::infinity();
    return one.unit.empty() || other.unit.empty() ? kNever : similarity(one.unit, other.unit);
}

std::vector<DemoCurvePoint> threshold_curve(const std::vector<const DemoQuestion*>& stream,
                                            const std::vector<DemoPlace>& places,
                                            const std::vector<std::optional<float>>& thresholds,
                                            const DemoAccepts& accepts) {
    std::vector<Replayed> replayed;
    for (const std::optional<float> threshold : thresholds) replayed.emplace_back(threshold, accepts);
    std::vector<float> likenesses(stream.size());
    for (std::size_t asked = 0; asked < stream.size(); ++asked) {
        for (std::size_t other = 0; other < asked; ++other) {
            likenesses[other] = likeness(places[asked], places[other]);
        }
        for (Replayed& one : replayed) one.ask(stream, places, asked, likenesses);
    }
    std::vector<DemoCurvePoint> points;
    for (const Replayed& one : replayed) points.push_back(one.point());
    return points;
}

}  // namespace stele::cli
