#pragma once
// Connection strings, taken apart: the URI form and the keyword form both become a list of settings.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace stele {

inline constexpr std::string_view kDsnBlanks = " \t\n\v\f\r";

struct DsnSetting {
    std::string name;
    std::string value;  // decoded; may be empty
};

/// Settings in the order written; of those with the same name, the last one counts.
struct DsnText {
    bool is_uri = false;
    std::vector<DsnSetting> settings;
};

/// Checks the form, not the names. No message quotes any part of `text`, because with an unencoded '@' or '/', or an
/// unquoted space, any part can be a piece of the password.
Result<DsnText> split_dsn(std::string_view text);

}  // namespace stele
