#include "chaos/load.hpp"

#include <algorithm>
#include <array>

namespace stele::test {

using namespace std::chrono_literals;

void BlockingCaller::run(Work& work, Record& record, const Signals& signals) {
    while (!signals.stop) {
        std::this_thread::sleep_for(work.pause());
        const Call call = work.next(signals.calm, record);
        const auto lost = signals.pulse.lost();
        const auto now = [&] { return Deadline::Clock::now() - (signals.pulse.lost() - lost); };
        try {
            const std::vector<Rows> answers = make(call);
            record.answered(call, answers, now());
        } catch (const Error& error) {
            record.failed(call, error.info(), now());
        } catch (const std::exception& error) {
            record.fault(call, error.what());
        }
    }
}

std::vector<Rows> BlockingCaller::make(const Call& call) {
    if (!call.explicit_transaction()) {
        return call.statements.size() == 1 ? std::vector{database_.query(call.statements[0], call.deadline)}
                                           : database_.run(call.statements, call.deadline);
    }
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

Load::Load(const Tables& tables, std::vector<std::unique_ptr<Caller>> callers) {
    int number = 0;
    for (std::unique_ptr<Caller>& caller : callers) {
        Seat& seat = *seats_.emplace_back(std::make_unique<Seat>(tables, number++, std::move(caller)));
        seat.thread = std::thread([this, &seat] { seat.caller->run(seat.work, seat.record, signals_); });
    }
}

std::chrono::milliseconds Load::until_all_answered(std::chrono::milliseconds limit) const {
    const auto since = Deadline::Clock::now();
    const auto lost = signals_.pulse.lost();
    const auto answered = [&](const std::unique_ptr<Seat>& seat) {
        return seat->record.last_answered() > since.time_since_epoch().count();
    };
    for (;; std::this_thread::sleep_for(1ms)) {
        const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(Deadline::Clock::now() - since -
                                                                                  (signals_.pulse.lost() - lost));
        if (waited >= limit) return limit;
        if (std::all_of(seats_.begin(), seats_.end(), answered)) return waited;
    }
}

Record& Load::stop() {
    signals_.stop = true;
    for (const std::unique_ptr<Seat>& seat : seats_) {
        if (!seat->thread.joinable()) continue;
        seat->thread.join();
        all_.add(seat->record);
    }
    return all_;
}

}  // namespace stele::test
