// A text as a JSON string.
#pragma once

#include <string>
#include <string_view>

namespace stele {

/// Appends it in quotes, with what RFC 8259 (section 7) wants escaped. UTF-8 stays as it is: who calls has checked it.
void append_json_string(std::string& out, std::string_view text);

}  // namespace stele
