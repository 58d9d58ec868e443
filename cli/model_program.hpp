// Running another program to its end: the packaging clients that fetch models.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "stele/deadline.hpp"

namespace stele::cli {

struct ProgramCall {
    std::vector<std::string> words;   ///< the first is looked for in PATH; no shell takes part
    std::filesystem::path directory;  ///< its current one
    std::filesystem::path temporary;  ///< its TMPDIR
};

/// How long to wait for it.
struct Patience {
    Deadline deadline;
    /// Called several times a second; what it throws ends the program and the wait.
    std::function<void()> check = [] {};
};

struct ProgramEnd {
    /// 0-255 its exit status, 256 + n: ended by signal n, negative: it could not be started.
    int status = -1;
    std::string output;  ///< both streams

    bool well() const noexcept { return status == 0; }
    /// "ended with exit status 1: " and the last lines of its output.
    std::string failure() const;
};

/// In our environment, with nothing on its standard input, as the leader of a process group of its own, so that its
/// helpers end with it. Throws Error(deadline_exceeded), Error(resources) when no process can be made.
ProgramEnd run_program(const ProgramCall& call, const Patience& patience);

}  // namespace stele::cli
