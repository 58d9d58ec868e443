#include "stele/prometheus.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

#include "stele/error.hpp"
#include "support/scrape.hpp"

namespace stele {
namespace {

constexpr double kBounds[] = {0.00005, 0.5, 1, 2500};
constexpr CounterInfo kCounter{"test_calls_total", "Calls.", {"kind"}};
constexpr GaugeInfo kGauge{"test_open", "Open \\ things,\nnow."};
constexpr HistogramInfo kHistogram{"test_wait_seconds", "Waits.", {"queue", "path"}, kBounds};

TEST(Prometheus, writes_the_text_format) {
    PrometheusMetrics metrics;
    metrics.histogram(kHistogram, {"a", "b"}).observe(0.25);
    metrics.histogram(kHistogram, {"a", "b"}).observe(0.5);  // a bound belongs to its range
    metrics.histogram(kHistogram, {"a", "b"}).observe(9999);
    metrics.gauge(kGauge).add(3);
    metrics.gauge(kGauge).add(-1.5);
    metrics.counter(kCounter, {"write"}).add(7);
    metrics.counter(kCounter, {"read"}).add();
    metrics.counter(kCounter, {"read"}).add();
    EXPECT_EQ(metrics.text(), R"(# HELP test_calls_total Calls.
# TYPE test_calls_total counter
test_calls_total{kind="read"} 2
test_calls_total{kind="write"} 7
# HELP test_open Open \\ things,\nnow.
# TYPE test_open gauge
test_open 1.5
# HELP test_wait_seconds Waits.
# TYPE test_wait_seconds histogram
test_wait_seconds_bucket{queue="a",path="b",le="5e-05"} 0
test_wait_seconds_bucket{queue="a",path="b",le="0.5"} 2
test_wait_seconds_bucket{queue="a",path="b",le="1"} 2
test_wait_seconds_bucket{queue="a",path="b",le="2500"} 2
test_wait_seconds_bucket{queue="a",path="b",le="+Inf"} 3
test_wait_seconds_sum{queue="a",path="b"} 9999.75
test_wait_seconds_count{queue="a",path="b"} 3
)");
}

TEST(Prometheus, has_nothing_to_say_before_anything_is_registered) {
    EXPECT_EQ(PrometheusMetrics().text(), "");
}

TEST(Prometheus, a_series_is_there_before_it_is_used) {
    PrometheusMetrics metrics;
    metrics.counter(kCounter, {"read"});
    EXPECT_EQ(test::Scrape(metrics)["test_calls_total{kind=\"read\"}"], 0);
}

TEST(Prometheus, escapes_the_values_of_labels) {
    PrometheusMetrics metrics;
    metrics.counter(kCounter, {"a\\b\"c\nd"}).add();
    EXPECT_THAT(metrics.text(), testing::HasSubstr(R"(test_calls_total{kind="a\\b\"c\nd"} 1)"));
}

TEST(Prometheus, writes_numbers_that_are_not_finite_as_prometheus_spells_them) {
    PrometheusMetrics metrics;
    for (const auto& [value, text] : {std::pair{std::nan(""), "test_open NaN\n"},
                                      std::pair{std::numeric_limits<double>::infinity(), "test_open +Inf\n"},
                                      std::pair{-std::numeric_limits<double>::infinity(), "test_open -Inf\n"}}) {
        metrics.gauge(kGauge).set(value);
        EXPECT_THAT(metrics.text(), testing::HasSubstr(text));
    }
}

TEST(Prometheus, a_histogram_leaves_out_what_is_not_a_number) {
    PrometheusMetrics metrics;
    auto& histogram = metrics.histogram(kHistogram, {"a", "b"});
    histogram.observe(std::nan(""));
    histogram.observe(1);
    const test::Scrape scrape(metrics);
    EXPECT_EQ(scrape["test_wait_seconds_count{queue=\"a\",path=\"b\"}"], 1);
    EXPECT_EQ(scrape["test_wait_seconds_sum{queue=\"a\",path=\"b\"}"], 1);
}

TEST(Prometheus, the_same_name_and_values_give_the_same_instrument) {
    PrometheusMetrics metrics;
    EXPECT_EQ(&metrics.counter(kCounter, {"read"}), &metrics.counter(kCounter, {"read"}));
    EXPECT_NE(&metrics.counter(kCounter, {"read"}), &metrics.counter(kCounter, {"write"}));
}

TEST(Prometheus, refuses_what_prometheus_would_not_read) {
    constexpr double kFalling[] = {1, 1};
    constexpr double kOpen[] = {1, std::numeric_limits<double>::infinity()};
    PrometheusMetrics metrics;
    metrics.counter(kCounter, {"read"});
    metrics.histogram(kHistogram, {"a", "b"});
    const auto why = [](const auto& call) -> std::string {
        try {
            call();
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
            return error.what();
        }
        return "nothing";
    };
    const auto has = [](const char* text) { return testing::HasSubstr(text); };
    EXPECT_THAT(why([&] { metrics.counter({"test_calls", ""}); }), has("_total"));
    EXPECT_THAT(why([&] { metrics.gauge({"", ""}); }), has("does not allow"));
    EXPECT_THAT(why([&] { metrics.gauge({"1st", ""}); }), has("does not allow"));
    EXPECT_THAT(why([&] { metrics.gauge({"a-b", ""}); }), has("does not allow"));
    EXPECT_THAT(why([&] { metrics.gauge({"a:b", ""}); }), has("nothing"));
    EXPECT_THAT(why([&] { metrics.gauge({"labels", "", {"a:b"}}, {""}); }), has("the label 'a:b'"));
    EXPECT_THAT(why([&] { metrics.gauge({"labels", "", {"__a"}}, {""}); }), has("the label '__a'"));
    EXPECT_THAT(why([&] { metrics.histogram({"le", "", {"le"}, kBounds}, {""}); }), has("the label 'le'"));
    EXPECT_THAT(why([&] { metrics.histogram({"falling", "", {}, kFalling}); }), has("ascending"));
    EXPECT_THAT(why([&] { metrics.histogram({"open", "", {}, kOpen}); }), has("ascending"));
    EXPECT_THAT(why([&] { metrics.counter(kCounter); }), has("has 1 labels, but 0 values"));
    EXPECT_THAT(why([&] { metrics.gauge({"test_calls_total", "Calls."}); }), has("as another type"));
    EXPECT_THAT(why([&] { metrics.counter({"test_calls_total", "Other.", {"kind"}}, {""}); }), has("another help"));
    EXPECT_THAT(why([&] { metrics.histogram({"test_wait_seconds", "Waits.", {"queue", "path"}}, {"a", "b"}); }),
                has("other bounds"));
}

TEST(Prometheus, loses_no_recording_of_many_threads_and_every_scrape_fits_together) {
    PrometheusMetrics metrics;
    constexpr int kThreads = 12, kTimes = 20'000;  // more threads than shards
    std::atomic<bool> done{false};
    std::thread reader([&] {
        double before = 0;
        while (!done) {
            metrics.histogram(kHistogram, {"a", "b"});
            const test::Scrape scrape(metrics);
            const double count = scrape["test_wait_seconds_count{queue=\"a\",path=\"b\"}"];
            EXPECT_EQ(count, scrape["test_wait_seconds_bucket{queue=\"a\",path=\"b\",le=\"+Inf\"}"]);
            EXPECT_GE(count, before);
            before = count;
        }
    });
    std::vector<std::thread> writers;
    for (int i = 0; i < kThreads; ++i) {
        writers.emplace_back([&, i] {
            auto& counter = metrics.counter(kCounter, {"read"});
            auto& gauge = metrics.gauge(kGauge);
            auto& histogram = metrics.histogram(kHistogram, {"a", "b"});
            for (int n = 0; n < kTimes; ++n) {
                counter.add(2);
                gauge.add(n % 2 == 0 ? 1 : -1);
                histogram.observe(i % 2 == 0 ? 0.25 : 2);
            }
        });
    }
    for (std::thread& writer : writers) writer.join();
    done = true;
    reader.join();
    const test::Scrape scrape(metrics);
    EXPECT_EQ(scrape["test_calls_total{kind=\"read\"}"], 2.0 * kThreads * kTimes);
    EXPECT_EQ(scrape["test_open"], 0);
    EXPECT_EQ(scrape["test_wait_seconds_bucket{queue=\"a\",path=\"b\",le=\"0.5\"}"], kThreads * kTimes / 2);
    EXPECT_EQ(scrape["test_wait_seconds_count{queue=\"a\",path=\"b\"}"], kThreads * kTimes);
    EXPECT_EQ(scrape["test_wait_seconds_sum{queue=\"a\",path=\"b\"}"], kThreads * kTimes * 1.125);
}

}  // namespace
}  // namespace stele
