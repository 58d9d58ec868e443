// Checks between a similar question and its answer being served.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stele/export.hpp"
#include "stele/json.hpp"

namespace stele {
inline namespace v0 {

/// Why an answer that was similar enough is not served.
enum class RefusalKind : std::uint8_t {
    number,      ///< other numbers, dates or amounts
    negation,    ///< the opposite is asked
    name,        ///< other names, identifiers or quotations
    invalid,     ///< the validator says that the answer is none
    confidence,  ///< less than SemanticCacheOptions::min_confidence
    failed,      ///< a check threw an exception
    other        ///< a caller's own reason
};
STELE_API std::string_view to_string(RefusalKind kind) noexcept;

struct Refusal {
    RefusalKind kind = RefusalKind::other;
    std::string text{};  ///< for people: "asked for 2023, stored for 2024"
};

/// What a guard looks at; valid during the call. The keys are the questions as the cache compares and embeds them
/// (folded, unless SemanticCacheOptions::normalize or fold_case is off), the others as they were written: capitals tell
/// names.
struct GuardedPair {
    std::string_view asked, asked_key;
    std::string_view stored, stored_key;
    std::string_view response;
    const Json& metadata;
    float similarity = 0, confidence = 0;
    std::chrono::seconds age{};
};

/// A check of candidates that were found by meaning; an exact hit is never shown to one. `check` accepts by returning
/// nothing. A candidate that is refused is passed over and the next best tried; it stays stored, and its own question
/// still finds it.
///
/// `check` is called by many threads at once and by each while that caller waits, so it must be thread-safe and quick,
/// and its answer should depend on the pair alone. It holds no lock of the cache. If it throws, the candidate is
/// refused (RefusalKind::failed): no answer is served that was not checked. That is counted
/// (CacheStats::guard_failures), and logged the first time.
struct Guard {
    std::string name;
    std::function<std::optional<Refusal>(const GuardedPair&)> check;
};

/// Refuses unless numbers, dates, times, versions and amounts with units are the same in both questions, in any order.
/// docs/guards.md says what is taken for the same, and what is not seen. Like all shipped guards it reads the questions
/// only, takes some microseconds, and refuses rather once too often: that costs a miss, not a wrong answer.
STELE_API Guard number_guard();
/// Refuses if one question negates what the other says, or uses the opposite word (enable and disable, before and
/// after). English, German and French.
STELE_API Guard negation_guard();
/// Refuses if what one question quotes, identifiers in it (snake_case, paths, addresses, codes), acronyms, or
/// capitalised names inside a sentence do not occur in the other. Letter case does not matter. `ignored`: words that
/// are no names here, such as that of the shop whose customers ask.
STELE_API Guard name_guard(const std::vector<std::string>& ignored = {});
/// The three of them.
STELE_API std::vector<Guard> text_guards();

/// Says whether an answer is one. See SemanticCacheOptions::validator.
using Validator = std::function<bool(std::string_view response)>;
/// mneme's: not if it is blank, or begins with "[LLM Error]" or "[ERROR]".
STELE_API bool valid_response(std::string_view response);

/// How much an answer of this similarity and age can be trusted. See SemanticCacheOptions::confidence.
using ConfidenceFunction = std::function<float(float similarity, std::chrono::seconds age, const Json& metadata)>;
/// mneme's: the similarity, halved every 24 hours; a negative age counts as 0.
STELE_API float decayed_confidence(float similarity, std::chrono::seconds age, const Json& metadata);

}  // namespace v0
}  // namespace stele
