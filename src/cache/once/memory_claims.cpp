// The twin's claims: those of its caches in this process.
#include <algorithm>

#include "cache/memory_cache_store.hpp"

namespace stele {

ClaimLook MemoryCacheStore::take(const ComputeClaim& claim, Deadline) {
    MutexLock lock(impl_.mutex);
    ClaimLook look;
    const Space& space = data_->spaces[claim.name_space];
    if (const auto found = space.ids.find(claim.hash); found != space.ids.end()) {
        const Entry& entry = space.entries.at(found->second);
        if (state(entry) == EntryState::live) look.hit = hit(found->second, entry, 1.0f, HitLayer::exact);
    }
    if (look.hit) return look;
    const Timestamp time = impl_.now();
    const auto [held, added] = data_->claims.try_emplace({claim.name_space, claim.hash});
    look.taken = added || held->second.token == claim.token || held->second.lease_end <= time;
    if (look.taken && (added || held->second.token != claim.token)) held->second = {claim.token, time};
    if (look.taken) held->second.lease_end = time + claim.lease;
    look.left = std::chrono::ceil<std::chrono::milliseconds>(held->second.lease_end - time);
    return look;
}

std::vector<Uuid> MemoryCacheStore::renew(std::span<const ComputeClaim> claims, Deadline) {
    MutexLock lock(impl_.mutex);
    std::vector<Uuid> followed;
    for (const ComputeClaim& claim : claims) {
        const auto held = data_->claims.find({claim.name_space, claim.hash});
        if (held == data_->claims.end() || held->second.token != claim.token) continue;
        held->second.lease_end = impl_.now() + claim.lease;
        if (held->second.followed_until && *held->second.followed_until > impl_.now()) followed.push_back(claim.token);
    }
    return followed;
}

ClaimText MemoryCacheStore::read_text(const ComputeClaim& claim, std::size_t from, Deadline) {
    MutexLock lock(impl_.mutex);
    const auto held = data_->claims.find({claim.name_space, claim.hash});
    if (held == data_->claims.end()) return {};
    held->second.followed_until = impl_.now() + kFollowed;
    const std::string& text = held->second.text;
    return {held->second.token, text.substr(std::min(from, text.size()))};
}

void MemoryCacheStore::write_text(const ComputeClaim& claim, std::size_t from, std::string_view text, Deadline) {
    MutexLock lock(impl_.mutex);
    const auto held = data_->claims.find({claim.name_space, claim.hash});
    if (held == data_->claims.end() || held->second.token != claim.token || held->second.text.size() != from) return;
    held->second.text += text;
}

void MemoryCacheStore::release(const ComputeClaim& claim, Deadline) {
    MutexLock lock(impl_.mutex);
    static_cast<void>(end(claim));
}

bool MemoryCacheStore::end(const ComputeClaim& claim) {
    const auto held = data_->claims.find({claim.name_space, claim.hash});
    if (held == data_->claims.end() || held->second.token != claim.token) return false;
    data_->claims.erase(held);
    data_->watches.changed(claim.name_space, claim.hash);
    return true;
}

}  // namespace stele
