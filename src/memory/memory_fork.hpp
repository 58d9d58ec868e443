// Where a thread of a MemoryDatabase goes on from.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "stele/timestamp.hpp"

namespace stele {

struct MemoryFork {
    std::string parent;
    Timestamp until;  ///< the stamp of the last thing that it has of the parent
};

/// Calls `each(thread, until)` for a thread, whole, and for those it goes on from, as long as it answers true.
template <class Thread, class Each>
void for_lineage(const std::map<std::string, Thread>& threads, const std::string& name, Each each) {
    Timestamp until = Timestamp::max();
    for (auto found = threads.find(name); found != threads.end() && each(found->second, until);) {
        if (!found->second.fork) return;
        until = std::min(until, found->second.fork->until);
        found = threads.find(found->second.fork->parent);
    }
}

}  // namespace stele
