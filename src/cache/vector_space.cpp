#include "cache/vector_space.hpp"

#include <functional>
#include <mutex>

namespace stele {

QuestionTag question_tag(std::string_view query_hash) {
    return std::hash<std::string_view>()(query_hash);
}

void VectorSpace::put(std::int64_t id, const VectorSource& source, std::span<const float> unit) {
    const std::unique_lock lock(mutex_);
    VectorSource& known = sources_[id];
    if (known.version > source.version) return;
    if (unit.empty()) {
        index_.remove(id);
    } else {
        index_.upsert(id, unit);
    }
    known = source;
}

void VectorSpace::remove(std::int64_t id) {
    const std::unique_lock lock(mutex_);
    index_.remove(id);
    sources_.erase(id);
}

bool VectorSpace::holds(std::int64_t id, std::int64_t writer) const {
    const std::shared_lock lock(mutex_);
    const auto found = sources_.find(id);
    return found != sources_.end() && found->second.writer == writer;
}

std::vector<Candidate> VectorSpace::search(std::span<const float> unit, std::size_t k, float min_score) const {
    const std::shared_lock lock(mutex_);
    std::vector<Candidate> candidates;
    for (const Match& match : index_.search(unit, k, min_score)) {
        const VectorSource& source = sources_.at(match.id);
        candidates.push_back({match.id, match.score, source.question, source.writer});
    }
    return candidates;
}

VectorSpace::Size VectorSpace::size() const {
    const std::shared_lock lock(mutex_);
    return {index_.size(), index_.bytes()};
}

}  // namespace stele
