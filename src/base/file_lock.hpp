// Locks on files, between processes and within one (flock).
#pragma once

#include "stele/deadline.hpp"
#include "stele/error.hpp"

namespace stele {

/// Waits for the lock; `mode`: LOCK_SH or LOCK_EX. False: the deadline passed. What else fails is an error of that
/// code.
bool lock_file(int file, int mode, Deadline deadline, ErrorCode code);

}  // namespace stele
