#include <fmt/format.h>

#include <algorithm>

#include "cache/guards/names.hpp"
#include "stele/guard.hpp"

namespace stele {
namespace {

/// The first name of one text that the other lacks; null: none.
const Name* lacking(const std::vector<Name>& all, const GuardText& other, const std::vector<std::string>& ignored) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const Name& name) {
        return !occurs(name, other) && std::find(ignored.begin(), ignored.end(), name.spaced) == ignored.end();
    });
    return found == all.end() ? nullptr : &*found;
}

}  // namespace

inline namespace v0 {

Guard name_guard(const std::vector<std::string>& ignored) {
    std::vector<std::string> no_names;
    for (const std::string& word : ignored) no_names.push_back(spaced_words(word));
    const auto check = [no_names](const GuardedPair& pair) -> std::optional<Refusal> {
        const GuardText asked(pair.asked), stored(pair.stored);
        const std::vector<Name> asked_names = names(asked), stored_names = names(stored);
        const Name* const only_asked = lacking(asked_names, stored, no_names);
        const Name* const only_stored = lacking(stored_names, asked, no_names);
        if (only_asked != nullptr && only_stored != nullptr) {
            return Refusal{RefusalKind::name,
                           fmt::format("asked for '{}', stored for '{}'", only_asked->shown, only_stored->shown)};
        }
        if (only_asked != nullptr) {
            return Refusal{RefusalKind::name,
                           fmt::format("'{}' is only in the question that is asked", only_asked->shown)};
        }
        if (only_stored != nullptr) {
            return Refusal{RefusalKind::name,
                           fmt::format("'{}' is only in the question that is stored", only_stored->shown)};
        }
        return std::nullopt;
    };
    return {"names", check};
}

}  // namespace v0
}  // namespace stele
