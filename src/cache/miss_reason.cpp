#include "stele/semantic_cache.hpp"

namespace stele {
inline namespace v0 {

std::string_view to_string(MissReason reason) noexcept {
    switch (reason) {
        case MissReason::bypass: return "bypass";
        case MissReason::embedder_failure: return "embedder_failure";
        case MissReason::dim_mismatch: return "dim_mismatch";
        case MissReason::below_threshold: return "below_threshold";
        case MissReason::no_match: return "no_match";
        case MissReason::truncated: return "truncated";
        case MissReason::refused_by_guard: return "refused_by_guard";
        case MissReason::expired: return "expired";
        case MissReason::outdated: return "outdated";
        case MissReason::skipped: return "skipped";
        case MissReason::unavailable: return "unavailable";
        case MissReason::index_full: break;
    }
    return "index_full";
}

std::string_view to_string(CandidateFate fate) noexcept {
    switch (fate) {
        case CandidateFate::served: return "served";
        case CandidateFate::outranked: return "outranked";
        case CandidateFate::refused: return "refused";
        case CandidateFate::expired: return "expired";
        case CandidateFate::outdated: return "outdated";
        case CandidateFate::below_threshold: break;
    }
    return "below_threshold";
}

}  // namespace v0
}  // namespace stele
