// Stele's spans as OpenTelemetry's. Needs the API of opentelemetry-cpp, which is headers only.
#include <opentelemetry/trace/provider.h>

#include <stele/stele.hpp>
#include <utility>
#include <vector>

namespace otel = opentelemetry;

otel::nostd::string_view view(std::string_view text) {
    return {text.data(), text.size()};
}
otel::common::AttributeValue value(const stele::SpanAttribute& attribute) {
    if (const auto* number = std::get_if<std::int64_t>(&attribute.value)) return *number;
    return view(std::get<std::string_view>(attribute.value));
}

class OpenTelemetrySpan final : public stele::Span {
public:
    explicit OpenTelemetrySpan(otel::nostd::shared_ptr<otel::trace::Span> span) : span_(std::move(span)) {}
    void end(const stele::SpanEnd& end) noexcept override {
        for (const auto& attribute : end.attributes) span_->SetAttribute(view(attribute.name), value(attribute));
        if (end.failed) span_->SetStatus(otel::trace::StatusCode::kError, view(end.description));
        span_->End();
    }

private:
    otel::nostd::shared_ptr<otel::trace::Span> span_;
};

class OpenTelemetryTracer final : public stele::Tracer {
public:
    std::unique_ptr<stele::Span> start(std::string_view name,
                                       std::span<const stele::SpanAttribute> attributes) noexcept override {
        std::vector<std::pair<otel::nostd::string_view, otel::common::AttributeValue>> all;
        for (const auto& attribute : attributes) all.emplace_back(view(attribute.name), value(attribute));
        otel::trace::StartSpanOptions options;  // its parent is the context that is current on this thread
        options.kind = otel::trace::SpanKind::kClient;
        return std::make_unique<OpenTelemetrySpan>(tracer_->StartSpan(view(name), all, options));
    }

private:
    otel::nostd::shared_ptr<otel::trace::Tracer> tracer_ =
        otel::trace::Provider::GetTracerProvider()->GetTracer("stele");
};

int main() {  // once the program has set its TracerProvider
    auto database = stele::Database::open({.bare = true, .tracer = std::make_shared<OpenTelemetryTracer>()});
    database.query("SELECT 1");
}
