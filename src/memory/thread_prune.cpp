#include "memory/thread_prune.hpp"

#include <utility>

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
        if (cut.before) {
            const Timestamp before = between_exchanges(*cut.before, store_.tool_uses(cut.thread, until_()));
            some = prune_items(cut.thread, before);
        }
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

bool ThreadPrune::prune_items(const std::string& thread, Timestamp before) {
    if (options_.dry_run) {
        const ThreadStore::Gone all = store_.count_older(thread, before, until_());
        add(all);
        return all.items > 0;
    }
    for (bool some = false;; some = true) {
        const ThreadStore::Gone batch = store_.remove_older(thread, before, options_.batch, until_());
        add(batch);
        if (batch.items < options_.batch) return some || batch.items > 0;
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
