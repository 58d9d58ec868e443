// What is wrong with a command line, where CLI11 would say nothing or less.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace stele::cli {

/// The command that was named, as far as it was understood.
const CLI::App& innermost(const CLI::App& app);

/// Of the parsed command: throws Error(invalid_argument) when the value of an option or an argument is empty, which
/// mostly is a variable of the shell that is not set. Free text may be: what is shown as TEXT, QUERY or RESPONSE.
void check_given(const CLI::App& app);

/// A check of a number of seconds above 0, at most 1e9. Empty: it is one; else what it should be.
std::string check_seconds(const std::string& text);

/// `error`, or better: the word that is no command or option, and which one is nearest to it.
std::string usage_message(const CLI::App& app, const CLI::ParseError& error);

}  // namespace stele::cli
