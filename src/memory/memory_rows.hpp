// What the statements of both kinds of memory have in common.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memory/memory_checks.hpp"
#include "memory/model_store.hpp"
#include "stele/statement.hpp"

namespace stele {

inline constexpr std::size_t kSharedRows = 256;  ///< written in one commit with other callers' writes, at most

/// A LIMIT: NULL is none.
inline std::optional<std::int64_t> row_limit(std::optional<std::size_t> limit) {
    constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
    return limit ? std::optional(static_cast<std::int64_t>(std::min(*limit, kMost))) : std::nullopt;
}

/// A read of so many rows: beside other callers' quick reads if they are few.
inline Statement marked_read(Statement statement, std::optional<std::size_t> limit) {
    constexpr std::size_t kQuickRows = 1000;
    limit && *limit <= kQuickRows ? statement.read() : statement.slow_read();
    return statement;
}

/// A JSON array of what `json_of` makes of each.
template <class Things, class JsonOf>
Json json_array(const Things& things, JsonOf json_of) {
    std::string text = "[";
    for (const auto& thing : things) {
        if (text.size() > 1) text += ',';
        text += json_of(thing).text();
    }
    text += ']';
    return Json::trusted(std::move(text));
}

/// NULL for none.
inline std::optional<std::vector<std::string>> text_array(const std::vector<std::string>& texts) {
    return texts.empty() ? std::nullopt : std::optional(texts);
}

/// The answer of a call that remembers: outcome, newest, which.
inline void refuse_if_unasked(const Row& answer, std::string_view kind, const std::string& memory) {
    if (answer.get<std::string_view>(0) != "unasked") return;
    refuse_unasked(fmt::format("the {} \"{}\"", kind, memory), answer.get<std::string_view>(2));
}

inline MemoryOutcome::Kind outcome_kind(std::string_view outcome) {
    if (outcome == "stored") return MemoryOutcome::Kind::stored;
    return outcome == "repeated" ? MemoryOutcome::Kind::repeated : MemoryOutcome::Kind::moved;
}

}  // namespace stele
