// A program whose output is an answer.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace stele::cli {

/// Runs `words`, found as the shell finds programs, and hands over what it writes to standard output, as it comes and
/// never a part of a character, without the newline at its end. Its standard input and error are this process's. A
/// SIGINT or SIGTERM that comes to this process meanwhile is passed on. Says its exit status, or 128 + the signal that
/// ended it. Throws Error(invalid_argument) when it cannot be run; what `piece` throws ends it with SIGTERM.
int run_for_answer(std::vector<std::string> words, const std::function<void(std::string_view)>& piece);

}  // namespace stele::cli
