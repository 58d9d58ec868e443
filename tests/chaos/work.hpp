// What each caller does, call after call.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <string>

#include "chaos/call.hpp"
#include "chaos/record.hpp"
#include "stele/executor.hpp"

namespace stele::test {

/// Deadlines while faults are about.
inline constexpr std::chrono::milliseconds kShortestDeadline{200}, kLongestDeadline{1'500};

/// The texts of all calls, on the tables of one schema.
class Tables {
public:
    explicit Tables(const std::string& schema);
    void create(Executor& executor) const;
    Stored read(Executor& executor) const;

    Statement item(int key) const { return Statement(item_, key); }
    Statement log(std::int64_t number, int caller, int part) const { return Statement(log_, number, caller, part); }
    /// The server finds only at the commit that it must refuse this.
    Statement refused_late(std::int64_t number, int caller, int claim) const {
        return Statement(refused_late_, number, caller, claim);
    }
    Statement logged(std::int64_t number) const { return Statement(logged_, number); }
    Statement count(int key) const { return Statement(count_, key); }

private:
    std::string schema_;
    Sql item_, log_, refused_late_, logged_, count_;
};

/// Calls of one caller: of all kinds, in a random order that its number decides. Not synchronised.
class Work {
public:
    enum class Mix : std::uint8_t { everything, no_transactions };

    Work(const Tables& tables, int caller, Mix mix) : tables_(tables), caller_(caller), mix_(mix), random_(caller) {}

    /// Its deadline runs from now on. `calm`: no fault is about, so it has time and must succeed.
    Call next(bool calm, const Record& record);
    /// How long the caller thinks before that.
    std::chrono::microseconds pause() { return std::chrono::microseconds(below(5'000)); }

private:
    int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }
    Call::Kind kind();
    void ask(Call& call, std::int64_t known_write);

    const Tables& tables_;
    int caller_;
    Mix mix_;
    std::mt19937 random_;
    std::int64_t made_ = 0;
};

}  // namespace stele::test
