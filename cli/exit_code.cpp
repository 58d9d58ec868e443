#include "exit_code.hpp"

#include <utility>

namespace stele::cli {

ExitCode exit_code_of(ErrorCode code) noexcept {
    switch (code) {
        case ErrorCode::invalid_argument:
        case ErrorCode::limit_exceeded: return ExitCode::usage;
        case ErrorCode::not_found: return ExitCode::negative;
        case ErrorCode::unavailable:
        case ErrorCode::authentication:
        case ErrorCode::database_missing:
        case ErrorCode::pool_exhausted:
        case ErrorCode::deadline_exceeded:
        case ErrorCode::in_doubt:
        case ErrorCode::resources:
        case ErrorCode::embedder_failed:
        case ErrorCode::cluster: return ExitCode::unreachable;
        case ErrorCode::permission:
        case ErrorCode::schema_missing:
        case ErrorCode::schema_newer:
        case ErrorCode::schema_changed:
        case ErrorCode::schema_conflict:
        case ErrorCode::fingerprint_mismatch:
        case ErrorCode::dimension_mismatch: return ExitCode::unfit;
        case ErrorCode::cancelled:
        case ErrorCode::closed:
        case ErrorCode::constraint_violation:
        case ErrorCode::serialization:
        case ErrorCode::type_mismatch:
        case ErrorCode::server:
        case ErrorCode::internal: return ExitCode::failed;
    }
    return ExitCode::failed;
}

void fail(ErrorCode code, std::string message) {
    ErrorInfo info;
    info.code = code;
    info.message = std::move(message);
    throw Error(std::move(info));
}

void refuse(std::string message) {
    fail(ErrorCode::invalid_argument, std::move(message));
}

}  // namespace stele::cli
