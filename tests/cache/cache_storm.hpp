// What the processes of the cache's storm share: questions, each with one writer, and which of its answers is known to
// be stored since when.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

#include "stele/scope.hpp"

namespace stele::test {

inline constexpr int kStormThreads = 16, kStormQuestions = 3, kStormOwners = 1024;
inline constexpr std::int64_t kStormTenantEntries = 40, kStormEntries = 60;
inline constexpr std::chrono::milliseconds kStormBound{100};
inline const std::string kStormUndone = "undone";

/// A question of one thread of one process; the number of its newest answer rises with each put and removal.
struct StormQuestion {
    int owner = 0, thread = 0, number = 0;

    std::string text() const { return fmt::format("question {} {} {}", owner, thread, number); }
    /// Like it by meaning, and other words.
    std::string other_words() const { return "other words of " + text(); }
    /// Two of one tenant, and another tenant's.
    Scope scope() const {
        if (number % 3 == 0) return Scope("storm");
        return number % 3 == 1 ? Scope("storm").with("model", "small") : Scope("storm:other");
    }
    std::string answer(std::int64_t version) const {
        return fmt::format("{}|{}|{}", scope().stored_namespace(), text(), version);
    }
    /// The number of such an answer; -1: it is another question's, or another scope's.
    std::int64_t version_of(const std::string& answer) const {
        const std::string mine = fmt::format("{}|{}|", scope().stored_namespace(), text());
        return answer.starts_with(mine) ? std::atoll(answer.c_str() + mine.size()) : -1;
    }
};

/// In memory that processes share. All of it begins as zeros.
struct StormBoard {
    using Clock = std::chrono::steady_clock;  // the same for all processes of a host

    struct Slot {
        std::atomic<std::uint64_t> last, before;  // the version, and in the lower 40 bits the milliseconds
    };
    struct Owner {
        std::atomic<std::int64_t> asked, answered;
        std::atomic<bool> closed;
    };
    std::array<Slot, kStormOwners * kStormThreads * kStormQuestions> slots;
    std::array<Owner, kStormOwners> owners;
    std::atomic<int> owned;
    std::atomic<std::int64_t> hits, hits_by_meaning, stored, failures, faults;
    std::array<std::array<char, 400>, 20> fault_texts;

    Slot& slot(const StormQuestion& question) {
        return slots.at(static_cast<std::size_t>((question.owner * kStormThreads + question.thread) * kStormQuestions +
                                                 question.number));
    }
    static std::uint64_t milliseconds(Clock::time_point time) {
        constexpr std::uint64_t kTimeBits = (std::uint64_t{1} << 40U) - 1;
        return static_cast<std::uint64_t>(
                   std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count()) &
               kTimeBits;
    }
    /// Its writer was told that this version is stored, or that what came before it is removed.
    void acknowledge(const StormQuestion& question, std::int64_t version) {
        Slot& mine = slot(question);
        mine.before = mine.last.load();
        mine.last = (static_cast<std::uint64_t>(version) << 40U) | (milliseconds(Clock::now()) + 1);
    }
    /// No answer older than this may be served by a get that begins now; `mine`: whatever the bound.
    std::int64_t oldest(const StormQuestion& question, bool mine) {
        constexpr std::uint64_t kTimeBits = (std::uint64_t{1} << 40U) - 1;
        const std::uint64_t known = milliseconds(Clock::now() - kStormBound);
        for (const std::atomic<std::uint64_t>* each : {&slot(question).last, &slot(question).before}) {
            const std::uint64_t value = each->load();
            if (mine || (value & kTimeBits) <= known) return static_cast<std::int64_t>(value >> 40U);
        }
        return 0;
    }
    void fault(const std::string& text) {
        const auto number = static_cast<std::size_t>(faults++);
        if (number >= fault_texts.size()) return;
        std::array<char, 400>& place = fault_texts.at(number);
        std::memcpy(place.data(), text.data(), std::min(text.size(), place.size() - 1));
    }
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// The board in a file; whoever makes it first makes it long enough.
class StormMapping {
public:
    explicit StormMapping(const std::string& path) {
        const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (file < 0 || ::ftruncate(file, sizeof(StormBoard)) != 0) throw std::runtime_error("no file " + path);
        void* const place = ::mmap(nullptr, sizeof(StormBoard), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        ::close(file);
        if (place == MAP_FAILED) throw std::runtime_error("mmap");
        board_ = static_cast<StormBoard*>(place);
    }
    StormMapping(const StormMapping&) = delete;
    StormMapping& operator=(const StormMapping&) = delete;
    ~StormMapping() { ::munmap(board_, sizeof(StormBoard)); }
    StormBoard& board() { return *board_; }

private:
    StormBoard* board_;
};

}  // namespace stele::test
