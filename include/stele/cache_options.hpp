// What a semantic cache, its gets and its puts can be told.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stele/cache_caps.hpp"
#include "stele/cache_event.hpp"
#include "stele/cache_policy.hpp"
#include "stele/deadline.hpp"
#include "stele/dependency.hpp"
#include "stele/get_or_compute.hpp"
#include "stele/guard.hpp"
#include "stele/index_backend.hpp"
#include "stele/json.hpp"
#include "stele/vector_format.hpp"

namespace stele {
inline namespace v0 {

enum class AccessTimes : std::uint8_t {
    behind,       ///< some at once, without anybody waiting: about every second while there are calls, and at the end
    within_call,  ///< before the answer is returned, committed with it, as mneme does; then every get is one round trip
    never,
};

struct SemanticCacheOptions {
    /// Cosine from which a stored question counts as the same, -1 to 1. Empty: the embedder's own
    /// (Embedder::threshold); where it has none, each get by meaning must bring one.
    std::optional<float> similarity_threshold{};
    /// Lifetime of answers put without one, 1 s to 100 years; nothing: for ever.
    std::optional<std::chrono::seconds> default_ttl{};
    /// Every lifetime of what this cache puts is shortened by up to this share of it, 0 to 0.9, by how much the
    /// question says: what is put at one time does not expire at one time. One that a tenant's policy gives stays as it
    /// is.
    float ttl_jitter = 0.0f;
    /// So long after its lifetime an answer is still served by get_or_compute (Hit::stale) while one caller of all
    /// processes renews it in the background. vacuum() of this cache spares those; another process's does so with the
    /// same option. What goes for a limit goes: first what has expired.
    std::chrono::seconds serve_stale{0};
    /// Runs the renewals; they end before close() returns. Empty: two threads of the cache's own, for which at most 64
    /// more wait, and what is beyond those is left to later callers.
    TaskRunner background{};
    /// Strip and fold blanks and case before hashing and embedding, as mneme does.
    bool normalize = true;
    /// Off: with `normalize`, blanks do not count and letter case does, as code, units and acronyms need it. Processes
    /// of mneme's do not find what is put so, unless it has no capitals.
    bool fold_case = true;
    std::size_t max_query_bytes = 32'768;
    std::size_t max_response_bytes = 4'194'304;
    std::size_t max_metadata_bytes = 65'536;
    /// A store that cannot be reached turns get into a counted miss (put still throws). Off: get throws too. In the
    /// first DatabaseOptions::outage_patience of an outage each such get waits for the store to come back, until its
    /// deadline: where an answer of the model is better than waiting, give get a short one.
    bool miss_when_unavailable = true;
    /// Answers to the same questions that this process keeps in memory, at most so many and so many bytes of them; 0:
    /// none. They follow what anybody changes: DatabaseOptions::max_staleness says how old they may be.
    std::size_t local_entries = 10'000;
    std::size_t local_bytes = 64U << 20U;
    /// When it is noted that an entry was answered (its last access and how often), by which the least recently used
    /// are found.
    AccessTimes access_times = AccessTimes::behind;
    /// Asked in this order about what was found by meaning; the first that refuses decides. text_guards() are those
    /// that come with Stele. Of a get they see at most 64 candidates that they refuse.
    std::vector<Guard> guards{};
    /// Asked before the guards about every answer found by meaning: one that it refuses is not served. Empty: none is
    /// refused. Like a guard it must be thread-safe, and refuses by throwing.
    Validator validator = valid_response;
    /// What Hit::confidence is; empty: the similarity. If it throws, the confidence is 0, and an answer found by
    /// meaning is refused.
    ConfidenceFunction confidence = decayed_confidence;
    /// Answers found by meaning with a lower confidence are not served. Nothing: any confidence will do. Beware: with
    /// decayed_confidence, 0.7 ends the reuse of an entry within 12 hours.
    std::optional<float> min_confidence{};
    /// As mneme does: the similarity threshold is 0.85 where none is given, whatever the embedder's own is;
    /// min_confidence is 0.7 where none is given; and an entry that the validator refuses is removed, unless it has got
    /// another answer meanwhile.
    bool mneme_compatible = false;

    /// Of all entries together, whoever put them: enforced by every put of this cache, besides SemanticCache::limits,
    /// which every process enforces. The least counts.
    std::optional<std::size_t> max_entries{}, max_bytes{};
    /// By tenant; stored when the cache is opened, for every process (SemanticCache::set_quota).
    std::map<std::string, CacheQuota> quotas{};
    /// Puts that find too many entries remove up to so many more than must go, at most a tenth of the limit: 64 in one
    /// put, the rest in those that follow. kEvictATenth is mneme's way: of 10,000 entries 1,000 go, by 16 puts.
    std::size_t evict_at_once = 16;
    static constexpr std::size_t kEvictATenth = std::numeric_limits<std::size_t>::max();

    /// How vectors lie in this process's memory. With another format than float32 the best that a search finds are
    /// compared once more by the vectors in the tables, which come along with their answers: similarities are exact,
    /// and no float32 is kept in memory. See also SemanticCache::set_vector_format.
    VectorFormat vector_format = VectorFormat::float32;
    /// Whether searches look at every vector of a scope or follow a graph, and from how many vectors on. What is found
    /// is compared as ever. The twin in memory looks at every vector whatever is chosen.
    IndexBackend index_backend = IndexBackend::automatic;
    GraphOptions graph{};
    /// What the vectors in memory may take, of all scopes together, with what is known of each, graphs, and copies of a
    /// quarter of their size, by which many vectors of float32 are searched in a third of the time; 0: whatever they
    /// need. Copies are made only where there is room, and given up first. Beyond it those of the scope that was
    /// searched longest ago go first; they are read again when it is searched. A scope that alone needs more is not
    /// searched by meaning: MissReason::index_full, until 10,000 of its entries were changed or it was cleared.
    std::size_t index_bytes = 0;
    /// A directory in which vectors are left for other processes of this host and for the next start; empty: none. It
    /// is made if there is none. Vectors are written behind the calls and at close(), mapped from there, and brought up
    /// to date by the change log; where that does not reach back far enough (an hour, a restart of the server), or
    /// anything is damaged or another's, they are read from the tables. What is written says as much as the vectors do:
    /// it is readable by its owner only.
    std::filesystem::path index_snapshot{};

    /// What is not cached at all: a get of it is a counted miss (MissReason::skipped), a put of it stores nothing.
    SkipRule skip{};

    /// Told what happens; see also SemanticCache::on_event.
    CacheEventHook on_event{};
};

struct GetOptions {
    /// A vector for the question, instead of asking the embedder, as long as all of this cache's. It is scaled to unit
    /// length.
    std::optional<std::vector<float>> embedding{};
    std::optional<float> similarity_threshold{};  ///< instead of the cache's
    bool bypass = false;                          ///< look nowhere: a counted miss
    std::size_t turns = 1;  ///< of the conversation that the question stands for; see SkipRule::max_turns
    std::optional<Deadline> deadline{};
};

struct PutOptions {
    std::optional<std::vector<float>> embedding{};  ///< as in GetOptions
    std::optional<std::chrono::seconds> ttl{};      ///< 1 s to 100 years
    bool never_expires = false;                     ///< beats default_ttl
    Json metadata = Json::object();                 ///< a JSON object
    std::vector<std::string> tags{};                ///< at most 100, each of 1 to 1,024 bytes; see remove_tagged()
    /// What the answer was made from, at most 100: as soon as one of them is not current any more, it is not served.
    Dependencies depends_on{};
    std::size_t turns = 1;  ///< as in GetOptions
    std::optional<Deadline> deadline{};
};

/// One of put_many().
struct NewAnswer {
    std::string query, response;
    PutOptions options{};  ///< its deadline does not count
};

}  // namespace v0
}  // namespace stele
