#include "cache/get_operation.hpp"

#include <algorithm>

namespace stele {
namespace {

Hit read_hit(const Row& row, float similarity, HitLayer layer) {
    Hit hit;
    hit.id = row.get<std::int64_t>("id");
    hit.response = row.get<std::string>("response");
    hit.query = row.get<std::string>("query");
    hit.similarity = similarity;
    hit.layer = layer;
    hit.age = std::chrono::seconds(std::max<std::int64_t>(row.get<std::int64_t>("age"), 0));
    hit.metadata = row.get<Json>("metadata");
    return hit;
}

// The best candidate that is still there and alive; those that are gone are forgotten. A row with the id but another
// question was written after a restore: its likeness was never measured.
std::optional<Hit> best_alive(const std::vector<Candidate>& candidates, const Rows& rows,
                              const Neighbours& neighbours) {
    for (const Candidate& candidate : candidates) {
        bool found = false;
        for (const Row& row : rows) {
            if (row.get<std::int64_t>("id") != candidate.id) continue;
            if (question_tag(row.get<std::string_view>("query_hash")) != candidate.question) {
                neighbours.distrust();
                continue;
            }
            found = true;
            if (!row.get<bool>("expired")) return read_hit(row, std::min(candidate.score, 1.0f), HitLayer::semantic);
        }
        if (!found) neighbours.forget(candidate.id);
    }
    return std::nullopt;
}

}  // namespace

std::string_view to_string(GetOutcome::Miss miss) noexcept {
    using Miss = GetOutcome::Miss;
    switch (miss) {
        case Miss::none:
        case Miss::not_found: return "no_match";
        case Miss::embedder_failed: return "embedder_failure";
        case Miss::truncated: return "truncated";
    }
    return "no_match";
}

Operation<GetOutcome> get_operation(const CacheSql& sql, const GetRequest& request, const Neighbours& neighbours) {
    GetOutcome outcome;

    RunStep lookup;
    lookup.statements.push_back(Statement(sql.lookup, request.name_space, request.hash).read_by_key());
    Result<std::vector<Rows>> found = co_await lookup;
    const Row exact = value_or_raise(std::move(found)).front()[0];
    if (exact.find<std::int64_t>("id")) {
        if (!exact.get<bool>("expired")) {
            outcome.hit = read_hit(exact, 1.0f, HitLayer::exact);
            co_return outcome;
        }
        outcome.expired = true;
    }
    outcome.miss = GetOutcome::Miss::not_found;
    if (!request.by_meaning) co_return outcome;
    const float threshold = neighbours.threshold();
    neighbours.observe(exact.get<std::int64_t>("version", 0));

    std::vector<float> unit;
    if (request.unit) {
        unit = *request.unit;
    } else {
        EmbedStep embed{request.query};
        Result<Embedding> embedding = co_await embed;
        if (!embedding) {
            outcome.miss = GetOutcome::Miss::embedder_failed;
            co_return outcome;
        }
        if (embedding->truncated) {
            outcome.miss = GetOutcome::Miss::truncated;
            co_return outcome;
        }
        unit = neighbours.check(std::move(embedding->vector));
    }

    // more are asked for only when all of the first were dead
    constexpr std::size_t kFirst = 8, kMost = 8'192;
    for (std::size_t k = kFirst; k <= kMost; k *= 8) {
        const std::vector<Candidate> candidates = neighbours.search(unit, k, threshold);
        if (candidates.empty()) break;
        std::vector<std::int64_t> ids;
        ids.reserve(candidates.size());
        for (const Candidate& candidate : candidates) ids.push_back(candidate.id);
        RunStep fetch;
        fetch.statements.push_back(Statement(sql.fetch, request.name_space, ids).read());
        Result<std::vector<Rows>> rows = co_await fetch;
        outcome.hit = best_alive(candidates, value_or_raise(std::move(rows)).front(), neighbours);
        if (outcome.hit) {
            outcome.miss = GetOutcome::Miss::none;
            break;
        }
        if (candidates.size() < k) break;
    }
    co_return outcome;
}

}  // namespace stele
