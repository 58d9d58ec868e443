#include "chaos/load.hpp"

#include <algorithm>

namespace stele::test {

using namespace std::chrono_literals;

void Load::add(int count, std::unique_ptr<Callers> callers) {
    Crew& crew = crews_.emplace_back();
    crew.callers = std::move(callers);
    for (int i = 0; i < count; ++i) crew.seats.emplace_back(tables_, callers_++, crew.callers->mix());
    crew.thread = std::thread([this, &crew] { crew.callers->run(crew.seats, signals_); });
}

std::chrono::milliseconds Load::until_all_answered(std::chrono::milliseconds limit) const {
    const auto since = Deadline::Clock::now();
    const FairClock clock(signals_.pulse);
    const auto answered = [&](const Seat& seat) {
        return seat.record.last_answered() > since.time_since_epoch().count();
    };
    const auto all_answered = [&](const Crew& crew) {
        return std::all_of(crew.seats.begin(), crew.seats.end(), answered);
    };
    for (;; std::this_thread::sleep_for(1ms)) {
        const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(clock.now() - since);
        if (waited >= limit) return limit;
        if (std::all_of(crews_.begin(), crews_.end(), all_answered)) return waited;
    }
}

Record& Load::stop() {
    signals_.stop = true;
    for (Crew& crew : crews_) {
        if (!crew.thread.joinable()) continue;
        crew.thread.join();
        for (const Seat& seat : crew.seats) crew.record.add(seat.record);
        all_.add(crew.record);
    }
    return all_;
}

std::vector<Load::Share> Load::shares() const {
    std::vector<Share> shares;
    for (const Crew& crew : crews_) shares.push_back({crew.callers->name(), crew.record.counts()});
    return shares;
}

}  // namespace stele::test
