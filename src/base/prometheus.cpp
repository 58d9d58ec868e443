#include "stele/prometheus.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "base/mutex.hpp"
#include "base/result.hpp"
#include "base/sharded.hpp"

namespace stele {
inline namespace v0 {
namespace {

using Values = std::vector<std::string>;

template <class Instrument>
struct Family {
    std::string help;
    std::vector<std::string> labels;
    std::vector<double> bounds;  // of histograms
    std::map<Values, std::unique_ptr<Instrument>> series;
};

bool is_name(std::string_view name, bool of_a_label) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    bool first = true;
    for (const char c : name) {
        if (!letter(c) && (first || c < '0' || c > '9') && (of_a_label || c != ':')) return false;
        first = false;
    }
    return !name.empty();
}

[[noreturn]] void refuse(std::string_view name, std::string_view why) {
    raise(ErrorCode::invalid_argument, fmt::format("the metric '{}' {}", name, why));
}

std::vector<std::string> checked_labels(std::string_view name, const LabelNames& names, bool histogram) {
    std::vector<std::string> labels;
    for (const std::string_view label : names) {
        if (label.empty()) continue;
        if (!is_name(label, true) || label.starts_with("__") || (histogram && label == "le")) {
            refuse(name, fmt::format("cannot have the label '{}'; use letters, digits and underscores", label));
        }
        labels.emplace_back(label);
    }
    return labels;
}

void check_bounds(std::string_view name, std::span<const double> bounds) {
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        if (!std::isfinite(bounds[i]) || (i > 0 && bounds[i] <= bounds[i - 1])) {
            refuse(name, "needs finite bounds in ascending order; leave the last, infinite one out");
        }
    }
}

std::string escaped(std::string_view text, bool quotes) {
    std::string result;
    for (const char c : text) {
        if (c == '\\' || (c == '"' && quotes)) result += '\\';
        result += c == '\n' ? "\\n" : std::string(1, c);
    }
    return result;
}

// {kind="read",le="0.5"}; `le` may be empty
std::string label_text(const std::vector<std::string>& names, const Values& values, std::string_view le) {
    std::string text;
    const auto append = [&text](std::string_view name, std::string_view value) {
        text += fmt::format("{}{}=\"{}\"", text.empty() ? "{" : ",", name, escaped(value, true));
    };
    for (std::size_t i = 0; i < names.size(); ++i) append(names[i], values[i]);
    if (!le.empty()) append("le", le);
    return text.empty() ? text : text + "}";
}

std::string number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    return fmt::format("{}", value);
}

void write(std::string& out, const std::string& name, const std::string& labels, const ShardedCounter& counter) {
    out += fmt::format("{}{} {}\n", name, labels, counter.value());
}
void write(std::string& out, const std::string& name, const std::string& labels, const AtomicGauge& gauge) {
    out += fmt::format("{}{} {}\n", name, labels, number(gauge.value()));
}

template <class Instrument>
std::string text_of(const std::string& name, const Family<Instrument>& family) {
    std::string out;
    for (const auto& [values, one] : family.series) write(out, name, label_text(family.labels, values, ""), *one);
    return out;
}

template <>
std::string text_of(const std::string& name, const Family<ShardedHistogram>& family) {
    std::string out;
    for (const auto& [values, one] : family.series) {
        const std::span<const double> bounds = one->bounds();
        std::uint64_t count = 0;
        for (std::size_t i = 0; i <= bounds.size(); ++i) {
            count += one->count(i);
            const std::string le = i < bounds.size() ? number(bounds[i]) : "+Inf";
            out += fmt::format("{}_bucket{} {}\n", name, label_text(family.labels, values, le), count);
        }
        const std::string labels = label_text(family.labels, values, "");
        out += fmt::format("{0}_sum{1} {2}\n{0}_count{1} {3}\n", name, labels, number(one->sum()), count);
    }
    return out;
}

}  // namespace

