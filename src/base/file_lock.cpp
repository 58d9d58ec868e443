#include "base/file_lock.hpp"

#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

#include "base/result.hpp"
#include "base/system.hpp"

namespace stele {

// flock itself knows no time limit
bool lock_file(int file, int mode, Deadline deadline, ErrorCode code) {
    while (::flock(file, mode | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            raise(code, fmt::format("cannot lock a file: {}", error_text(errno)));
        }
        if (deadline.expired()) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

}  // namespace stele
