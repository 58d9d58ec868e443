// A hook for traces: a span for every call that goes to the server.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <variant>

#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

/// A fact about a span, by its name in OpenTelemetry's semantic conventions. Valid during the call that it is passed
/// to.
struct SpanAttribute {
    std::string_view name;
    std::variant<std::string_view, std::int64_t> value;
};

/// How a span ended.
struct SpanEnd {
    bool failed = false;
    std::string_view description{};               ///< why: Stele's own words, never the server's, nor a parameter
    std::span<const SpanAttribute> attributes{};  ///< what was learnt meanwhile: error.type, db.response.status_code
};

/// A call under way.
class STELE_API Span {
public:
    virtual ~Span() = default;
    /// Called once, right before the span is destroyed; for a blocking call on the thread that started it.
    virtual void end(const SpanEnd& end) noexcept = 0;

protected:
    Span() = default;
    Span(const Span&) = default;
    Span& operator=(const Span&) = default;
};

/// Starts spans. Give one to DatabaseOptions::tracer. Without one, a call pays one comparison for it.
///
/// Every call of Database, Connection, Transaction and Savepoint that goes to the server is one span of kind CLIENT,
/// whatever it took: waiting for a connection, sending it again. It carries, at its start, `db.system.name`
/// ("postgresql"), `db.operation.name` (also the span's name), `db.query.text` (with $1 for parameters, whose values
/// are not given), `db.namespace` (the database), `server.address` and `server.port` (left out where the connection
/// string names several servers), and for a batch `db.operation.batch.size`; when it failed, at its end, `error.type`
/// (the SQLSTATE, or else the name of the ErrorCode) and `db.response.status_code` (the SQLSTATE, if any).
///
/// Thread-safe: called by many threads at once, always on the thread of the caller, before anything is sent. So the
/// context that is current on that thread is the parent. Neither function may throw.
class STELE_API Tracer {
public:
    virtual ~Tracer() = default;
    /// Null: this call is not traced.
    virtual std::unique_ptr<Span> start(std::string_view name, std::span<const SpanAttribute> attributes) noexcept = 0;

protected:
    Tracer() = default;
    Tracer(const Tracer&) = default;
    Tracer& operator=(const Tracer&) = default;
};

}  // namespace v0
}  // namespace stele
