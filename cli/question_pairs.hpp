// Files of pairs of questions, as mneme's calibration reads them.
#pragma once

#include <string>
#include <vector>

#include "stele/calibrate.hpp"
#include "stele/error.hpp"

namespace stele::cli {

/// A line that is no pair. Its message names the file and the line.
class BadPair : public Error {
public:
    using Error::Error;
};

/// Adds a pair for each line {"a": "...", "b": "..."}; blank lines and those that begin with # are passed over. Throws
/// Error(invalid_argument) for a file that cannot be read, BadPair for a line that is none.
void read_pairs(const std::string& file, bool same, std::vector<QuestionPair>& pairs);

}  // namespace stele::cli
