#include "chaos/record.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "support/sanitized.hpp"

namespace stele::test {
namespace {

constexpr std::size_t kFaultsTold = 10;

std::string_view to_string(Fate fate) {
    switch (fate) {
        case Fate::acknowledged: return "acknowledged";
        case Fate::failed: return "reported as failed";
        case Fate::in_doubt: return "in doubt";
    }
    return "?";
}

double ms(Deadline::Clock::duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

std::chrono::milliseconds slack() {
    return std::chrono::milliseconds(kSanitized ? 3'000 : 1'000);
}

void Record::answered(const Call& call, std::span<const Rows> answers, Time ended) {
    acknowledged(call, ended);
    try {
        if (const std::string wrong = complaint(call, answers); !wrong.empty()) fault(call, wrong);
        if (call.kind == Call::Kind::count) {
            counters_[static_cast<std::size_t>(call.key)].acknowledged.push_back(answers[0][0].get<std::int64_t>("n"));
        }
    } catch (const Error& error) {  // another caller's columns
        fault(call, fmt::format("the answer cannot be read: {}", error.what()));
    }
}

void Record::answered(const Call& call, std::uint64_t affected, Time ended) {
    acknowledged(call, ended);
    if (const std::string wrong = complaint(call, affected); !wrong.empty()) fault(call, wrong);
}

void Record::acknowledged(const Call& call, Time ended) {
    timed(call, ended);
    ++counts_.answered;
    settle(call, call.kind == Call::Kind::rolled_back ? Fate::failed : Fate::acknowledged);
    if (call.kind == Call::Kind::insert) known_write_ = call.number;
    last_answered_ = call.began.time_since_epoch().count();
}

void Record::failed(const Call& call, const ErrorInfo& error, Time ended) {
    timed(call, ended);
    const bool own = error.sqlstate.starts_with("22") || error.code == ErrorCode::constraint_violation;
    ++(call.must_fail() && own ? counts_.refused : error.in_doubt ? counts_.in_doubt : counts_.failed);
    if (const std::string wrong = complaint(call, error); !wrong.empty()) {
        fault(call,
              fmt::format("{}: {}: {} {}", wrong, stele::to_string(error.code), error.message, error.server_message));
    }
    settle(call, error.in_doubt ? Fate::in_doubt : Fate::failed);
}

void Record::timed(const Call& call, Time ended) {
    ++counts_.calls;
    counts_.slowest = std::max(counts_.slowest, ended - call.began);
    const auto late = ended - call.deadline.point();
    counts_.latest = std::max(counts_.latest, late);
    if (late > slack()) fault(call, fmt::format("it returned {:.0f} ms after its deadline", ms(late)));
}

void Record::settle(const Call& call, Fate fate) {
    if (call.logs()) writes_[call.number] = {fate, call.log_rows()};
    if (call.kind == Call::Kind::count && fate == Fate::in_doubt) {
        ++counters_[static_cast<std::size_t>(call.key)].in_doubt;
    }
}

void Record::fault(const Call& call, const std::string& what) {
    complain(fmt::format("{} {}: {}", test::to_string(call.kind), call.number, what));
}

void Record::complain(std::string what) {
    ++fault_count_;
    if (faults_.size() < kFaultsTold) faults_.push_back(std::move(what));
}

void Record::add(const Record& other) {
    counts_.calls += other.counts_.calls;
    counts_.answered += other.counts_.answered;
    counts_.refused += other.counts_.refused;
    counts_.failed += other.counts_.failed;
    counts_.in_doubt += other.counts_.in_doubt;
    counts_.slowest = std::max(counts_.slowest, other.counts_.slowest);
    counts_.latest = std::max(counts_.latest, other.counts_.latest);
    writes_.insert(other.writes_.begin(), other.writes_.end());
    for (std::size_t i = 0; i < counters_.size(); ++i) {
        const Counter& theirs = other.counters_[i];
        counters_[i].acknowledged.insert(counters_[i].acknowledged.end(), theirs.acknowledged.begin(),
                                         theirs.acknowledged.end());
        counters_[i].in_doubt += theirs.in_doubt;
    }
    for (const std::string& what : other.faults_) complain(what);
    fault_count_ += other.fault_count_ - other.faults_.size();
}

void Record::compare(const Stored& stored) {
    for (const auto& [number, write] : writes_) {
        const auto found = stored.log.find(number);
        const int rows = found == stored.log.end() ? 0 : found->second;
        const bool whole = rows == write.rows && rows > 0;
        counts_.in_doubt_stored += write.fate == Fate::in_doubt && whole;
        if (write.fate == Fate::acknowledged ? rows == write.rows
                                             : rows == 0 || (write.fate == Fate::in_doubt && whole)) {
            continue;
        }
        complain(fmt::format("write {} of {} rows was {}, and {} are stored", number, write.rows, to_string(write.fate),
                             rows));
    }
    for (const auto& [number, rows] : stored.log) {
        if (!writes_.contains(number)) complain(fmt::format("nobody wrote {}, and it is stored", number));
    }
    for (std::size_t i = 0; i < counters_.size(); ++i) {
        Counter& counter = counters_[i];
        const std::int64_t now = stored.counters[i];
        const auto least = static_cast<std::int64_t>(counter.acknowledged.size());
        if (now < least || now > least + counter.in_doubt) {
            complain(fmt::format("counter {} stands at {}: {} were acknowledged, {} are in doubt", i, now, least,
                                 counter.in_doubt));
        }
        counts_.in_doubt_stored += static_cast<std::uint64_t>(std::max<std::int64_t>(now - least, 0));
        std::vector<std::int64_t>& values = counter.acknowledged;
        std::sort(values.begin(), values.end());
        if (const auto twice = std::adjacent_find(values.begin(), values.end()); twice != values.end()) {
            complain(fmt::format("two callers were told that counter {} is {}", i, *twice));
        }
        if (!values.empty() && (values.front() < 1 || values.back() > now)) {
            complain(fmt::format("counter {} stands at {}, and a caller was told {}", i, now, values.back()));
        }
    }
}

}  // namespace stele::test
