// Running programs for the embedded cluster: as another account when we are root, with nothing inherited.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/file_descriptor.hpp"

namespace stele {

/// Who owns a cluster's files and runs its programs.
struct Account {
    uid_t uid = 0;
    gid_t gid = 0;
    std::string name;
};

/// A program to run, with a clean environment, default signals, the root directory as its current one, and no file
/// descriptor of ours but those named here.
struct Command {
    std::vector<std::string> arguments;  ///< the first is the program's full path
    std::string input;                   ///< its standard input
    const Account* account = nullptr;    ///< whom to run as; dropped to when we are root
    int keep = -1;                       ///< a descriptor that it inherits as number 3: a lock that it shall hold
    bool own_session = false;
    bool end_with_us = false;  ///< SIGINT when the calling thread ends, however that happens
};

/// A started program. Its output (both streams) is kept in memory.
class Process {
public:
    /// Throws Error(cluster) if the program cannot be started.
    explicit Process(const Command& command);
    Process(Process&&) = default;
    Process& operator=(Process&&) = delete;
    ~Process() = default;  ///< leaves the program alone

    /// Waits for its end. 0 is success, 1-255 its exit status, 256 + n: killed by signal
    /// n, 511: not known.
    int wait() noexcept;
    /// Its end, without waiting: false while it runs.
    bool ended() noexcept;
    std::string output() const;
    void signal(int number) const noexcept;
    pid_t pid() const noexcept { return pid_; }

private:
    bool reap(int flags) noexcept;

    std::string program_;
    FileDescriptor output_;
    pid_t pid_ = -1;
    int status_ = -1;
};

/// Runs a program to its end; throws Error(cluster) with the end of its output, prefixed by `purpose`, if it fails.
std::string run_command(const Command& command, const std::string& purpose);

/// The last `lines` lines of a text.
std::string last_lines(const std::string& text, int lines);

}  // namespace stele
