#include "cache/candidate_trial.hpp"

#include <utility>

#include "cache/guard_chain.hpp"

namespace stele {
namespace {

CandidateFate fate_of(EntryState state) {
    return state == EntryState::expired ? CandidateFate::expired : CandidateFate::outdated;
}

}  // namespace

CandidateTrial::CandidateTrial(const GetRequest& request, float threshold, GetOutcome& outcome)
    : request_(request), threshold_(threshold), outcome_(outcome) {
    outcome_.threshold = threshold;
}

float CandidateTrial::search_from() const noexcept {
    return request_.explain ? -1.0f : threshold_;
}

void CandidateTrial::hear(Hit candidate, std::string_view hash, EntryState state) {
    const bool below = candidate.similarity < threshold_;
    below_ = below_ || below;
    expired_ = expired_ || (state == EntryState::expired && !below);
    outdated_ = outdated_ || (state == EntryState::outdated && !below);
    if (below || state != EntryState::live) {
        note(std::move(candidate), below ? CandidateFate::below_threshold : fate_of(state));
        return;
    }
    if (request_.guards != nullptr) {
        if (auto verdict = request_.guards->judge(request_.asked, request_.query, candidate, request_.min_confidence)) {
            ++refused_;
            if (verdict->refusal.kind == RefusalKind::invalid) {
                outcome_.invalid.push_back({std::string(hash), candidate.response});
            }
            if (ExplainedCandidate* const noted = note(std::move(candidate), CandidateFate::refused)) {
                noted->refused_by = std::move(verdict->by);
                noted->refusal = std::move(verdict->refusal);
            }
            return;
        }
    }
    const bool first = !outcome_.hit;
    if (first) outcome_.hit = candidate;
    note(std::move(candidate), first ? CandidateFate::served : CandidateFate::outranked);
}

bool CandidateTrial::wants_more() const noexcept {
    constexpr std::size_t kMostRefused = 64;  // in a scope of near-twins they would never end
    const bool decided = outcome_.hit || below_ || refused_ >= kMostRefused;
    return !decided || (request_.explain && outcome_.candidates.size() < *request_.explain);
}

void CandidateTrial::end(bool any) {
    if (outcome_.hit) {
        outcome_.miss.reset();
    } else if (refused_ > 0) {
        outcome_.miss = MissReason::refused_by_guard;
    } else if (expired_ || outcome_.expired) {
        outcome_.miss = MissReason::expired;
    } else if (outdated_ || outcome_.outdated) {
        outcome_.miss = MissReason::outdated;
    } else {
        outcome_.miss = any || below_ ? MissReason::below_threshold : MissReason::no_match;
    }
}

ExplainedCandidate* CandidateTrial::note(Hit&& entry, CandidateFate fate) {
    if (!request_.explain) return nullptr;
    if (outcome_.candidates.size() >= *request_.explain && fate != CandidateFate::served) return nullptr;
    return &outcome_.candidates.emplace_back(ExplainedCandidate{std::move(entry), fate, {}, {}});
}

}  // namespace stele
