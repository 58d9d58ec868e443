#include "stele/error.hpp"

#include <utility>

namespace stele {
inline namespace v0 {

std::string_view to_string(ErrorCode code) noexcept {
    switch (code) {
        case ErrorCode::invalid_argument: return "invalid_argument";
        case ErrorCode::limit_exceeded: return "limit_exceeded";
        case ErrorCode::closed: return "closed";
        case ErrorCode::unavailable: return "unavailable";
        case ErrorCode::authentication: return "authentication";
        case ErrorCode::database_missing: return "database_missing";
        case ErrorCode::permission: return "permission";
        case ErrorCode::pool_exhausted: return "pool_exhausted";
        case ErrorCode::deadline_exceeded: return "deadline_exceeded";
        case ErrorCode::cancelled: return "cancelled";
        case ErrorCode::in_doubt: return "in_doubt";
        case ErrorCode::constraint_violation: return "constraint_violation";
        case ErrorCode::serialization: return "serialization";
        case ErrorCode::resources: return "resources";
        case ErrorCode::schema_missing: return "schema_missing";
        case ErrorCode::schema_newer: return "schema_newer";
        case ErrorCode::schema_changed: return "schema_changed";
        case ErrorCode::schema_conflict: return "schema_conflict";
        case ErrorCode::fingerprint_mismatch: return "fingerprint_mismatch";
        case ErrorCode::dimension_mismatch: return "dimension_mismatch";
        case ErrorCode::embedder_failed: return "embedder_failed";
        case ErrorCode::not_found: return "not_found";
        case ErrorCode::type_mismatch: return "type_mismatch";
        case ErrorCode::cluster: return "cluster";
        case ErrorCode::server: return "server";
        case ErrorCode::internal: return "internal";
    }
    return "internal";
}

namespace {
std::string sentence(const ErrorInfo& info) {
    std::string text = info.message;
    if (!info.server_message.empty()) text += ": " + info.server_message;
    if (!info.sqlstate.empty()) text += " [" + info.sqlstate + "]";
    return text;
}
}  // namespace

Error::Error(ErrorInfo info) : std::runtime_error(sentence(info)), info_(std::move(info)) {}

}  // namespace v0
}  // namespace stele
