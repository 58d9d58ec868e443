// Numbers for those who operate: what Stele counts and measures, and whoever collects it.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

/// Names of the labels of a metric; empty ones are none.
using LabelNames = std::array<std::string_view, 2>;

/// What a metric is: constants of Stele's own, whose texts live as long as the program. Names are Prometheus's: base
/// units (_seconds, _bytes), and counters end in _total.
struct CounterInfo {
    std::string_view name;
    std::string_view help;  ///< one sentence
    LabelNames labels{};
};
struct GaugeInfo {
    std::string_view name;
    std::string_view help;
    LabelNames labels{};
};
struct HistogramInfo {
    std::string_view name;
    std::string_view help;
    LabelNames labels{};
    std::span<const double> bounds{};  ///< upper ends of the ranges, included, ascending; the last range is open
};

/// Collects. Give one to DatabaseOptions::metrics; PrometheusMetrics (stele/prometheus.hpp) is one, and you can write
/// your own for another system. Several databases may share one: their numbers add up.
///
/// Stele asks for every instrument once, when it opens something, and records through it from then on, on any thread,
/// while a caller waits: recording must be quick (tens of nanoseconds), cannot throw, and must neither block nor call
/// Stele, which may hold a lock. The values of the labels come
/// in the order of their names; all of them are known when Stele is compiled, so the number of series is fixed
/// (docs/observability.md lists them). Asking twice for the same name and values gives the same instrument, which lives
/// as long as this object. Asking may throw, and is thread-safe too.
class STELE_API Metrics {
public:
    using LabelValues = std::initializer_list<std::string_view>;

    /// A count that only grows. Thread-safe.
    class Counter {
    public:
        virtual void add(std::uint64_t count = 1) noexcept = 0;

    protected:
        ~Counter() = default;
    };

    /// A number that goes up and down. Thread-safe. Those who share one use add(), so that it is the sum of theirs;
    /// set() is for the one owner of a measured value.
    class Gauge {
    public:
        virtual void add(double difference) noexcept = 0;
        virtual void set(double value) noexcept = 0;

    protected:
        ~Gauge() = default;
    };

    /// How many values fell into which range, and their sum. Thread-safe.
    class Histogram {
    public:
        virtual void observe(double value) noexcept = 0;

    protected:
        ~Histogram() = default;
    };

    virtual ~Metrics() = default;
    virtual Counter& counter(const CounterInfo& info, LabelValues labels = {}) = 0;
    virtual Gauge& gauge(const GaugeInfo& info, LabelValues labels = {}) = 0;
    virtual Histogram& histogram(const HistogramInfo& info, LabelValues labels = {}) = 0;

protected:
    Metrics() = default;
    Metrics(const Metrics&) = default;
    Metrics& operator=(const Metrics&) = default;
};

}  // namespace v0
}  // namespace stele
