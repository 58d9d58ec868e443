// Killing a process whose number was read somewhere.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <string>
#include <system_error>

namespace stele::test {

/// Kills that process at once. Throws when `pid` is none, since 0 and -1 mean the whole group or everybody to kill(2):
/// the test, its runner and all that runs beside them.
inline void kill_process(long pid) {
    if (pid <= 1) throw std::invalid_argument("no process to kill: " + std::to_string(pid));
    if (::kill(static_cast<pid_t>(pid), SIGKILL) != 0) throw std::system_error(errno, std::generic_category(), "kill");
}

}  // namespace stele::test
