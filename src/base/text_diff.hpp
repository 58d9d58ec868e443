// What changed between two texts, line by line.
#pragma once

#include <string>
#include <string_view>

namespace stele {

/// A unified diff as `diff -u --label BEFORE_NAME --label AFTER_NAME` prints it, with three lines of context: `patch`
/// applies it. Empty for equal texts. Which of several equally good sets of lines is shown may differ from `diff`'s.
/// A line ends with "\n" only. Time and memory: see edit_script.hpp. Throws Error(invalid_argument) for a name of more
/// than one line.
std::string unified_diff(std::string_view before, std::string_view after, std::string_view before_name,
                         std::string_view after_name);

}  // namespace stele
