// One candidate after the other, until one may be served.
#pragma once

#include <cstddef>
#include <string_view>

#include "cache/get_operation.hpp"

namespace stele {

/// Decides a get by meaning, wherever its candidates come from, and fills its outcome.
class CandidateTrial {
public:
    /// Both must outlive it.
    CandidateTrial(const GetRequest& request, float threshold, GetOutcome& outcome);

    /// From which score on candidates are wanted; an explanation wants those that are not alike enough, too.
    float search_from() const noexcept;
    /// The most alike first.
    void hear(Hit candidate, std::string_view hash, EntryState state);
    bool wants_more() const noexcept;
    /// No more will come. `any`: there are vectors, be they alike or not.
    void end(bool any);

private:
    /// Null: an explanation was not asked for, or is long enough.
    ExplainedCandidate* note(Hit&& entry, CandidateFate fate);

    const GetRequest& request_;
    const float threshold_;
    GetOutcome& outcome_;
    std::size_t refused_ = 0;
    bool below_ = false, expired_ = false, outdated_ = false;
};

}  // namespace stele
