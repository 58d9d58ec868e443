// What a get found, or why it found nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stele/error.hpp"
#include "stele/export.hpp"
#include "stele/get_or_compute.hpp"
#include "stele/guard.hpp"
#include "stele/json.hpp"

namespace stele {
inline namespace v0 {

/// Where an answer was found: in this process's memory or in the tables, both under the same question, or under a
/// similar one.
enum class HitLayer : std::uint8_t { local, exact, semantic };
STELE_API std::string_view to_string(HitLayer layer) noexcept;

struct Hit {
    std::int64_t id = 0;
    std::string response{};
    std::string query{};      ///< the question as it was stored
    float similarity = 1.0f;  ///< cosine, 1 for an exact hit
    HitLayer layer = HitLayer::exact;
    std::chrono::seconds age{};  ///< by the database's clock, never negative
    Json metadata = Json::object();
    float confidence = 1.0f;  ///< what SemanticCacheOptions::confidence makes of it; of an exact hit for information
    bool stale = false;       ///< past its lifetime; by get_or_compute only
};

/// What get_or_compute returns.
struct ComputedAnswer {
    std::string response{};
    Json metadata = Json::object();
    AnswerSource source = AnswerSource::stored;
    std::optional<Hit> hit{};  ///< where it was found, by this call or by the one that it shares the answer of
    Kept kept = Kept::stored;
};

/// Why there is no answer. The first five are mneme's.
enum class MissReason : std::uint8_t {
    bypass,            ///< it was not to be looked for
    embedder_failure,  ///< the embedder threw
    dim_mismatch,      ///< the vector is of another length than those of the cache
    below_threshold,   ///< what is most alike is not alike enough
    no_match,          ///< nothing to compare with: no entry with a vector, or no embedder
    truncated,         ///< the embedder cut the question, so only the same one would have done
    refused_by_guard,  ///< alike enough, but refused by a guard, the validator or min_confidence
    expired,           ///< the same question, or one alike enough, is past its lifetime
    unavailable,       ///< the store could not be reached
    index_full,  ///< the scope's vectors do not fit into SemanticCacheOptions::index_bytes; the log has the numbers
    outdated,    ///< the same question, or one alike enough, was made from something that is not current any more
    skipped      ///< SemanticCacheOptions::skip
};
/// Its name: "below_threshold".
STELE_API std::string_view to_string(MissReason reason) noexcept;

/// A hit, or why there is none: one of the two.
struct Lookup {
    std::optional<Hit> hit{};
    std::optional<MissReason> miss{};
};

/// What became of a candidate.
enum class CandidateFate : std::uint8_t {
    served,           ///< its answer is the one
    outranked,        ///< would be served if none were more alike
    refused,          ///< see ExplainedCandidate::refusal
    expired,          ///< past its lifetime
    below_threshold,  ///< not alike enough
    outdated,         ///< made from something that is not current any more
};
STELE_API std::string_view to_string(CandidateFate fate) noexcept;

/// One stored question that was compared.
struct ExplainedCandidate {
    Hit entry{};  ///< as it would be served
    CandidateFate fate = CandidateFate::served;
    std::string refused_by{};          ///< the name of the guard; "validator", "confidence"
    std::optional<Refusal> refusal{};  ///< why
};

/// What a get did, or would do.
struct Explanation {
    Lookup result{};
    std::optional<float> threshold{};              ///< that was used; nothing: nothing was looked for by meaning
    std::vector<ExplainedCandidate> candidates{};  ///< the most alike first; none of an exact hit
};

/// One of get_many().
struct ManyLookup {
    Lookup lookup{};
    std::optional<ErrorInfo> error{};  ///< of this question alone, such as text that cannot be stored
};

}  // namespace v0
}  // namespace stele
