// Metrics as Prometheus reads them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "stele/export.hpp"
#include "stele/metrics.hpp"

namespace stele {
inline namespace v0 {

/// Collects in memory and writes Prometheus's text format, which any HTTP server can answer a scrape with. Recording
/// takes no lock, and threads mostly write to memory of their own. Thread-safe.
class STELE_API PrometheusMetrics final : public Metrics {
public:
    PrometheusMetrics();
    PrometheusMetrics(const PrometheusMetrics&) = delete;
    PrometheusMetrics& operator=(const PrometheusMetrics&) = delete;
    ~PrometheusMetrics() override;

    /// Throw Error(invalid_argument) for a name that Prometheus does not allow, for a counter whose name does not end
    /// in _total, for bounds that do not ascend, for another number of values than of labels, and for a name that was
    /// registered before as something else.
    Counter& counter(const CounterInfo& info, LabelValues labels = {}) override;
    Gauge& gauge(const GaugeInfo& info, LabelValues labels = {}) override;
    Histogram& histogram(const HistogramInfo& info, LabelValues labels = {}) override;

    /// Everything, sorted by name and labels. A recording under way may be in or not; a histogram's count is always
    /// that of its ranges.
    std::string text() const;
    /// The Content-Type to send it with.
    static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace stele
