// What the operating system says.
#pragma once

#include <cstdlib>
#include <string>
#include <system_error>

namespace stele {

/// What an error number means: "No such file or directory".
inline std::string error_text(int number) {
    return std::generic_category().message(number);
}

/// Empty when it is not set.
inline std::string environment(const char* variable) {
    const char* value = std::getenv(variable);
    return value == nullptr ? std::string() : std::string(value);
}

}  // namespace stele
