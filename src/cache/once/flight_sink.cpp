#include "cache/once/flight_sink.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/result.hpp"
#include "cache/cache_checks.hpp"

namespace stele {
inline namespace v0 {

AnswerSink::~AnswerSink() = default;

std::string_view to_string(AnswerSource source) noexcept {
    switch (source) {
        case AnswerSource::stored: return "stored";
        case AnswerSource::computed: return "computed";
        case AnswerSource::shared: return "shared";
    }
    return "?";
}

std::string_view to_string(Kept kept) noexcept {
    switch (kept) {
        case Kept::stored: return "stored";
        case Kept::unwanted: return "unwanted";
        case Kept::refused: return "refused";
        case Kept::replaced: return "replaced";
        case Kept::failed: return "failed";
    }
    return "?";
}

IncompleteAnswer::IncompleteAnswer(ErrorInfo info, std::size_t bytes, std::exception_ptr cause)
    : Error(std::move(info)), bytes_(bytes), cause_(std::move(cause)) {}

}  // namespace v0

void FlightSink::write(std::string_view piece) {
    const std::size_t bytes = flight_.stream().size() + piece.size();
    if (bytes > max_bytes_) {
        raise(ErrorCode::limit_exceeded,
              fmt::format("the computation has written {} bytes; this cache takes answers of at most {} "
                          "(max_response_bytes)",
                          bytes, max_bytes_));
    }
    if (!piece.empty()) flight_.stream().write(piece);
}

void FlightSink::metadata(Json value) {
    if (!value.is_object()) raise(ErrorCode::invalid_argument, "the metadata is not a JSON object");
    metadata_ = std::move(value);
}

void FlightSink::ttl(std::chrono::seconds lifetime) {
    check_ttl("ttl", lifetime);
    ttl_ = lifetime;
}

void FlightSink::tag(std::string_view name) {
    std::vector<std::string> all = tags_;
    all.emplace_back(name);
    tags_ = checked_tags(std::move(all));
}

void FlightSink::depends_on(const Dependencies& more) {
    Dependencies all = depends_on_;
    for (const Dependency& each : more.all()) all.add(each);
    static_cast<void>(checked_dependencies(all));
    depends_on_ = std::move(all);
}

bool FlightSink::wanted() const {
    const std::optional<Deadline> patience = flight_.patience();
    if (patience && !patience->expired()) return true;
    return closing_ != nullptr && !*closing_;
}

Deadline FlightSink::deadline() const {
    if (closing_ != nullptr) return Deadline::never();
    return flight_.patience().value_or(Deadline::never());
}

}  // namespace stele
