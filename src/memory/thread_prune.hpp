// Removes what is old, thread after thread.
#pragma once

#include <functional>

#include "memory/thread_store.hpp"

namespace stele {

/// One run, checked by the caller, who keeps the store and the options alive. `until` gives each step its deadline.
class ThreadPrune {
public:
    ThreadPrune(ThreadStore& store, const PruneThreadsOptions& options, std::function<Deadline()> until);

    PrunedThreads run();

private:
    void prune(const ThreadStore::Cut& cut);
    bool prune_items(const std::string& thread, Timestamp cut);
    Timestamp settle(const std::string& thread, Timestamp cut);
    bool remove_whole(const ThreadStore::Cut& cut);
    void add(const ThreadStore::Gone& gone);
    void tell() const;

    ThreadStore& store_;
    const PruneThreadsOptions& options_;
    const ThreadStore::Limits limits_;
    const std::function<Deadline()> until_;
    PrunedThreads done_;
};

}  // namespace stele
