// The text by which a question is the same as another.
#pragma once

#include <string>
#include <string_view>

#include "base/text.hpp"

namespace stele {

/// What a question is hashed and embedded as, under SemanticCacheOptions::normalize and fold_case. Throws
/// Error(invalid_argument) for text that cannot be stored.
inline std::string question_key(std::string_view query, bool normalize, bool fold_case) {
    check_text("the query", query);
    if (!normalize) return std::string(query);
    return fold_case ? normalize_query(query) : collapse_blanks(query);
}

}  // namespace stele
