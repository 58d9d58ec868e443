// Writing a file so that a crash leaves the old one or the new one.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/file_descriptor.hpp"
#include "stele/deadline.hpp"

namespace stele {

/// Until the result is closed, nobody else gets it for a file of that folder; nothing when there is no folder. Throws
/// Error(unavailable), and Error(deadline_exceeded) when another keeps it.
FileDescriptor lock_folder_of(const std::filesystem::path& name, Deadline deadline);

/// It keeps its mode; where it is a link, what that leads to is replaced. Throws Error(unavailable).
void replace_file(const std::filesystem::path& name, std::string_view text);

}  // namespace stele
