#include "memory/memory_thread_store.hpp"

#include <algorithm>
#include <limits>

#include "memory/memory_conversation_data.hpp"
#include "memory/memory_model_data.hpp"

namespace stele {
namespace {

/// Of one item.
struct Size {
    Timestamp created;
    std::size_t bytes;
};

/// What a thread of one kind is like; sizes, the oldest first.
struct Models {
    using Data = MemoryModelData;
    using Thread = Data::Thread;

    static bool is_there(const Thread&) { return true; }
    static Timestamp active(const Thread& thread) { return thread.position.newest.value_or(thread.made); }
    static std::vector<Size> sizes(const Thread& thread) {
        std::vector<Size> all;
        for (const Data::Item& item : thread.items) all.push_back({item.created, item.content.text().size()});
        return all;
    }
    static void drop_oldest(Thread& thread, std::size_t count) {
        thread.items.erase(thread.items.begin(), thread.items.begin() + static_cast<std::ptrdiff_t>(count));
    }
    static std::vector<ToolUse> tool_uses(const Thread& thread, std::optional<Timestamp> since) {
        std::vector<ToolUse> uses;
        for (const Data::Item& item : thread.items) {
            if (since && item.created < *since) continue;
            uses.push_back(tool_use(from_json<ModelElement>(item.content)));
            uses.back().created = item.created;
        }
        return uses;
    }
    static void drop(Thread& thread, Timestamp created) {
        std::erase_if(thread.items, [&](const Data::Item& item) { return item.created == created; });
    }
    /// The newest stamp of all until then; what is kept of it beside items goes along.
    static std::optional<Timestamp> newest_other(const Thread& from, Timestamp until, Thread& to) {
        const auto newest = std::find_if(from.snapshots.rbegin(), from.snapshots.rend(),
                                         [&](const auto& each) { return each.created <= until; });
        if (newest == from.snapshots.rend()) return std::nullopt;
        if (to.snapshots.empty()) to.snapshots.push_back(*newest);
        return newest->created;
    }
    static std::size_t snapshots(const Thread& thread) { return thread.snapshots.size(); }
    /// Those that were replaced, before a time.
    static std::size_t replaced(const Thread& thread, std::optional<Timestamp> before) {
        if (thread.snapshots.empty()) return 0;
        return static_cast<std::size_t>(
            std::count_if(thread.snapshots.begin(), thread.snapshots.end() - 1,
                          [&](const Data::Snapshot& each) { return !before || each.created < *before; }));
    }
    static void drop_snapshots(Thread& thread, std::size_t count) {
        thread.snapshots.erase(thread.snapshots.begin(), thread.snapshots.begin() + static_cast<std::ptrdiff_t>(count));
    }
};

struct Conversations {
    using Data = MemoryConversationData;
    using Thread = Data::Thread;

    static bool is_there(const Thread& thread) { return thread.position.newest.has_value(); }
    static Timestamp active(const Thread& thread) { return thread.position.newest.value_or(Timestamp()); }
    static std::vector<Size> sizes(const Thread& thread) {
        std::vector<Size> all;
        for (const auto& [place, turn] : thread.turns) all.push_back({place.first, turn.payload.text().size()});
        return all;
    }
    static void drop_oldest(Thread& thread, std::size_t count) {
        for (; count > 0; --count) {
            thread.places.erase(thread.turns.begin()->first.second);
            thread.turns.erase(thread.turns.begin());
        }
    }
    static void drop(Thread&, Timestamp) {}
    static std::vector<ToolUse> tool_uses(const Thread&, std::optional<Timestamp>) { return {}; }
    static std::optional<Timestamp> newest_other(const Thread&, Timestamp, Thread&) { return std::nullopt; }
    static std::size_t snapshots(const Thread&) { return 0; }
    static std::size_t replaced(const Thread&, std::optional<Timestamp>) { return 0; }
    static void drop_snapshots(Thread&, std::size_t) {}
};

template <class Kind>
class Store final : public ThreadStore {
public:
    explicit Store(MemoryDatabase database) : database_(std::move(database)), impl_(database_.impl()) {
        MutexLock lock(impl_.mutex);
        data_ = &Kind::Data::of(impl_);
    }

