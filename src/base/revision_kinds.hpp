// Kinds of dependencies whose versions a store of Stele's knows.
#pragma once

#include <string_view>

namespace stele {

inline constexpr std::string_view kTemplateKind = "template";
inline constexpr std::string_view kConfigurationKind = "configuration";

/// "template", "configuration:production": the part before the colon says which store.
inline bool is_revision_kind(std::string_view kind) noexcept {
    const std::string_view store = kind.substr(0, kind.find(':'));
    return store == kTemplateKind || store == kConfigurationKind;
}

}  // namespace stele
