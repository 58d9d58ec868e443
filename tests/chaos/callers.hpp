// The ways in which calls are made.
#pragma once

#include <atomic>
#include <deque>
#include <string_view>
#include <utility>
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

/// One caller: its calls, and what became of them.
struct Seat {
    Seat(const Tables& tables, int number, Work::Mix mix) : work(tables, number, mix) {}
    Work work;
    Record record;
};

/// Callers that make their calls the same way.
class Callers {
public:
    virtual ~Callers() = default;
    /// As the counts call them.
    virtual std::string_view name() const = 0;
    virtual Work::Mix mix() const = 0;
    /// Makes calls for each seat, one after another, until it is told to stop. Then every call ends first.
    virtual void run(std::deque<Seat>& seats, const Signals& signals) = 0;
};

/// A thread each, which waits for the answer.
class BlockingCallers final : public Callers {
public:
    explicit BlockingCallers(Database database) : database_(std::move(database)) {}
    std::string_view name() const override { return "blocking"; }
    Work::Mix mix() const override { return Work::Mix::everything; }
    void run(std::deque<Seat>& seats, const Signals& signals) override;

private:
    void run(Seat& seat, const Signals& signals);
    void make(const Call& call, Record& record, const FairClock& clock);
    std::vector<Rows> transaction(const Call& call);
    Database database_;
};

/// Callbacks of stele/asio.hpp: one io_context and one thread for all, which waits for nothing.
class AsyncCallers final : public Callers {
public:
    explicit AsyncCallers(Database database) : database_(std::move(database)) {}
    std::string_view name() const override { return "asynchronous"; }
    Work::Mix mix() const override { return Work::Mix::no_transactions; }
    void run(std::deque<Seat>& seats, const Signals& signals) override;

private:
    Database database_;
};

}  // namespace stele::test
