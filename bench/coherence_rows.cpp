#include "coherence_rows.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "coherence/process.hpp"
#include "crowd.hpp"
#include "entries.hpp"
#include "stele/configuration.hpp"

namespace stele::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kProcesses = 8;

DatabaseOptions options() {
    DatabaseOptions options;
    options.dsn = environment("STELE_TEST_DSN");
    options.schema = "stele_bench";
    return options;
}

double quantile(std::vector<double>& values, double which) {
    const auto wanted = values.begin() + static_cast<std::ptrdiff_t>(which * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), wanted, values.end());
    return *wanted;
}

/// Defines of one process, watched by others.
class Watched {
public:
    explicit Watched(bool hints)
        : writer_(Database::open(with(hints))), repository_(writer_), key_(hints ? "watched.hints" : "watched") {
        std::vector<std::string> words;
        if (!hints) words.emplace_back("hints=off");
        for (int i = 0; i < kProcesses; ++i) {
            watchers_.emplace_back(STELE_COHERENCE_PROCESS, environment("STELE_TEST_DSN") + " application_name=watcher",
                                   "stele_bench", words);
        }
    }

    /// From the return of define() until each of them serves it, in milliseconds (0: it did before); two listeners and
    /// two followers lose their connections meanwhile.
    std::vector<double> run(int defines) {
        const int first = last_ + 1;
        for (test::Process& watcher : watchers_) {
            watcher.tell(fmt::format("watch {} {} {}", key_, first, last_ + defines));
        }
        std::vector<Clock::time_point> defined;
        for (int i = 0; i < defines; ++i) {
            std::this_thread::sleep_for(20ms + std::chrono::microseconds(random_() % 40'000));
            if (i == defines / 3) end_sessions("LISTEN%");
            if (i == defines * 2 / 3) end_sessions("%pg_current_snapshot%");
            const auto begin = Clock::now();
            repository_.define(key_, Json::parse(fmt::format("{{\"n\": {}}}", ++last_)));
            defined.push_back(Clock::now());
            define_times.push_back(std::chrono::duration<double, std::milli>(defined.back() - begin).count());
        }
        std::vector<double> times;
        for (test::Process& watcher : watchers_) {
            std::istringstream seen(watcher.hear());
            for (const Clock::time_point when : defined) {
                std::int64_t nanoseconds = 0;
                seen >> nanoseconds;
                const auto took = std::chrono::nanoseconds(nanoseconds) - when.time_since_epoch();
                times.push_back(std::max(0.0, std::chrono::duration<double, std::milli>(took).count()));
            }
        }
        return times;
    }
    std::vector<double> define_times;

private:
    static DatabaseOptions with(bool hints) {
        DatabaseOptions chosen = options();
        chosen.change_hints = hints;
        return chosen;
    }
    void end_sessions(const char* query) {
        writer_.query(
            {"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'watcher' AND "
             "query LIKE $1 ORDER BY random() LIMIT 2",
             query});
    }

    Database writer_;
    ConfigurationRepository repository_;
    std::string key_;
    std::vector<test::Process> watchers_;
    std::mt19937 random_{1};
    int last_ = 0;
};

void measure_visibility(SideBySide& bench, bool hints, double wanted_ms) {
    const std::string work =
        fmt::format("from a define until all of 8 processes see it, {} hints (ms, p99)", hints ? "with" : "without");
    if (!bench.wants(work)) return;
    const int defines = bench.quick() ? 15 : 45;
    Watched watched(hints);
    std::vector<double> all;
    bench.measure({.work = work,
                   .against = "what is promised",
                   .compare = Compare::lower_is_better,
                   .at_least = 1,
                   .ours =
                       [&] {
                           std::vector<double> times = watched.run(defines);
                           all.insert(all.end(), times.begin(), times.end());
                           return quantile(times, 0.99);
                       },
                   .theirs = [&] { return wanted_ms; }});
    const auto show = [](std::vector<double>& times) {
        return fmt::format("p50 {:.1f} ms, p99 {:.1f} ms, at most {:.1f} ms", quantile(times, 0.5),
                           quantile(times, 0.99), quantile(times, 1));
    };
    bench.note(fmt::format(
        "Visible in 8 processes, {} hints, killed listeners and followers included: {}, of {}. The defines took {}.",
        hints ? "with" : "without", show(all), all.size(), show(watched.define_times)));
}

/// Defines a second of 64 threads, each of an identifier of its own.
double write(ConfigurationRepository& repository, double seconds) {
    static std::atomic<int> number{0};
    return crowd_per_second(64, std::chrono::duration<double>(seconds), [&](std::size_t thread, auto) {
        repository.define("writer" + std::to_string(thread), Json::parse(fmt::format("{{\"n\": {}}}", ++number)));
        return std::size_t{1};
    });
}

void measure_writers(SideBySide& bench) {
    const std::string work = "define, 64 writers of different identifiers (1/s)";
    if (!bench.wants(work)) return;
    DatabaseOptions alone = options();
    alone.max_staleness = 24h;
    alone.change_hints = false;
    const Database followed = Database::open(options()), unfollowed = Database::open(alone);
    ConfigurationRepository with(followed), without(unfollowed);
    const Meanwhile used([&] {  // else its follower rests
        with.load_raw("watched");
        std::this_thread::sleep_for(10ms);
    });
    const double seconds = bench.quick() ? 0.3 : 1;
    bench.measure({.work = work,
                   .against = "the same without a follower",
                   .at_least = 0.9,
                   .ours = [&] { return write(with, seconds); },
                   .theirs = [&] { return write(without, seconds); }});
}

}  // namespace

void measure_coherence(SideBySide& bench) {
    measure_visibility(bench, true, 50);
    measure_visibility(bench, false, 100);
    measure_writers(bench);
}

}  // namespace stele::bench
