// Many callers at once, while something is done to the wire or the server.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "chaos/callers.hpp"
#include "chaos/record.hpp"
#include "chaos/work.hpp"

namespace stele::test {

/// The destructor stops the callers.
class Load {
public:
    explicit Load(const Tables& tables) : tables_(tables) {}
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    ~Load() { stop(); }

    /// So many callers more, which begin at once.
    void add(int count, std::unique_ptr<Callers> callers);
    void calm(bool calm) { signals_.calm = calm; }
    /// Waits until every caller has been answered to a call that it began after now. The time it took, or `limit`.
    std::chrono::milliseconds until_all_answered(std::chrono::milliseconds limit) const;
    std::chrono::milliseconds stalled() const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(signals_.pulse.lost());
    }
    /// Every caller finishes its call. What all of them saw; lives as long as the load.
    Record& stop();

    /// The part of callers that were added together.
    struct Share {
        std::string_view callers;
        Record::Counts counts;
    };
    /// Of a load that was stopped.
    std::vector<Share> shares() const;

private:
    struct Crew {
        std::unique_ptr<Callers> callers;
        std::deque<Seat> seats;
        Record record;
        std::thread thread;
    };
    const Tables& tables_;
    Signals signals_;
    std::deque<Crew> crews_;
    int callers_ = 0;
    Record all_;
};

}  // namespace stele::test
