// What the processes of the memory storm write, and what must be true of it: items "PROCESS.CALL.ITEM OF_HOW_MANY".
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "memory/elements.hpp"

namespace stele::test {

inline constexpr int kStormThreads = 5;
inline const std::string kStormPruned = "pruned";

inline const char* kind_name(bool models) {
    return models ? "models" : "conversations";
}

/// An item, read.
struct StormItem {
    explicit StormItem(const std::string& text) {
        char dot = 0;
        std::istringstream in(text);
        in >> process >> dot >> call >> dot >> item >> of;
    }
    int process = -1, call = -1, item = -1, of = -1;
};

/// What is wrong with a thread: the items of a call stand together and in order, all of them (but of the first call, if
/// the thread may have been cut there, or read while others appended), none twice, and the calls of a process in order.
inline std::string fault_of(const std::vector<std::string>& items, bool cut = false) {
    std::map<int, int> last_call;
    for (std::size_t i = 0; i < items.size();) {
        const StormItem first(items[i]);
        if (first.of <= 0) return "not an item: " + items[i];
        if (first.item != 0 && !(cut && i == 0)) return "a call does not begin at its first item: " + items[i];
        const auto known = last_call.find(first.process);
        if (known != last_call.end() && known->second >= first.call) return "calls out of order: " + items[i];
        last_call[first.process] = first.call;
        for (int item = first.item; item < first.of; ++item, ++i) {
            if (i == items.size()) return "a call without its last items: " + items.back();
            const StormItem each(items[i]);
            if (each.process != first.process || each.call != first.call || each.item != item) {
                return "the items of a call are apart: " + items[i];
            }
        }
    }
    return {};
}

}  // namespace stele::test
