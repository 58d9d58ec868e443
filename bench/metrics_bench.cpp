// What does it cost to be counted, measured and traced?
//
// Statements: one caller, SELECT 1, client and backend on one CPU; a database with the hook set beside one without.
// All that a call tells: the functions of Observer that one statement calls, without the statement, beside reading the
// clock as often as they do.
// Recordings: a histogram of PrometheusMetrics beside one behind a mutex, one thread and two, each on its own CPU where
// there are two.

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "pinning.hpp"
#include "postgres/observer.hpp"
#include "side_by_side.hpp"
#include "stele/database.hpp"
#include "stele/prometheus.hpp"

namespace stele::bench {
namespace {

constexpr double kWindowSeconds = 0.2;
constexpr double kAtLeast = 0.95;
constexpr int kRecordings = 400'000;
constexpr std::array<double, 20> kBounds = {0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001,
                                            0.0025,  0.005,    0.01,    0.025,  0.05,    0.1,    0.25,
                                            0.5,     1,        2.5,     5,      10,      30};

// What one writes first.
class LockedHistogram final : public Metrics::Histogram {
public:
    void observe(double value) noexcept override {
        const std::lock_guard lock(mutex_);
        ++counts_[static_cast<std::size_t>(std::lower_bound(kBounds.begin(), kBounds.end(), value) - kBounds.begin())];
        sum_ += value;
    }

private:
    std::mutex mutex_;
    std::array<std::uint64_t, kBounds.size() + 1> counts_{};
    double sum_ = 0;
};

class EmptySpan final : public Span {
    void end(const SpanEnd&) noexcept override {}
};
class EmptyTracer final : public Tracer {
    std::unique_ptr<Span> start(std::string_view, std::span<const SpanAttribute>) noexcept override {
        return std::make_unique<EmptySpan>();
    }
};

// Nanoseconds that a recording takes the thread that makes it.
double nanoseconds(Metrics::Histogram& histogram, int threads) {
    const auto record = [&histogram] {
        for (int i = 0; i < kRecordings; ++i) histogram.observe(0.00002 * (1 + i % 4));
    };
    const double time = seconds([&] {
        std::vector<std::jthread> others;
        for (int i = 1; i < threads; ++i) others.emplace_back(record);
        record();
    });
    return time / kRecordings * 1e9;
}

void recordings(SideBySide& bench) {
    PrometheusMetrics metrics;
    auto& ours = metrics.histogram({"bench_seconds", "Of the benchmark.", {}, kBounds});
    LockedHistogram theirs;
    for (const int threads : {1, 2}) {
        bench.measure({.work = fmt::format("recording a duration, {} thread{} (ns)", threads, threads > 1 ? "s" : ""),
                       .against = "a histogram behind a mutex",
                       .compare = Compare::lower_is_better,
                       .at_least = {},
                       .ours = [&, threads] { return nanoseconds(ours, threads); },
                       .theirs = [&, threads] { return nanoseconds(theirs, threads); }});
    }
}

// Nanoseconds of the calling thread.
double nanoseconds_each(int times, const std::function<void()>& work) {
    return seconds([&] {
               for (int i = 0; i < times; ++i) work();
           }) /
           times * 1e9;
}

void all_that_a_call_tells(SideBySide& bench) {
    const Observer observer(std::make_shared<PrometheusMetrics>(), nullptr, Dsn::of({}));
    const Statement statement("SELECT response FROM entries WHERE namespace = $1 AND query_hash = $2");
    const PoolStatus idle{.idle = 1, .in_use = 0, .connecting = 0, .waiting = 0, .maximum = 8};
    const PoolStatus used{.idle = 0, .in_use = 1, .connecting = 0, .waiting = 0, .maximum = 8};
    const auto tell = [&] {
        observer.call(Observer::Kind::single, std::span(&statement, 1), [&] {
            observer.queued(Lane::none, {});
            observer.pool(idle, used);
            observer.round_trip(Lane::none, 1, observer.now());
            observer.pool(used, idle);
        });
    };
    Observer::Time last;
    const auto read_clock = [&] {
        for (int i = 0; i < 4; ++i) last = Deadline::Clock::now();
    };
    bench.measure({.work = "all that a call tells PrometheusMetrics (ns)",
                   .against = "four reads of the clock",
                   .compare = Compare::lower_is_better,
                   .at_least = {},
                   .ours = [&] { return nanoseconds_each(kRecordings, tell); },
                   .theirs = [&] { return nanoseconds_each(kRecordings, read_clock); }});
}

class Statements {
public:
    explicit Statements(std::shared_ptr<Metrics> metrics, std::shared_ptr<Tracer> tracer)
        : database_(open(std::move(metrics), std::move(tracer))) {}
    double per_second() {
        return bench::per_second(kWindowSeconds, [&] {
            if (database_.query("SELECT 1").size() != 1) throw std::runtime_error("a wrong answer");
        });
    }

private:
    static Database open(std::shared_ptr<Metrics> metrics, std::shared_ptr<Tracer> tracer) {
        const char* const dsn = std::getenv("STELE_TEST_DSN");
        if (dsn == nullptr) throw std::runtime_error("STELE_TEST_DSN is not set: run scripts/bench metrics");
        DatabaseOptions options;
        options.dsn = dsn;
        options.bare = true;
        options.metrics = std::move(metrics);
        options.tracer = std::move(tracer);
        return Database::open(options);
    }
    Database database_;
};

void statements(SideBySide& bench) {
    const int cpu = allowed_cpus().front();
    // backends are forked from the server and so inherit its CPU
    const Pinned pinned(cpu, {std::atoi(std::getenv("STELE_TEST_PG_PID"))});
    bench.note(fmt::format("Statements: client and backends on CPU {}.", cpu));
    Statements plain(nullptr, nullptr);
    Statements measured(std::make_shared<PrometheusMetrics>(), nullptr);
    Statements traced(nullptr, std::make_shared<EmptyTracer>());
    const auto row = [&](const char* hook, Statements& with, std::optional<double> at_least) {
        bench.measure({.work = fmt::format("SELECT 1, one caller, with {} (1/s)", hook),
                       .against = "without",
                       .at_least = at_least,
                       .repetitions = bench.quick() ? 25 : 75,
                       .ours = [&] { return with.per_second(); },
                       .theirs = [&] { return plain.per_second(); }});
    };
    row("PrometheusMetrics", measured, kAtLeast);
    row("a tracer that does nothing", traced, {});
}

}  // namespace
}  // namespace stele::bench

int main(int argc, char** argv) {
    return stele::bench::run(argc, argv, "Statements that are counted, measured and traced beside such that are not.",
                             [](stele::bench::SideBySide& bench) {
                                 stele::bench::recordings(bench);
                                 stele::bench::all_that_a_call_tells(bench);
                                 stele::bench::statements(bench);
                             });
}
