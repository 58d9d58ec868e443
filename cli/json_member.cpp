#include "json_member.hpp"

#include <nlohmann/json.hpp>

namespace stele::cli {

const nlohmann::json* find_member(const nlohmann::json& document, const detail::FilterPath& path) {
    const nlohmann::json* at = &document;
    for (const detail::FilterStep& step : path) {
        if (step.item) {
            if (!at->is_array() || *step.item >= at->size()) return nullptr;
            at = &(*at)[*step.item];
        } else {
            if (!at->is_object() || !at->contains(step.key)) return nullptr;
            at = &at->at(step.key);
        }
    }
    return at;
}

}  // namespace stele::cli
