// Paths as text.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "stele/detail/filter_path.hpp"

namespace stele {

/// Where a JSON string that begins at `at` ends: behind its closing quote. Nothing when it does not.
std::optional<std::size_t> end_of_string(std::string_view text, std::size_t at) noexcept;

/// The path that begins at `at`, which is moved behind it. Throws Error(invalid_argument) when there is none.
detail::FilterPath read_path(std::string_view text, std::size_t& at);

}  // namespace stele
