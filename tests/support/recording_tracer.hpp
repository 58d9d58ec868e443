// A tracer that remembers.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "stele/trace.hpp"

namespace stele::test {

struct RecordedSpan {
    std::string name;
    std::map<std::string, std::string> attributes;
    std::thread::id started_on;
    bool ended = false, failed = false;
    std::string description;
};

class RecordingTracer final : public Tracer {
public:
    std::unique_ptr<Span> start(std::string_view name, std::span<const SpanAttribute> attributes) noexcept override {
        const std::lock_guard lock(mutex_);
        if (!tracing) return nullptr;
        RecordedSpan span{std::string(name), {}, std::this_thread::get_id(), false, false, {}};
        add(span, attributes);
        spans_.push_back(span);
        return std::make_unique<Recording>(*this, spans_.size() - 1);
    }

    std::vector<RecordedSpan> spans() const {
        const std::lock_guard lock(mutex_);
        return spans_;
    }
    RecordedSpan last() const { return spans().at(spans().size() - 1); }

    std::atomic<bool> tracing{true};

private:
    struct Recording final : Span {
        Recording(RecordingTracer& owner, std::size_t at) : tracer(owner), index(at) {}
        void end(const SpanEnd& end) noexcept override {
            const std::lock_guard lock(tracer.mutex_);
            RecordedSpan& span = tracer.spans_[index];
            span.ended = true;
            span.failed = end.failed;
            span.description = end.description;
            add(span, end.attributes);
        }
        RecordingTracer& tracer;
        std::size_t index;
    };
    static void add(RecordedSpan& span, std::span<const SpanAttribute> attributes) {
        for (const SpanAttribute& one : attributes) {
            const auto* text = std::get_if<std::string_view>(&one.value);
            span.attributes[std::string(one.name)] =
                text != nullptr ? std::string(*text) : std::to_string(std::get<std::int64_t>(one.value));
        }
    }

    mutable std::mutex mutex_;
    std::vector<RecordedSpan> spans_;
};

}  // namespace stele::test
