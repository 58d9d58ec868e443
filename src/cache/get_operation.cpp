#include "cache/get_operation.hpp"

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>

#include "cache/candidate_trial.hpp"
#include "cache/entry_vector.hpp"

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

bool is_outdated(const Row& row) {
    const auto made_from = row.find<std::vector<std::string>>("made_from");
    return made_from && made_from->empty();
}

EntryState read_state(const Row& row) {
    if (row.get<bool>("expired")) return EntryState::expired;
    return is_outdated(row) ? EntryState::outdated : EntryState::live;
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

// Who has no usable vector by now is not there.
void measure_again(std::vector<Candidate>& candidates, const std::vector<Row>& rows, const std::vector<float>& unit) {
    const auto worthless = [&](Candidate& candidate) {
        for (const Row& row : rows) {
            if (row.get<std::int64_t>("id") != candidate.id) continue;
            const std::vector<float> stored =
                decode_entry_vector(row.get<std::span<const std::byte>>("embedding"), unit.size());
            if (stored.empty()) return true;
            candidate.score = static_cast<float>(std::inner_product(unit.begin(), unit.end(), stored.begin(), 0.0));
        }
        return false;  // one that is gone is to be forgotten
    };
    std::erase_if(candidates, worthless);
    std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
        return std::tuple(-a.score, a.id) < std::tuple(-b.score, b.id);
    });
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
            if (outcome.expired && request.keep_old && !is_outdated(found[0])) {
                outcome.old = read_hit(found[0], 1.0f, HitLayer::exact);
                outcome.overdue = outcome.old->age - std::chrono::seconds(found[0].get<std::int64_t>("ttl"));
            }
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
    if (request.keep_unit) outcome.unit = unit;

    // more are asked for only when all of the first were dead or refused
    constexpr std::size_t kFirst = 8, kMost = 8'192;
    CandidateTrial trial(request, threshold, outcome);
    std::set<std::int64_t> heard;
    bool any = false;
    for (std::size_t k = std::clamp(request.explain.value_or(0), kFirst, kMost); k <= kMost && trial.wants_more();
         k *= 8) {
        bool exact = neighbours.exact();
        std::vector<Candidate> candidates = neighbours.search(unit, k, trial.search_from());
        exact = exact && neighbours.exact();  // it may be changed at any time
        const bool exhausted = candidates.size() < k;
        std::erase_if(candidates, [&heard](const Candidate& one) { return !heard.insert(one.id).second; });
        if (candidates.empty()) break;
        any = true;
        std::vector<std::int64_t> ids;
        ids.reserve(candidates.size());
        for (const Candidate& candidate : candidates) ids.push_back(candidate.id);
        RunStep fetch;
        fetch.statements.push_back(Statement(exact ? sql.fetch : sql.fetch_all, request.name_space, ids).read());
        Result<std::vector<Rows>> rows = co_await fetch;
        const std::vector<Rows> fetched = value_or_raise(std::move(rows));
        const std::vector<Row> found(fetched.front().begin(), fetched.front().end());
        if (!found.empty()) {
            if (const auto epoch = found[0].find<std::int64_t>("epoch")) neighbours.made_in(*epoch);
        }
        if (!exact) measure_again(candidates, found, unit);
        hear_all(candidates, found, neighbours, trial);
        if (exhausted) break;
    }
    trial.end(any || (!outcome.hit && neighbours.any()));
    co_return outcome;
}

}  // namespace stele
