// A hybrid search of the twin, by the rules that the statement of the database has.
#include <algorithm>
#include <map>
#include <tuple>

#include "index/filter_node.hpp"
#include "index/memory_index_store.hpp"
#include "index/web_query.hpp"

namespace stele {
namespace {

double part(double weight, double k, std::int64_t place) {
    return weight / (k + static_cast<double>(place));
}

}  // namespace

std::vector<std::pair<float, detail::IndexMatch>> MemoryIndexStore::wordiest(const NearestQuery& query) const {
    using Ranked = std::pair<float, detail::IndexMatch>;
    const WebQuery wanted(query.words->words);
    std::vector<Ranked> all;
    for (const auto& [id, entry] : data_->entries) {
        if (!query.filter.matches(entry.row.payload)) continue;
        const TextWords words(parse_json(entry.row.payload.text()), text_);
        if (wanted.matches(words)) all.emplace_back(wanted.rank(words), match_of(id, entry, std::nullopt));
    }
    std::sort(all.begin(), all.end(), [](const Ranked& a, const Ranked& b) {
        return std::tuple(-a.first, a.second.created, a.second.id) <
               std::tuple(-b.first, b.second.created, b.second.id);
    });
    if (all.size() > query.limit) all.resize(query.limit);
    return all;
}

FusedAnswer MemoryIndexStore::fused(const NearestQuery& query, Deadline) {
    MutexLock lock(impl_.mutex);
    check_frame(table_, data_->frame, query.frame);
    const WordsQuery& half = *query.words;
    std::map<Uuid, detail::HybridMatch> all;
    std::int64_t place = 0;
    for (NearestMatch& one : nearest_of(query)) {
        const Uuid id = one.match.id;
        ++place;
        all[id] = {std::move(one.match), part(half.vector_weight, half.k, place), place, {}, {}};
    }
    place = 0;
    for (auto& [rank, match] : wordiest(query)) {
        detail::HybridMatch& one = all[match.id];
        if (!one.vector_place) one.match = std::move(match);
        one.score += part(half.text_weight, half.k, ++place);
        one.text_score = rank;
        one.text_place = place;
    }
    FusedAnswer answer;
    for (auto& [id, one] : all) answer.matches.push_back(std::move(one));
    std::sort(answer.matches.begin(), answer.matches.end(),
              [](const detail::HybridMatch& a, const detail::HybridMatch& b) {
                  return std::tuple(-a.score, a.match.created, a.match.id) <
                         std::tuple(-b.score, b.match.created, b.match.id);
              });
    if (answer.matches.size() > half.limit) answer.matches.resize(half.limit);
    return answer;
}

}  // namespace stele
