// A change that reaches some first: which of two labels a key gets.
//
//     configurations.define(stele::Rollout{.from = "production", .to = "canary", .percent = 5}, "rollouts/greeting");
//     ...
//     const auto rollout = configurations.require<stele::Rollout>("rollouts/greeting");
//     const auto& templates = rollout->label_for(user_id) == "canary" ? canary : production;
//
// It is a described type, so that a rollout kept as a configuration has revisions, is changed in one place and reaches
// every process.
#pragma once

#include <string>
#include <string_view>

#include "stele/describe.hpp"
#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

/// A value type.
struct STELE_API Rollout {
    std::string from = "production";
    std::string to = "staging";
    double percent = 0;     ///< of all keys that get `to`: 0 to 100
    std::string salt = {};  ///< rollouts with different salts choose different keys

    /// `to` if the key's place, the first 53 bits of SHA-256 of salt, U+0000 and key as a share of 2^53, lies below
    /// `percent` of 100, else `from`. So a key keeps its label while the percentage stands, one that has `to` keeps it
    /// while the percentage grows, and all processes and machines agree. Throws Error(invalid_argument) when percent is
    /// not from 0 to 100.
    const std::string& label_for(std::string_view key) const;
};
STELE_DESCRIBE_AS("stele.Rollout", Rollout, (from, stele::has_default), (to, stele::has_default),
                  (percent, stele::has_default), (salt, stele::has_default))

}  // namespace v0
}  // namespace stele
