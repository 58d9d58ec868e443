#include "index/index_search.hpp"

#include <fmt/format.h>

#include "base/result.hpp"
#include "vectors/mmr.hpp"

namespace stele {
namespace {

void check_request(const detail::IndexRequest& request) {
    check_search_limit(request.limit);
    check_score_threshold(request.score_threshold);
    if (!(request.lambda >= 0 && request.lambda <= 1)) {
        raise(ErrorCode::invalid_argument, fmt::format("lambda is {}; it must be between 0 and 1", request.lambda));
    }
}

Deadline deadline_of(const detail::IndexRequest& request, const IndexStore& store) {
    return request.deadline ? *request.deadline : store.default_deadline();
}

/// A request that was checked, with its query embedded.
class Search {
public:
    Search(IndexStore& store, const IndexEmbedders& embedders, std::size_t mmr_multiplier, const IndexInput& query,
           const detail::IndexRequest& request)
        : store_(store), request_(checked(request)), until_(deadline_of(request, store)) {
        query_ = embed_query(embedders, check_query(query), until_);
        candidates_ = limit() * (request.rerank ? mmr_multiplier : 1);
    }

    SearchResult<detail::IndexMatch> run() const {
        NearestAnswer found = store_.nearest(nearest(), until_);
        std::vector<detail::IndexMatch> matches;
        if (!request_.rerank) {
            for (NearestMatch& one : found.matches) matches.push_back(std::move(one.match));
        } else {
            std::vector<std::vector<float>> candidates;
            for (NearestMatch& one : found.matches) candidates.push_back(std::move(one.vector));
            for (const std::size_t i : mmr_order(query_.vector, candidates, limit(), request_.lambda)) {
                matches.push_back(std::move(found.matches[i].match));
            }
        }
        const Completeness exact = matches.size() < limit() ? Completeness::exhausted : Completeness::complete;
        return {std::move(matches), found.exact ? exact : Completeness::stopped_at_budget};
    }
    SearchPlan explain() const { return store_.explain(nearest(), until_); }

private:
    static const detail::IndexRequest& checked(const detail::IndexRequest& request) {
        check_request(request);
        if (request.after) {
            raise(ErrorCode::invalid_argument,
                  "`after` is for newest(); a search by meaning has no further pages: raise its limit");
        }
        return request;
    }
    std::size_t limit() const { return static_cast<std::size_t>(request_.limit); }
    NearestQuery nearest() const {
        return {query_.frame,    query_.vector, request_.filter, candidates_, request_.score_threshold,
                request_.rerank, request_.exact};
    }

    IndexStore& store_;
    const detail::IndexRequest& request_;
    const Deadline until_;
    EmbeddedQuery query_;
    std::size_t candidates_ = 0;
};

}  // namespace

void check_search_limit(std::int64_t limit) {
    if (limit >= 1 && limit <= kMaxLimit) return;
    raise(ErrorCode::invalid_argument, fmt::format("the limit is {}; it must be 1 to {}", limit, kMaxLimit));
}

void check_score_threshold(const std::optional<float>& threshold) {
    if (!threshold || (*threshold >= -1 && *threshold <= 1)) return;
    raise(ErrorCode::invalid_argument, fmt::format("the score threshold {} is not within -1 and 1", *threshold));
}

EmbeddedQuery embed_query(const IndexEmbedders& embedders, const IndexInput& query, Deadline deadline) {
    const IndexInput* const only = &query;
    VectorFrame frame = embedders.frame(query);
    return {std::move(frame), std::move(embed_inputs(embedders, std::span(&only, 1), deadline).at(0).vector)};
}

std::string_view v0::to_string(Completeness completeness) noexcept {
    switch (completeness) {
        case Completeness::complete: return "complete";
        case Completeness::exhausted: return "exhausted";
        case Completeness::stopped_at_budget: break;
    }
    return "stopped_at_budget";
}

SearchResult<detail::IndexMatch> search_index(IndexStore& store, const IndexEmbedders& embedders,
                                              std::size_t mmr_multiplier, const IndexInput& query,
                                              const detail::IndexRequest& request) {
    return Search(store, embedders, mmr_multiplier, query, request).run();
}

SearchPlan explain_search(IndexStore& store, const IndexEmbedders& embedders, std::size_t mmr_multiplier,
                          const IndexInput& query, const detail::IndexRequest& request) {
    return Search(store, embedders, mmr_multiplier, query, request).explain();
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
