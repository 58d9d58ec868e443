// Many callers at once, while something is done to the wire or the server.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "chaos/pulse.hpp"
#include "chaos/record.hpp"
#include "chaos/work.hpp"
#include "stele/database.hpp"

namespace stele::test {

/// What the callers are told, from outside.
struct Signals {
    std::atomic<bool> calm{true}, stop{false};
    Pulse pulse;  ///< a call's duration is counted without what the machine lost
};

/// One way of making calls. It takes its calls from `work`, one or several at a time, and puts what became of each into
/// `record`, until it is told to stop.
class Caller {
public:
    virtual ~Caller() = default;
    virtual void run(Work& work, Record& record, const Signals& signals) = 0;
};

/// One call at a time, in the calling thread.
class BlockingCaller final : public Caller {
public:
    explicit BlockingCaller(Database database) : database_(std::move(database)) {}
    void run(Work& work, Record& record, const Signals& signals) override;

private:
    std::vector<Rows> make(const Call& call);
    Database database_;
};

/// A thread a caller. The destructor stops them.
class Load {
public:
    Load(const Tables& tables, std::vector<std::unique_ptr<Caller>> callers);
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    ~Load() { stop(); }

    void calm(bool calm) { signals_.calm = calm; }
    /// Waits until every caller has been answered to a call that it began after now. The time it took, or `limit`.
    std::chrono::milliseconds until_all_answered(std::chrono::milliseconds limit) const;
    std::chrono::milliseconds stalled() const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(signals_.pulse.lost());
    }
    /// Every caller finishes its call. What all of them saw; lives as long as the load.
    Record& stop();

private:
    struct Seat {
        Seat(const Tables& tables, int number, std::unique_ptr<Caller> who)
            : work(tables, number), caller(std::move(who)) {}
        Work work;
        Record record;
        std::unique_ptr<Caller> caller;
        std::thread thread;
    };
    Signals signals_;
    std::vector<std::unique_ptr<Seat>> seats_;
    Record all_;
};

}  // namespace stele::test
