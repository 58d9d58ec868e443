#include "cache/many_lookup.hpp"

#include <unordered_map>

#include "cache/candidate_trial.hpp"

namespace stele {

GetOutcome exact_outcome(const std::optional<Row>& row) {
    GetOutcome outcome;
    outcome.miss = MissReason::no_match;
    if (!row) return outcome;
    switch (read_state(*row)) {
        case EntryState::live:
            outcome.hit = read_hit(*row, 1.0f, HitLayer::exact);
            outcome.miss.reset();
            break;
        case EntryState::expired:
            outcome.expired = true;
            outcome.miss = MissReason::expired;
            break;
        case EntryState::outdated:
            outcome.outdated = true;
            outcome.miss = MissReason::outdated;
            break;
    }
    return outcome;
}

std::vector<std::optional<Row>> read_questions(const CacheSql& sql, std::span<const GetRequest* const> requests,
                                               Executor& executor, Deadline deadline) {
    std::vector<std::optional<Row>> found(requests.size());
    if (requests.empty()) return found;
    std::vector<std::string> hashes;
    for (const GetRequest* request : requests) hashes.push_back(request->hash);
    const Statement statement(sql.lookup_many, requests.front()->name_space, hashes);
    const Rows rows = executor.query(Statement(statement).read(), deadline);
    std::unordered_map<std::string, Row> by_hash;
    for (const Row& row : rows) by_hash.emplace(row.get<std::string>("query_hash"), row);
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (const auto row = by_hash.find(hashes[i]); row != by_hash.end()) found[i] = row->second;
    }
    return found;
}

std::vector<GetOutcome> look_for_alike(const CacheSql& sql, std::span<const KnownRequest> requests,
                                       const Neighbours& neighbours, Executor& executor, Deadline deadline) {
    constexpr std::size_t kFirst = 8;
    std::vector<GetOutcome> outcomes(requests.size());
    if (requests.empty()) return outcomes;
    const float threshold = neighbours.threshold();
    neighbours.catch_up();
    bool exact = neighbours.exact();
    std::vector<std::vector<Candidate>> candidates;
    std::vector<std::int64_t> ids;
    for (const KnownRequest& each : requests) {
        candidates.push_back(neighbours.search(*each.request->unit, kFirst, threshold));
        for (const Candidate& candidate : candidates.back()) ids.push_back(candidate.id);
    }
    std::unordered_map<std::int64_t, Row> by_id;
    if (!ids.empty()) {
        exact = exact && neighbours.exact();  // it may be changed at any time
        const Statement fetch(exact ? sql.fetch : sql.fetch_all, requests.front().request->name_space, ids);
        const Rows rows = executor.query(Statement(fetch).read(), deadline);
        if (!rows.empty()) {
            if (const auto epoch = rows[0].find<std::int64_t>("epoch")) neighbours.made_in(*epoch);
        }
        for (const Row& row : rows) by_id.emplace(row.get<std::int64_t>("id"), row);
    }
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const GetRequest& request = *requests[i].request;
        GetOutcome& outcome = outcomes[i];
        outcome.expired = requests[i].known == Exact::expired;
        outcome.outdated = requests[i].known == Exact::outdated;
        CandidateTrial trial(request, threshold, outcome);
        std::vector<Row> rows;
        for (const Candidate& candidate : candidates[i]) {
            if (const auto row = by_id.find(candidate.id); row != by_id.end()) rows.push_back(row->second);
        }
        const std::size_t found = candidates[i].size();
        if (!exact) measure_again(candidates[i], rows, *request.unit);
        hear_all(candidates[i], rows, neighbours, trial);
        if (trial.wants_more() && found == kFirst) {
            outcome = drive(get_operation(sql, request, neighbours, requests[i].known), executor, nullptr, deadline);
        } else {
            trial.end(found != 0 || neighbours.any());
        }
    }
    return outcomes;
}

}  // namespace stele
