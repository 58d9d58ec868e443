// One answer that several callers of this process wait for.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "base/shared_load.hpp"
#include "cache/once/answer_stream.hpp"
#include "stele/semantic_cache.hpp"

namespace stele {

/// What all get.
struct SharedAnswer {
    ComputedAnswer answer{};
    std::optional<MissReason> miss{};  // nothing: it was found
    bool expired = false;              // what was stored was past its lifetime
};

/// Made by the caller that leads it, who finds or computes the answer; the others follow. Thread-safe.
class Flight {
public:
    /// `loader`: the thread that leads it; none: it is not known yet.
    Flight(std::string what, Deadline deadline, std::thread::id loader)
        : what_(std::move(what)), loader_(loader), load_(deadline, loader) {
        if (loader != std::thread::id()) patience_.insert(deadline);
    }

    AnswerStream& stream() noexcept { return stream_; }
    void succeed(std::shared_ptr<const SharedAnswer> answer);
    /// To be called where an exception is handled: with that one.
    void fail();
    /// Nobody has computed anything: those who wait may.
    void leave() noexcept;

    /// What the leader got, or throws what it failed with; nothing where whoever follows may lead instead.
    std::shared_ptr<const SharedAnswer> follow(Deadline deadline, const AnswerReader& reader);

    /// The latest deadline of all who wait now; nothing: nobody does.
    std::optional<Deadline> patience() const STELE_EXCLUDES(mutex_);
    /// Whether anybody who follows reads along.
    bool read_along() const noexcept { return readers_ != 0; }

private:
    class Waiting;
    std::shared_ptr<const SharedAnswer> wait(Deadline deadline, std::size_t read);

    const std::string what_;
    const std::thread::id loader_;
    AnswerStream stream_;
    std::atomic<std::size_t> readers_{0};
    SharedLoad<SharedAnswer> load_;
    mutable Mutex mutex_;
    std::multiset<Deadline> patience_ STELE_GUARDED_BY(mutex_);
};

/// All of a cache, by question. Thread-safe.
class Flights {
public:
    /// The right to lead a flight, which ends with it.
    class Lead {
    public:
        Lead(Flights& all, std::string key, std::shared_ptr<Flight> flight)
            : all_(&all), key_(std::move(key)), flight_(std::move(flight)) {}
        Lead(Lead&& other) noexcept
            : all_(other.all_), key_(std::move(other.key_)), flight_(std::move(other.flight_)) {}
        Lead& operator=(Lead&&) = delete;
        ~Lead();

        Flight& flight() const noexcept { return *flight_; }
        /// From now on a newcomer leads one of its own. The flight's own end comes after this.
        void land() noexcept;

    private:
        Flights* all_;
        std::string key_;
        std::shared_ptr<Flight> flight_;  // null: handed on
        bool landed_ = false;
    };
    struct Joined {
        std::shared_ptr<Flight> flight;
        std::optional<Lead> lead;  // of a new one
    };

    Joined join(const std::string& key, std::string what, Deadline deadline,
                std::thread::id loader = std::this_thread::get_id()) STELE_EXCLUDES(mutex_);

private:
    Mutex mutex_;
    std::map<std::string, std::shared_ptr<Flight>> flights_ STELE_GUARDED_BY(mutex_);
};

}  // namespace stele
