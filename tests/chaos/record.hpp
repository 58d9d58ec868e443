// What a caller saw happen to its calls, and whether the database agrees.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "chaos/call.hpp"

namespace stele::test {

enum class Fate : std::uint8_t { acknowledged, failed, in_doubt };

/// What the tables hold at the end.
struct Stored {
    std::map<std::int64_t, int> log;  ///< rows by operation
    std::array<std::int64_t, kCounters> counters{};
};

/// How late a call may return after its deadline: what a busy machine needs to wake a thread, and no more.
std::chrono::milliseconds slack();

/// Of one caller, or of all of them once added up. Not synchronised, except for the two members that say so.
class Record {
public:
    using Time = Deadline::Clock::time_point;

    void answered(const Call& call, std::span<const Rows> answers, Time ended);
    void answered(const Call& call, std::uint64_t affected, Time ended);
    void failed(const Call& call, const ErrorInfo& error, Time ended);
    /// Anything that must never happen.
    void fault(const Call& call, const std::string& what);

    /// The beginning of the last call that was answered, as a count of the clock. Any thread.
    Deadline::Clock::rep last_answered() const { return last_answered_; }
    /// A write that is known to be stored, or 0.
    std::int64_t known_write() const { return known_write_; }

    /// Adds another's. Not while it is written to.
    void add(const Record& other);
    /// Checks the fate of every write against the tables; what disagrees is a fault.
    void compare(const Stored& stored);

    struct Counts {
        std::uint64_t calls = 0, answered = 0, refused = 0, failed = 0, in_doubt = 0, in_doubt_stored = 0;
        Deadline::Clock::duration slowest{}, latest{};  ///< latest: past its deadline
    };
    const Counts& counts() const { return counts_; }
    /// The first of them in words, and how many there were.
    const std::vector<std::string>& faults() const { return faults_; }
    std::size_t fault_count() const { return fault_count_; }

private:
    struct Write {
        Fate fate;
        int rows;
    };
    struct Counter {
        std::vector<std::int64_t> acknowledged;  // the values it was given
        std::int64_t in_doubt = 0;
    };

    void acknowledged(const Call& call, Time ended);
    void timed(const Call& call, Time ended);
    void settle(const Call& call, Fate fate);
    void complain(std::string what);

    Counts counts_;
    std::map<std::int64_t, Write> writes_;
    std::array<Counter, kCounters> counters_;
    std::int64_t known_write_ = 0;
    std::vector<std::string> faults_;
    std::size_t fault_count_ = 0;
    std::atomic<Deadline::Clock::rep> last_answered_{0};
};

}  // namespace stele::test
