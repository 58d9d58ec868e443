// What was written to one key, and what a load of it may answer.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace stele::test {

/// The writes of one key, in their order: whoever writes has the key to himself until he knows the outcome. Not
/// thread-safe.
class History {
public:
    using Time = std::chrono::steady_clock::time_point;

    History() { writes_.push_back({"none", -1, Time::min(), Time::min(), false}); }

    /// A write that is about to be sent; contents are unique, but for "none".
    void sent(std::string content, int writer, Time now) {
        writes_.push_back({std::move(content), writer, now, std::nullopt, false});
    }
    /// The last one was committed, or undone.
    void committed(Time now) { writes_.back().acknowledged = now; }
    void undone() { writes_.back().undone = true; }

    /// What is wrong with a load of `reader` that began and ended then; nothing if it is right.
    std::string complaint(const std::string& content, int reader, Time began, Time ended,
                          std::chrono::milliseconds bound) const {
        std::string last = "this was never written";
        for (std::size_t i = 0; i < writes_.size(); ++i) {
            if (writes_[i].content != content) continue;
            last = why_not(i, reader, began, ended, bound);
            if (last.empty()) return {};
        }
        return last;
    }

private:
    struct Write {
        std::string content;
        int writer;
        Time sent;
        std::optional<Time> acknowledged;
        bool undone;
    };
    std::string why_not(std::size_t i, int reader, Time began, Time ended, std::chrono::milliseconds bound) const {
        const Write& found = writes_[i];
        if (found.undone) return "this was rolled back";
        if (found.sent > ended) return "this was not written yet";
        for (std::size_t later = i + 1; later < writes_.size(); ++later) {
            const Write& write = writes_[later];
            if (write.undone || !write.acknowledged) continue;
            if (*write.acknowledged < began && write.writer == reader) {
                return "the reader itself has committed " + write.content + " since";
            }
            if (began - *write.acknowledged > bound) {
                const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(began - *write.acknowledged);
                return write.content + " was committed " + std::to_string(age.count()) + " ms before";
            }
        }
        return {};
    }

    std::vector<Write> writes_;
};

}  // namespace stele::test