    std::vector<MemoryThread> by_activity(const std::optional<Cursor>& before, std::size_t limit, Deadline) override {
        std::vector<MemoryThread> all = every("", std::numeric_limits<std::size_t>::max());
        const auto place = [](const auto& each) { return std::pair(each.active, std::string_view(each.identifier)); };
        if (before) std::erase_if(all, [&](const MemoryThread& each) { return place(each) >= place(*before); });
        std::sort(all.begin(), all.end(), [&](const auto& a, const auto& b) { return place(a) > place(b); });
        if (all.size() > limit) all.resize(limit);
        return all;
    }
    std::vector<MemoryThread> by_identifier(const std::string& after, std::size_t limit, Deadline) override {
        return every(after, limit);
    }
    std::optional<MemoryThread> find(const std::string& thread, Deadline) override {
        MutexLock lock(impl_.mutex);
        const Thread* found = look(thread);
        return found == nullptr ? std::nullopt : std::optional(describe(thread, *found));
    }
    RemovedThread remove(const std::string& thread, Deadline) override {
        MutexLock lock(impl_.mutex);
        return remove_now(thread);
    }
    RemovedThread would_remove(const std::string& thread, Deadline) override {
        MutexLock lock(impl_.mutex);
        return count(thread);
    }

    Forked fork(const std::string& parent, const std::string& thread, std::optional<Timestamp> at, Deadline) override {
        MutexLock lock(impl_.mutex);
        Forked forked;
        Thread made;
        for_lineage(data_->threads, parent, [&](const Thread& each, Timestamp until) {
            until = std::min(until, at.value_or(until));
            for (const Size& item : Kind::sizes(each)) {
                if (item.created <= until) forked.until = std::max(forked.until, std::optional(item.created));
            }
            forked.until = std::max(forked.until, Kind::newest_other(each, until, made));
            return true;
        });
        forked.made = forked.until && look(thread) == nullptr;
        if (!forked.made) return forked;
        made.position.newest = forked.until;
        made.fork = MemoryFork{parent, *forked.until};
        data_->threads.insert_or_assign(thread, std::move(made));
        return forked;
    }

    std::vector<Cut> cuts(const std::string& after, std::size_t limit, const Limits& limits, Deadline) override {
        MutexLock lock(impl_.mutex);
        std::vector<Cut> all;
        for (auto it = data_->threads.upper_bound(after); it != data_->threads.end() && all.size() < limit; ++it) {
            if (Kind::is_there(it->second)) all.push_back(cut_of(it->first, it->second, limits));
        }
        return all;
    }
    std::optional<Cut> cut(const std::string& thread, const Limits& limits, Deadline) override {
        MutexLock lock(impl_.mutex);
        const Thread* found = look(thread);
        return found == nullptr ? std::nullopt : std::optional(cut_of(thread, *found, limits));
    }
    std::vector<ToolUse> tool_uses(const std::string& thread, std::optional<Timestamp> since, Deadline) override {
        MutexLock lock(impl_.mutex);
        const Thread* found = look(thread);
        return found == nullptr ? std::vector<ToolUse>() : Kind::tool_uses(*found, since);
    }
    Gone remove_requests(const std::string& thread, Timestamp since, const WhichRequests& which, Deadline) override {
        MutexLock lock(impl_.mutex);
        Thread* found = look(thread);
        if (found == nullptr) return {};
        const std::vector<Timestamp> times = which(Kind::tool_uses(*found, since));
        Gone gone;
        for (const Size& item : Kind::sizes(*found)) {
            if (std::find(times.begin(), times.end(), item.created) == times.end()) continue;
            ++gone.items;
            gone.bytes += item.bytes;
            Kind::drop(*found, item.created);
        }
        return gone;
    }
    Gone count_older(const std::string& thread, Timestamp before, Deadline) override {
        MutexLock lock(impl_.mutex);
        const Thread* found = look(thread);
        return found == nullptr ? Gone() : older(*found, before, std::numeric_limits<std::size_t>::max());
    }
    Gone remove_older(const std::string& thread, Timestamp before, std::size_t limit, Deadline) override {
        MutexLock lock(impl_.mutex);
        Thread* found = look(thread);
        if (found == nullptr) return {};
        const Gone gone = older(*found, before, limit);
        Kind::drop_oldest(*found, gone.items);
        return gone;
    }
    std::size_t remove_snapshots(const std::string& thread, std::optional<Timestamp> before, Deadline) override {
        MutexLock lock(impl_.mutex);
        Thread* found = look(thread);
        if (found == nullptr) return 0;
        const std::size_t count = Kind::replaced(*found, before);
        Kind::drop_snapshots(*found, count);
        return count;
    }
    RemovedThread remove_inactive(const std::string& thread, Timestamp since, Deadline) override {
        MutexLock lock(impl_.mutex);
        const Thread* found = look(thread);
        return found != nullptr && Kind::active(*found) < since ? remove_now(thread) : RemovedThread();
    }

private:
    using Thread = typename Kind::Thread;

