#include "cache/get_operation.hpp"

#include <algorithm>
#include <set>

#include "cache/candidate_trial.hpp"

namespace stele {
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

std::vector<std::string> read_made_from(const Row& row) {
    return row.get<std::vector<std::string>>("made_from", {});
}

EntryState read_state(const Row& row) {
    if (row.get<bool>("expired")) return EntryState::expired;
    const auto made_from = row.find<std::vector<std::string>>("made_from");
    return made_from && made_from->empty() ? EntryState::outdated : EntryState::live;
}

// A row with the id but another question was written after a restore: its likeness was never measured.
void hear_all(const std::vector<Candidate>& candidates, const std::vector<Row>& rows, const Neighbours& neighbours,
              CandidateTrial& trial) {
    for (const Candidate& candidate : candidates) {
        if (!trial.wants_more()) return;
        bool found = false;
        for (const Row& row : rows) {
            if (row.get<std::int64_t>("id") != candidate.id) continue;
            const auto hash = row.get<std::string_view>("query_hash");
            if (question_tag(hash) != candidate.question) {
                neighbours.distrust();
                continue;
            }
            found = true;
            trial.hear(read_hit(row, std::min(candidate.score, 1.0f), HitLayer::semantic), hash, read_state(row));
        }
        if (!found) neighbours.forget(candidate.id);
    }
}

Operation<GetOutcome> get_operation(const CacheSql& sql, const GetRequest& request, const Neighbours& neighbours,
                                    Exact known) {
    GetOutcome outcome;
    outcome.expired = known == Exact::expired;
    outcome.outdated = known == Exact::outdated;

    if (known == Exact::unknown) {
        RunStep lookup;
        lookup.statements.push_back(Statement(sql.lookup, request.name_space, request.hash).read_by_key());
        Result<std::vector<Rows>> answer = co_await lookup;
        const Rows found = value_or_raise(std::move(answer)).front();
        if (!found.empty()) {
            const EntryState state = read_state(found[0]);
            if (state == EntryState::live) {
                outcome.hit = read_hit(found[0], 1.0f, HitLayer::exact);
                co_return outcome;
            }
            outcome.expired = state == EntryState::expired;
            outcome.outdated = state == EntryState::outdated;
        }
    }
    outcome.miss = outcome.expired    ? MissReason::expired
                   : outcome.outdated ? MissReason::outdated
                                      : MissReason::no_match;
    if (!request.by_meaning) co_return outcome;
    const float threshold = neighbours.threshold();
    neighbours.catch_up();

    std::vector<float> unit;
    if (request.unit) {
        unit = *request.unit;
    } else {
        EmbedStep embed{request.query};
        Result<Embedding> embedding = co_await embed;
        if (!embedding) {
            outcome.miss = MissReason::embedder_failure;
            outcome.embedder_error = embedding.error().message;
            co_return outcome;
        }
        if (embedding->truncated) {
            outcome.miss = MissReason::truncated;
            co_return outcome;
        }
        unit = neighbours.check(std::move(embedding->vector));
    }

    // more are asked for only when all of the first were dead or refused
    constexpr std::size_t kFirst = 8, kMost = 8'192;
    CandidateTrial trial(request, threshold, outcome);
    std::set<std::int64_t> heard;
    bool any = false;
    for (std::size_t k = std::clamp(request.explain.value_or(0), kFirst, kMost); k <= kMost && trial.wants_more();
         k *= 8) {
        std::vector<Candidate> candidates = neighbours.search(unit, k, trial.search_from());
        const bool exhausted = candidates.size() < k;
        std::erase_if(candidates, [&heard](const Candidate& one) { return !heard.insert(one.id).second; });
        if (candidates.empty()) break;
        any = true;
        std::vector<std::int64_t> ids;
        ids.reserve(candidates.size());
        for (const Candidate& candidate : candidates) ids.push_back(candidate.id);
        RunStep fetch;
        fetch.statements.push_back(Statement(sql.fetch, request.name_space, ids).read());
        Result<std::vector<Rows>> rows = co_await fetch;
        const std::vector<Rows> fetched = value_or_raise(std::move(rows));
        hear_all(candidates, {fetched.front().begin(), fetched.front().end()}, neighbours, trial);
        if (exhausted) break;
    }
    trial.end(any || (!outcome.hit && neighbours.any()));
    co_return outcome;
}

}  // namespace stele
