// A line for every call that goes to the server, and then what Prometheus would read.
#include <iostream>
#include <stele/stele.hpp>

class PrintedSpan final : public stele::Span {
public:
    explicit PrintedSpan(std::string_view name) : name_(name) {}
    void end(const stele::SpanEnd& end) noexcept override {
        std::cout << name_ << (end.failed ? " failed: " : " done") << end.description << '\n';
    }

private:
    std::string name_;
};

class Printer final : public stele::Tracer {
public:
    std::unique_ptr<stele::Span> start(std::string_view name, std::span<const stele::SpanAttribute>) noexcept override {
        return std::make_unique<PrintedSpan>(name);
    }
};

int main() {
    auto metrics = std::make_shared<stele::PrometheusMetrics>();
    auto database = stele::Database::open({.bare = true, .metrics = metrics, .tracer = std::make_shared<Printer>()});
    database.query("SELECT 1");
    try {
        database.query("SELECT 1 / 0");
    } catch (const stele::Error&) {
        // a call that fails is counted by its code
    }
    std::cout << metrics->text();  // answer GET /metrics with this, and with PrometheusMetrics::kContentType
}
