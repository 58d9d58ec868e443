#include "cache/vector_space.hpp"

#include <algorithm>

namespace stele {
namespace {

// as PostgreSQL counts transactions; rows say no more of theirs
std::uint32_t version_of(std::int64_t writer) {
    return static_cast<std::uint32_t>(writer);
}

}  // namespace

// FNV-1a. Of a SHA-256 any part would do, but other writers may have stored anything.
QuestionTag question_tag(std::string_view query_hash) {
    std::uint64_t tag = 0xcbf29ce484222325U;
    for (const char letter : query_hash) tag = (tag ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
    return std::max<std::uint64_t>(tag, 1);
}

void VectorSpace::put(std::int64_t id, const VectorSource& source, std::span<const float> unit) {
    const MutexLock lock(mutex_);
    drop_blank(id);
    if (const auto same = blank_ids_.find(source.question); same != blank_ids_.end()) drop_blank(same->second);
    if (!unit.empty()) {
        index_.upsert(id, unit, {source.question, version_of(source.writer)});
        return;
    }
    index_.remove(id);
    if (const auto same = index_.find(source.question)) index_.remove(*same);
    blank_[id] = source;
    blank_ids_[source.question] = id;
}

void VectorSpace::remove(std::int64_t id) {
    const MutexLock lock(mutex_);
    drop_blank(id);
    index_.remove(id);
}

void VectorSpace::remove_question(QuestionTag question) {
    const MutexLock lock(mutex_);
    if (const auto same = blank_ids_.find(question); same != blank_ids_.end()) drop_blank(same->second);
    if (const auto same = index_.find(question)) index_.remove(*same);
}

void VectorSpace::drop_blank(std::int64_t id) {
    const auto found = blank_.find(id);
    if (found == blank_.end()) return;
    blank_ids_.erase(found->second.question);
    blank_.erase(found);
}

bool VectorSpace::holds(std::int64_t id, std::int64_t writer) const {
    const MutexLock lock(mutex_);
    if (const auto note = index_.note(id)) return note->version == version_of(writer);
    const auto found = blank_.find(id);
    return found != blank_.end() && version_of(found->second.writer) == version_of(writer);
}

bool VectorSpace::holds_question(QuestionTag question, std::int64_t writer) const {
    const MutexLock lock(mutex_);
    if (const auto id = index_.find(question)) return index_.note(*id)->version == version_of(writer);
    const auto id = blank_ids_.find(question);
    return id != blank_ids_.end() && version_of(blank_.at(id->second).writer) == version_of(writer);
}

std::vector<Candidate> VectorSpace::search(std::span<const float> unit, std::size_t k, float min_score) const {
    std::vector<Candidate> candidates;
    for (const Match& match : index_.search(unit, k, min_score)) {
        candidates.push_back({match.id, match.score, match.note.tag, match.note.version});
    }
    return candidates;
}

VectorSpace::Size VectorSpace::size() const {
    const FlatIndex::Usage usage = index_.usage();
    const MutexLock lock(mutex_);
    constexpr std::size_t kNode = 4 * sizeof(void*);
    const std::size_t blank = sizeof(VectorSource) + 3 * sizeof(std::int64_t) + 2 * kNode;
    return {usage.rows, usage.bytes + blank_.size() * blank, usage.tombstones, usage.changes, usage.graph_rows};
}

}  // namespace stele
