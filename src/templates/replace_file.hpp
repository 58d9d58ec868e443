// Writing a file so that a crash leaves the old one or the new one.
#pragma once

#include <filesystem>
#include <string_view>

namespace stele {

/// It keeps its mode; where it is a link, what that leads to is replaced. Throws Error(unavailable).
void replace_file(const std::filesystem::path& name, std::string_view text);

}  // namespace stele
