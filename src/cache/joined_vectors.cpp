#include "cache/joined_vectors.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "cache/entry_vector.hpp"

namespace stele {
namespace {

constexpr std::size_t kPage = 1024;  // rows

using Writers = std::unordered_map<std::int64_t, std::int64_t>;  // by id

// The best k of those that the transaction sees; the space may hold many that it does not.
void add_seen(const VectorSpace& space, const Writers& seen, std::span<const float> unit, std::size_t k,
              float min_score, std::vector<Candidate>& all) {
    for (std::size_t wanted = k;; wanted *= 4) {
        std::vector<Candidate> found = space.search(unit, wanted, min_score);
        const bool exhausted = found.size() < wanted;
        std::erase_if(found, [&seen](const Candidate& candidate) {
            const auto row = seen.find(candidate.id);
            return row == seen.end() || row->second != candidate.writer;
        });
        if (!exhausted && found.size() < k) continue;
        all.insert(all.end(), found.begin(), found.end());
        return;
    }
}

}  // namespace

std::vector<Candidate> JoinedVectors::search(const std::string& name_space, std::span<const float> unit, std::size_t k,
                                             float min_score, Executor& transaction, Deadline deadline) {
    const std::shared_ptr<const VectorSpace> shared = shared_.known(name_space);
    VectorSpace& own = own_.try_emplace(name_space, shared_.dimension()).first->second;
    Writers seen;
    std::vector<std::int64_t> missing;
    for (const Row& row : transaction.query(Statement(sql_.writers, name_space), deadline)) {
        const auto id = row.get<std::int64_t>(0);
        const auto writer = row.get<std::int64_t>(1);
        seen.emplace(id, writer);
        if (!(shared && shared->holds(id, writer)) && !own.holds(id, writer)) missing.push_back(id);
    }
    for (std::size_t at = 0; at < missing.size(); at += kPage) {
        const auto begin = missing.begin() + static_cast<std::ptrdiff_t>(at);
        const std::vector<std::int64_t> page(begin,
                                             begin + static_cast<std::ptrdiff_t>(std::min(kPage, missing.size() - at)));
        for (const Row& row : transaction.query(Statement(sql_.vectors, page), deadline)) {
            const auto id = row.get<std::int64_t>("id");
            const auto writer = row.get<std::int64_t>("writer");
            seen.insert_or_assign(id, writer);
            own.put(id, {.question = question_tag(row.get<std::string_view>("query_hash")), .writer = writer},
                    decode_entry_vector(row.get<std::span<const std::byte>>("embedding"), shared_.dimension()));
        }
    }

    std::vector<Candidate> all;
    if (shared) add_seen(*shared, seen, unit, k, min_score, all);
    add_seen(own, seen, unit, k, min_score, all);
    const auto order = [](const Candidate& a, const Candidate& b) {
        return std::tuple(-a.score, a.id) < std::tuple(-b.score, b.id);
    };
    std::sort(all.begin(), all.end(), order);
    const auto same = [](const Candidate& a, const Candidate& b) { return a.id == b.id; };
    all.erase(std::unique(all.begin(), all.end(), same), all.end());
    if (all.size() > k) all.resize(k);
    return all;
}

bool JoinedVectors::any(const std::string& name_space) const {
    const auto own = own_.find(name_space);
    if (own != own_.end() && own->second.size().rows != 0) return true;
    const std::shared_ptr<const VectorSpace> shared = shared_.known(name_space);
    return shared && shared->size().rows != 0;
}

}  // namespace stele
