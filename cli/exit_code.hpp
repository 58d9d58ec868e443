// What the process ends with. docs/cli.md and `stele --help` describe the codes.
#pragma once

#include <string>

#include "stele/error.hpp"

namespace stele::cli {

enum class ExitCode : int {
    ok = 0,
    negative = 1,     ///< it worked, and the answer is no: a miss, not found, not running, findings
    usage = 2,        ///< unknown option, unusable value
    unreachable = 3,  ///< a server (database, cluster, embedder) cannot be reached, refuses or does not answer in time
    unfit = 4,        ///< the database does not fit: tables, rights, another embedder's vectors
    failed = 5,       ///< anything else
    output_closed = 141,  ///< nobody reads the output any more; what a shell shows for SIGPIPE
};

ExitCode exit_code_of(ErrorCode code) noexcept;
/// As shells report what a signal ended.
constexpr ExitCode exit_code_of_signal(int signal) noexcept {
    return ExitCode{128 + signal};
}

/// Throws Error.
[[noreturn]] void fail(ErrorCode code, std::string message);
/// Throws Error(invalid_argument): the process ends with ExitCode::usage.
[[noreturn]] void refuse(std::string message);

}  // namespace stele::cli