    Thread* look(const std::string& thread) const STELE_REQUIRES(impl_.mutex) {
        const auto found = data_->threads.find(thread);
        return found == data_->threads.end() || !Kind::is_there(found->second) ? nullptr : &found->second;
    }
    std::vector<MemoryThread> every(const std::string& after, std::size_t limit) {
        MutexLock lock(impl_.mutex);
        std::vector<MemoryThread> all;
        for (auto it = data_->threads.upper_bound(after); it != data_->threads.end() && all.size() < limit; ++it) {
            if (Kind::is_there(it->second)) all.push_back(describe(it->first, it->second));
        }
        return all;
    }
    RemovedThread count(const std::string& thread) const STELE_REQUIRES(impl_.mutex) {
        const Thread* found = look(thread);
        if (found == nullptr) return {};
        const MemoryThread known = describe(thread, *found);
        RemovedThread counted{true, known.items, known.bytes, Kind::snapshots(*found)};
        for (const auto& [name, each] : data_->threads) counted.forks += is_fork_of(each, thread) ? 1 : 0;
        return counted;
    }
    RemovedThread remove_now(const std::string& thread) STELE_REQUIRES(impl_.mutex) {
        const RemovedThread removed = count(thread);
        if (!removed.found) return removed;
        data_->threads.erase(thread);
        for (auto& [name, each] : data_->threads) {
            if (is_fork_of(each, thread)) each.fork.reset();
        }
        return removed;
    }
    static bool is_fork_of(const Thread& thread, const std::string& parent) {
        return thread.fork && thread.fork->parent == parent;
    }
    static MemoryThread describe(const std::string& identifier, const Thread& thread) {
        MemoryThread known{identifier, 0, 0, Kind::active(thread)};
        if (thread.fork) known.parent = thread.fork->parent;
        for (const Size& item : Kind::sizes(thread)) {
            ++known.items;
            known.bytes += item.bytes;
        }
        return known;
    }
    static Gone older(const Thread& thread, Timestamp before, std::size_t limit) {
        Gone gone;
        for (const Size& item : Kind::sizes(thread)) {
            if (item.created >= before || gone.items == limit) break;
            ++gone.items;
            gone.bytes += item.bytes;
        }
        return gone;
    }
    static Cut cut_of(const std::string& identifier, const Thread& thread, const Limits& limits) {
        const std::vector<Size> sizes = Kind::sizes(thread);
        std::size_t kept = 0, bytes = 0;  // of the newest
        for (auto item = sizes.rbegin(); item != sizes.rend(); ++item, ++kept) {
            bytes += item->bytes;
            const bool by_count = limits.keep && kept < std::max<std::size_t>(*limits.keep, 1);
            const bool by_bytes = limits.keep_bytes && (kept == 0 || bytes <= *limits.keep_bytes);
            const bool by_age = limits.created_before && item->created >= *limits.created_before;
            if (!by_count && !by_bytes && !by_age) break;
        }
        Cut cut{identifier};
        if (kept == 0 && !sizes.empty()) cut.before = limits.created_before;
        if (kept > 0 && kept < sizes.size()) cut.before = sizes[sizes.size() - kept].created;
        cut.whole = limits.by_age() && Kind::active(thread) < limits.created_before;
        cut.snapshots = cut.whole ? Kind::snapshots(thread) : Kind::replaced(thread, limits.created_before);
        return cut;
    }

    const MemoryDatabase database_;
    MemoryDatabase::Impl& impl_;
    typename Kind::Data* data_ = nullptr;  // under its lock
};

}  // namespace

std::shared_ptr<ThreadStore> memory_thread_store(MemoryKind kind, MemoryDatabase database) {
    if (kind == MemoryKind::models) return std::make_shared<Store<Models>>(std::move(database));
    return std::make_shared<Store<Conversations>>(std::move(database));
}

}  // namespace stele
