#include "index/index_search.hpp"

#include <fmt/format.h>

#include "base/result.hpp"
#include "vectors/mmr.hpp"

namespace stele {
namespace {

constexpr std::int64_t kMaxLimit = 100'000;

void check_request(const detail::IndexRequest& request) {
    if (request.limit < 1 || request.limit > kMaxLimit) {
        raise(ErrorCode::invalid_argument,
              fmt::format("the limit is {}; it must be 1 to {}", request.limit, kMaxLimit));
    }
    if (request.score_threshold && !(*request.score_threshold >= -1 && *request.score_threshold <= 1)) {
        raise(ErrorCode::invalid_argument,
              fmt::format("the score threshold {} is not within -1 and 1", *request.score_threshold));
    }
    if (!(request.lambda >= 0 && request.lambda <= 1)) {
        raise(ErrorCode::invalid_argument, fmt::format("lambda is {}; it must be between 0 and 1", request.lambda));
    }
}

Deadline deadline_of(const detail::IndexRequest& request, const IndexStore& store) {
    return request.deadline ? *request.deadline : store.default_deadline();
}

}  // namespace

std::vector<detail::IndexMatch> search_index(IndexStore& store, const IndexEmbedders& embedders,
                                             std::size_t mmr_multiplier, const IndexInput& query,
                                             const detail::IndexRequest& request) {
    check_request(request);
    if (request.after) {
        raise(ErrorCode::invalid_argument,
              "`after` is for newest(); a search by meaning has no further pages: raise its limit");
    }
    const Deadline until = deadline_of(request, store);
    const IndexInput checked = check_query(query);
    const VectorFrame frame = embedders.frame(checked);
    const IndexInput* const only = &checked;
    const std::vector<float> vector = embed_inputs(embedders, std::span(&only, 1), until).at(0).vector;
    const auto limit = static_cast<std::size_t>(request.limit);
    std::vector<NearestMatch> found = store.nearest(frame, vector, request.rerank ? limit * mmr_multiplier : limit,
                                                    request.score_threshold, request.filter, request.rerank, until);
    std::vector<detail::IndexMatch> matches;
    if (!request.rerank) {
        for (NearestMatch& one : found) matches.push_back(std::move(one.match));
        return matches;
    }
    std::vector<std::vector<float>> candidates;
    for (NearestMatch& one : found) candidates.push_back(std::move(one.vector));
    for (const std::size_t i : mmr_order(vector, candidates, limit, request.lambda)) {
        matches.push_back(std::move(found[i].match));
    }
    return matches;
}

std::vector<detail::IndexMatch> list_index(IndexStore& store, const detail::IndexRequest& request) {
    check_request(request);
    if (request.score_threshold || request.rerank) {
        raise(ErrorCode::invalid_argument, "score_threshold and rerank need a query: use search()");
    }
    return store.newest(static_cast<std::size_t>(request.limit), request.after, request.filter,
                        deadline_of(request, store));
}

}  // namespace stele
