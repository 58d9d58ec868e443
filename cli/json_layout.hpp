// JSON as people and git like it.
#pragma once

#include <string>

#include "output.hpp"
#include "stele/json.hpp"

namespace stele::cli {

/// Two blanks a level, keys in the order of their bytes, every digit of numbers as it was; no newline at the end.
std::string indented(const Json& json);
/// In JSON mode only, as Output::document() does it, but with every digit.
void print_document(const Output& output, const Json& json);

}  // namespace stele::cli
