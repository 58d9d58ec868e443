// Text that a command takes from standard input, where "-" stands for it, or from a file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stele::cli {

/// All of it, without the newline at its end, which echo and editors add; but no more than one byte above `limit`, so
/// that what is too long is noticed. Throws Error(invalid_argument), which calls it `what`, when it cannot be read.
std::string read_standard_input(std::string_view what, std::size_t limit);

/// All of a file, "-" standing for standard input, as it is. Throws Error(invalid_argument), which calls it `what`,
/// when it cannot be read, Error(limit_exceeded).
std::string read_input(std::string_view what, const std::string& name, std::size_t limit);

}  // namespace stele::cli
