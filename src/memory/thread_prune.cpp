#include "memory/thread_prune.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace stele {

ThreadPrune::ThreadPrune(ThreadStore& store, const PruneThreadsOptions& options, std::function<Deadline()> until)
    : store_(store),
      options_(options),
      limits_{options.keep, options.created_before, options.keep_bytes},
      until_(std::move(until)) {}

PrunedThreads ThreadPrune::run() {
    constexpr std::size_t kPage = 200;
    if (options_.identifier) {
        if (const auto cut = store_.cut(*options_.identifier, limits_, until_())) prune(*cut);
        return done_;
    }
    std::string after = options_.after;
    for (;;) {
        const std::vector<ThreadStore::Cut> page = store_.cuts(after, kPage, limits_, until_());
        for (const ThreadStore::Cut& cut : page) prune(cut);
        if (page.size() < kPage) return done_;
        after = page.back().thread;
    }
}

void ThreadPrune::prune(const ThreadStore::Cut& cut) {
    bool some = false;
    if (cut.whole) {
        some = remove_whole(cut);
    } else {
        if (cut.before) some = prune_items(cut.thread, *cut.before);
        if (cut.snapshots > 0) {
            done_.snapshots += options_.dry_run ? cut.snapshots
                                                : store_.remove_snapshots(cut.thread, limits_.created_before, until_());
            some = true;
        }
    }
    done_.threads += some ? 1 : 0;
    done_.last = cut.thread;
    if (some) tell();
}

// A response may come at any time, and then its request must be there still, or be seen to be gone. So requests that
// wait go first, while nobody can write: what is older than the cut after that, nothing newer can belong to.
Timestamp ThreadPrune::settle(const std::string& thread, Timestamp cut) {
    struct Look {
        std::vector<ToolUse> uses;
        Timestamp before;
        std::vector<Timestamp> waiting;
    };
    const auto look = [](std::vector<ToolUse> uses, Timestamp at) {
        const Timestamp before = between_exchanges(at, uses);
        std::vector<Timestamp> open = waiting(before, uses);
        return Look{std::move(uses), before, std::move(open)};
    };
    Look last = look(store_.tool_uses(thread, {}, until_()), cut);
    while (!last.waiting.empty() && !options_.dry_run) {
        Look next;
        const auto which = [&](const std::vector<ToolUse>& newer) {
            std::vector<ToolUse> uses = last.uses;
            std::erase_if(uses, [&](const ToolUse& use) { return use.created >= last.before; });
            uses.insert(uses.end(), newer.begin(), newer.end());
            next = look(std::move(uses), last.before);
            if (next.waiting.size() > options_.batch) next.waiting.resize(options_.batch);
            return next.waiting;
        };
        const ThreadStore::Gone gone = store_.remove_requests(thread, last.before, which, until_());
        add(gone);
        std::erase_if(next.uses, [&](const ToolUse& use) {
            return std::binary_search(next.waiting.begin(), next.waiting.end(), use.created);
        });
        last = look(std::move(next.uses), next.before);
        if (gone.items > 0) tell();
    }
    return last.before;
}

bool ThreadPrune::prune_items(const std::string& thread, Timestamp cut) {
    const std::size_t first = done_.items;
    const Timestamp before = settle(thread, cut);
    if (options_.dry_run) {
        const ThreadStore::Gone all = store_.count_older(thread, before, until_());
        add(all);
        return all.items > 0;
    }
    for (;;) {
        const ThreadStore::Gone batch = store_.remove_older(thread, before, options_.batch, until_());
        add(batch);
        if (batch.items < options_.batch) return done_.items > first;
        tell();
    }
}

// Items in batches first, then what is left, unless the thread got active meanwhile.
bool ThreadPrune::remove_whole(const ThreadStore::Cut& cut) {
    const Timestamp since = limits_.created_before.value();
    const bool some = prune_items(cut.thread, since);
    if (options_.dry_run) {
        done_.snapshots += cut.snapshots;
        ++done_.removed;
        return true;
    }
    const RemovedThread rest = store_.remove_inactive(cut.thread, since, until_());
    add({rest.items, rest.bytes});
    done_.snapshots += rest.snapshots;
    // where draive alone wrote, nothing is left of a conversation without turns
    const bool removed = rest.found || (some && !store_.find(cut.thread, until_()));
    done_.removed += removed ? 1 : 0;
    return some || removed;
}

void ThreadPrune::add(const ThreadStore::Gone& gone) {
    done_.items += gone.items;
    done_.bytes += gone.bytes;
}

void ThreadPrune::tell() const {
    if (options_.progress) options_.progress(done_);
}

}  // namespace stele
