// The steps of one get.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/cache_sql.hpp"
#include "cache/vector_space.hpp"
#include "postgres/operation.hpp"
#include "stele/semantic_cache.hpp"

namespace stele {

class CandidateTrial;
class GuardChain;

/// What a get is about. Kept alive by the caller until the operation is over.
struct GetRequest {
    std::string name_space;
    std::string query;  // normalised
    std::string hash;
    std::optional<std::vector<float>> unit;  // the caller's vector
    bool by_meaning = true;                  // false: exact lookup only
    std::string_view asked{};                // as it was asked, for the guards
    const GuardChain* guards = nullptr;      // null: whatever is alike enough is served
    std::optional<std::size_t> explain{};    // so many candidates are to be shown
    bool keep_old = false;                   // GetOutcome::old is wanted
    bool keep_unit = false;                  // GetOutcome::unit is wanted
    std::optional<float> min_confidence{};   // instead of the options', once the threshold was asked for
};

/// How the vectors in memory are reached; may throw Error.
struct Neighbours {
    std::function<float()> threshold;  // from which similarity on
    std::function<void()> catch_up;    // before the search
    std::function<std::vector<Candidate>(std::span<const float> unit, std::size_t k, float min_score)> search;
    std::function<void(std::int64_t id)> forget;
    std::function<void()> distrust;  // an id belongs to another question than the one whose vector was searched
    std::function<std::vector<float>(std::vector<float>)> check;  // a vector made usable, or Error
    std::function<bool()> any = [] { return false; };             // there are vectors to search
    std::function<void(std::int64_t epoch)> made_in = [](std::int64_t) {
    };  // what was searched is of this epoch, or Error
    // The search's scores are exact. Else they are measured again by the vectors in the rows; candidates are found,
    // too, whose score is a little too low.
    std::function<bool()> exact = [] { return true; };
};

struct GetOutcome {
    std::optional<Hit> hit;
    std::optional<MissReason> miss;  // one of the two
    bool expired = false;            // an exact match was found but is past its lifetime
    bool outdated = false;           // an exact match was found but was made from something that is not current

    /// An entry whose answer the validator refused.
    struct Invalid {
        std::string hash, response;
    };
    std::vector<Invalid> invalid{};
    std::string embedder_error{};  // of an embedder that failed

    // if they were wanted: the exact match that is past its lifetime, and for how long; the question's vector
    std::optional<Hit> old{};
    std::chrono::seconds overdue{};
    std::vector<float> unit{};

    // of an explanation
    std::optional<float> threshold{};
    std::vector<ExplainedCandidate> candidates{};
};

/// What is known of the same question before.
enum class Exact : unsigned char { unknown, absent, expired, outdated };
/// Whether an entry may be served.
enum class EntryState : unsigned char { live, expired, outdated };

/// Exact lookup, unless it was made; then, unless it hit, embedding, search in memory and a fetch of the candidates,
/// best first, until the guards accept one. A failed database step throws Error.
Operation<GetOutcome> get_operation(const CacheSql& sql, const GetRequest& request, const Neighbours& neighbours,
                                    Exact known = Exact::unknown);

/// A row of CacheSql::lookup or fetch.
Hit read_hit(const Row& row, float similarity, HitLayer layer);
EntryState read_state(const Row& row);
/// Whether it has expired or not.
bool is_outdated(const Row& row);
/// The names of what it was made from; none of what is outdated.
std::vector<std::string> read_made_from(const Row& row);

/// Scores by the vectors in `rows` of CacheSql::fetch_all, which are also younger than those in memory; best first.
void measure_again(std::vector<Candidate>& candidates, const std::vector<Row>& rows, const std::vector<float>& unit);
/// Those candidates that `rows` of CacheSql::fetch show are heard, until the trial wants no more; those that are gone
/// are forgotten.
void hear_all(const std::vector<Candidate>& candidates, const std::vector<Row>& rows, const Neighbours& neighbours,
              CandidateTrial& trial);

}  // namespace stele
