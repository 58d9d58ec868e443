// Words that turn a question into its opposite.
#pragma once

#include <string>
#include <vector>

#include "cache/guards/guard_text.hpp"

namespace stele {

/// Pairs of opposites of which one question uses one side only, and the other the other side only: "enable / disable".
/// Opposites are those of the table in opposites.cpp, a word with and without a prefix that negates it, and "Rome to
/// Paris" and "Paris to Rome".
std::vector<std::string> opposites_between(const GuardText& first, const GuardText& second);

}  // namespace stele
