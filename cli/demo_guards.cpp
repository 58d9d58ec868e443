#include "demo_guards.hpp"

#include <algorithm>

namespace stele::cli {
namespace {

std::size_t& count_of(DemoPairs& pairs, const DemoQuestion& one, const DemoQuestion& other) {
    if (one.group == other.group) return pairs.rewordings;
    return are_near(one.group, one.near, other.group, other.near) ? pairs.near_misses : pairs.others;
}

bool refuses(const Guard& guard, const DemoQuestion& asked, const DemoQuestion& stored) {
    const Json metadata = Json::object();
    return guard
        .check({.asked = asked.question,
                .asked_key = asked.question,
                .stored = stored.question,
                .stored_key = stored.question,
                .response = stored.answer,
                .metadata = metadata})
        .has_value();
}

}  // namespace

DemoGuarded count_guarded(const std::vector<const DemoQuestion*>& stream, const std::vector<DemoPlace>& places,
                          float threshold, const std::vector<Guard>& guards) {
    DemoGuarded all;
    for (const Guard& guard : guards) all.guards.push_back({guard.name, {}});
    for (std::size_t asked = 0; asked < stream.size(); ++asked) {
        for (std::size_t stored = 0; stored < asked; ++stored) {
            if (places[asked].key == places[stored].key) continue;
            if (likeness(places[asked], places[stored]) < threshold) continue;
            const auto count = [&](DemoPairs& pairs) { ++count_of(pairs, *stream[asked], *stream[stored]); };
            count(all.pairs);
            bool refused = false;
            for (std::size_t i = 0; i < guards.size(); ++i) {
                if (!refuses(guards[i], *stream[asked], *stream[stored])) continue;
                count(all.guards[i].refused);
                refused = true;
            }
            if (refused) count(all.refused);
        }
    }
    const auto accepts = [&guards](const DemoQuestion& asked, const DemoQuestion& stored) {
        return std::none_of(guards.begin(), guards.end(),
                            [&](const Guard& guard) { return refuses(guard, asked, stored); });
    };
    all.unguarded = threshold_curve(stream, places, {threshold}).front();
    all.guarded = threshold_curve(stream, places, {threshold}, accepts).front();
    return all;
}

}  // namespace stele::cli
