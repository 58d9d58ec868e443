#include <fmt/format.h>

#include "cache/guards/quantities.hpp"
#include "stele/guard.hpp"

namespace stele {
namespace {

std::string listed(const std::vector<Quantity>& all) {
    std::string text;
    for (const Quantity& one : all) text += (text.empty() ? "" : ", ") + one.shown;
    return text;
}

std::optional<Refusal> check_numbers(const GuardedPair& pair) {
    const auto [asked, stored] = difference(quantities(GuardText(pair.asked)), quantities(GuardText(pair.stored)));
    if (asked.empty() && stored.empty()) return std::nullopt;
    if (stored.empty()) return Refusal{RefusalKind::number, fmt::format("asked for {}, stored without", listed(asked))};
    if (asked.empty()) return Refusal{RefusalKind::number, fmt::format("stored for {}, asked without", listed(stored))};
    return Refusal{RefusalKind::number, fmt::format("asked for {}, stored for {}", listed(asked), listed(stored))};
}

}  // namespace

inline namespace v0 {

Guard number_guard() {
    return {"numbers", check_numbers};
}

}  // namespace v0
}  // namespace stele
