// Base64 (RFC 4648).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stele {

/// In the standard alphabet, padded.
std::string to_base64(std::span<const std::byte> bytes);
/// Reads the standard and the URL-safe alphabet, padded or not. Nothing for any other text: blanks and line ends too.
std::optional<std::vector<std::byte>> from_base64(std::string_view text);

}  // namespace stele
