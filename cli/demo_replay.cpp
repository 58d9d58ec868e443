#include "demo_replay.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace stele::cli {
namespace {

void note_served(DemoRun& run, const DemoQuestion& asked, DemoServed served) {
    if (served.group != asked.group) {
        const bool near_miss = are_near(asked.group, asked.near, served.group, served.near);
        run.wrong.push_back({&asked, std::move(served), near_miss});
    } else if (served.layer == HitLayer::semantic &&
               (!run.closest || served.similarity < run.closest->served.similarity)) {
        run.closest = DemoWrong{&asked, std::move(served), false};
    }
}

}  // namespace

std::vector<const DemoQuestion*> shuffled(const std::vector<DemoQuestion>& questions, std::uint64_t seed,
                                          std::optional<std::size_t> limit) {
    std::vector<const DemoQuestion*> stream;
    stream.reserve(questions.size());
    for (const DemoQuestion& question : questions) stream.push_back(&question);
    // not std::shuffle, whose order is the standard library's own
    std::mt19937_64 random(seed);
    for (std::size_t left = stream.size(); left > 1; --left) std::swap(stream[left - 1], stream[random() % left]);
    if (limit && *limit < stream.size()) stream.resize(*limit);
    return stream;
}

DemoRun replay(const std::vector<const DemoQuestion*>& stream, const DemoPorts& ports,
               const std::function<void(const DemoRun&)>& progress) {
    DemoRun run;
    for (const DemoQuestion* asked : stream) {
        if (ports.stopped()) {
            run.interrupted = true;
            break;
        }
        const auto begun = ports.now();
        std::optional<DemoServed> served = ports.look_up(*asked);
        const auto looked_up = ports.now();
        auto ended = looked_up;
        if (served) {
            (served->layer == HitLayer::semantic ? run.semantic : run.exact).push_back(looked_up - begun);
            note_served(run, *asked, *std::move(served));
        } else {
            const std::optional<std::string> answer = ports.answer(*asked);
            if (!answer) {
                run.interrupted = true;
                break;
            }
            const auto answered = ports.now();
            ports.store(*asked, *answer);
            ended = ports.now();
            run.miss.push_back((looked_up - begun) + (ended - answered));
        }
        run.elapsed += ended - begun;
        if (progress) progress(run);
    }
    return run;
}

}  // namespace stele::cli
