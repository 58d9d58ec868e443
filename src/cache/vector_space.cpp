#include "cache/vector_space.hpp"

#include <functional>
#include <mutex>

namespace stele {

QuestionTag question_tag(std::string_view query_hash) {
    return std::hash<std::string_view>()(query_hash);
}

void VectorSpace::put(std::int64_t id, const VectorSource& source, std::span<const float> unit) {
    const std::unique_lock lock(mutex_);
    if (const auto known = ids_.find(source.question); known != ids_.end() && known->second != id) drop(known->second);
    if (const auto known = sources_.find(id); known != sources_.end() && known->second.question != source.question) {
        drop(id);
    }
    if (unit.empty()) {
        index_.remove(id);
    } else {
        index_.upsert(id, unit);
    }
    sources_[id] = source;
    ids_[source.question] = id;
}

void VectorSpace::remove(std::int64_t id) {
    const std::unique_lock lock(mutex_);
    drop(id);
}

void VectorSpace::remove_question(QuestionTag question) {
    const std::unique_lock lock(mutex_);
    if (const auto known = ids_.find(question); known != ids_.end()) drop(known->second);
}

void VectorSpace::drop(std::int64_t id) {
    index_.remove(id);
    const auto source = sources_.find(id);
    if (source == sources_.end()) return;
    ids_.erase(source->second.question);
    sources_.erase(source);
}

bool VectorSpace::holds(std::int64_t id, std::int64_t writer) const {
    const std::shared_lock lock(mutex_);
    const auto found = sources_.find(id);
    return found != sources_.end() && found->second.writer == writer;
}

bool VectorSpace::holds_question(QuestionTag question, std::int64_t writer) const {
    const std::shared_lock lock(mutex_);
    const auto id = ids_.find(question);
    return id != ids_.end() && sources_.at(id->second).writer == writer;
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
