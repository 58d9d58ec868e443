#include <thread>

#include "chaos/callers.hpp"

namespace stele::test {

void BlockingCallers::run(std::deque<Seat>& seats, const Signals& signals) {
    std::vector<std::thread> threads;
    for (Seat& seat : seats) threads.emplace_back([this, &seat, &signals] { run(seat, signals); });
    for (std::thread& thread : threads) thread.join();
}

void BlockingCallers::run(Seat& seat, const Signals& signals) {
    while (!signals.stop) {
        std::this_thread::sleep_for(seat.work.pause());
        const Call call = seat.work.next(signals.calm, seat.record);
        const FairClock clock(signals.pulse);
        try {
            make(call, seat.record, clock);
        } catch (const Error& error) {
            seat.record.failed(call, error.info(), clock.now());
        } catch (const std::exception& error) {
            seat.record.fault(call, error.what());
        }
    }
}

void BlockingCallers::make(const Call& call, Record& record, const FairClock& clock) {
    if (call.kind == Call::Kind::blind_insert) {
        const std::uint64_t affected = database_.execute(call.statements[0], call.deadline);
        return record.answered(call, affected, clock.now());
    }
    std::vector<Rows> answers;
    if (call.explicit_transaction()) {
        answers = transaction(call);
    } else if (call.statements.size() > 1) {
        answers = database_.run(call.statements, call.deadline);
    } else {
        answers.push_back(database_.query(call.statements[0], call.deadline));
    }
    record.answered(call, answers, clock.now());
}

std::vector<Rows> BlockingCallers::transaction(const Call& call) {
    Transaction transaction = database_.begin({}, call.deadline);
    std::vector<Rows> answers;
    for (const Statement& statement : call.statements) answers.push_back(transaction.query(statement, call.deadline));
    if (call.kind == Call::Kind::rolled_back) {
        transaction.rollback(call.deadline);
    } else {
        transaction.commit(call.deadline);
    }
    return answers;
}

}  // namespace stele::test