struct PrometheusMetrics::Impl {
    mutable Mutex mutex;
    std::map<std::string, Family<ShardedCounter>, std::less<>> counters STELE_GUARDED_BY(mutex);
    std::map<std::string, Family<AtomicGauge>, std::less<>> gauges STELE_GUARDED_BY(mutex);
    std::map<std::string, Family<ShardedHistogram>, std::less<>> histograms STELE_GUARDED_BY(mutex);

    bool elsewhere(std::string_view name, const void* map) const STELE_REQUIRES(mutex) {
        return (map != &counters && counters.contains(name)) || (map != &gauges && gauges.contains(name)) ||
               (map != &histograms && histograms.contains(name));
    }

    template <class Instrument, class Make>
    Instrument& find_or_make(std::map<std::string, Family<Instrument>, std::less<>>& map, std::string_view name,
                             Family<Instrument> family, LabelValues given, Make make) STELE_REQUIRES(mutex) {
        if (!is_name(name, false)) refuse(name, "has a name that Prometheus does not allow");
        if (elsewhere(name, &map)) refuse(name, "is registered already, as another type");
        if (given.size() != family.labels.size()) {
            refuse(name, fmt::format("has {} labels, but {} values were given", family.labels.size(), given.size()));
        }
        const auto found = map.find(name);
        const bool same =
            found == map.end() || (found->second.help == family.help && found->second.labels == family.labels &&
                                   found->second.bounds == family.bounds);
        if (!same) refuse(name, "is registered already, with another help text, other labels or other bounds");
        Family<Instrument>& one = found == map.end() ? map[std::string(name)] = std::move(family) : found->second;
        const Values values(given.begin(), given.end());
        const auto series = one.series.find(values);
        return series != one.series.end() ? *series->second : *one.series.emplace(values, make()).first->second;
    }
};

PrometheusMetrics::PrometheusMetrics() : impl_(std::make_unique<Impl>()) {}
PrometheusMetrics::~PrometheusMetrics() = default;

Metrics::Counter& PrometheusMetrics::counter(const CounterInfo& info, LabelValues labels) {
    if (!info.name.ends_with("_total")) refuse(info.name, "is a counter: its name must end in _total");
    MutexLock lock(impl_->mutex);
    return impl_->find_or_make(impl_->counters, info.name,
                               {std::string(info.help), checked_labels(info.name, info.labels, false), {}, {}}, labels,
                               [] { return std::make_unique<ShardedCounter>(); });
}

Metrics::Gauge& PrometheusMetrics::gauge(const GaugeInfo& info, LabelValues labels) {
    MutexLock lock(impl_->mutex);
    return impl_->find_or_make(impl_->gauges, info.name,
                               {std::string(info.help), checked_labels(info.name, info.labels, false), {}, {}}, labels,
                               [] { return std::make_unique<AtomicGauge>(); });
}

Metrics::Histogram& PrometheusMetrics::histogram(const HistogramInfo& info, LabelValues labels) {
    check_bounds(info.name, info.bounds);
    const std::vector<double> bounds(info.bounds.begin(), info.bounds.end());
    MutexLock lock(impl_->mutex);
    return impl_->find_or_make(impl_->histograms, info.name,
                               {std::string(info.help), checked_labels(info.name, info.labels, true), bounds, {}},
                               labels, [&] { return std::make_unique<ShardedHistogram>(bounds); });
}

std::string PrometheusMetrics::text() const {
    std::map<std::string, std::string> families;
    const auto add = [&families](const auto& map, std::string_view type) {
        for (const auto& [name, family] : map) {
            families[name] = fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{3}", name, escaped(family.help, false), type,
                                         text_of(name, family));
        }
    };
    MutexLock lock(impl_->mutex);
    add(impl_->counters, "counter");
    add(impl_->gauges, "gauge");
    add(impl_->histograms, "histogram");
    std::string text;
    for (const auto& [name, family] : families) text += family;
    return text;
}

}  // namespace v0
}  // namespace stele
