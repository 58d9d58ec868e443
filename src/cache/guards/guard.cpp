#include "stele/guard.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"

namespace stele {
inline namespace v0 {

std::string_view to_string(RefusalKind kind) noexcept {
    switch (kind) {
        case RefusalKind::number: return "number";
        case RefusalKind::negation: return "negation";
        case RefusalKind::name: return "name";
        case RefusalKind::invalid: return "invalid";
        case RefusalKind::confidence: return "confidence";
        case RefusalKind::failed: return "failed";
        case RefusalKind::other: break;
    }
    return "other";
}

std::vector<Guard> text_guards() {
    return {number_guard(), negation_guard(), name_guard()};
}

bool valid_response(std::string_view response) {
    return !collapse_blanks(response).empty() && !response.starts_with("[LLM Error]") &&
           !response.starts_with("[ERROR]");
}

float decayed_confidence(float similarity, std::chrono::seconds age, const Json&) {
    constexpr float kHalfLife = 86'400;  // seconds
    const auto seconds = static_cast<float>(std::max(age.count(), std::chrono::seconds::rep{0}));
    return similarity * std::pow(0.5f, seconds / kHalfLife);
}

}  // namespace v0
}  // namespace stele
