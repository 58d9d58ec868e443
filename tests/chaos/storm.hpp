// One run of a fault under load, and what must be true of it.
#pragma once

#include <chrono>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "chaos/load.hpp"
#include "chaos/record.hpp"
#include "chaos/work.hpp"
#include "stele/database.hpp"

namespace stele::test {

/// How long each fault lasts: STELE_CHAOS_SECONDS, 5 without it.
std::chrono::seconds storm_length();

/// A load on `dsn` while faults happen. `direct`: the same server, which no fault gets in the way of at the end.
class Storm {
public:
    Storm(std::string name, const std::string& schema, std::string dsn, std::string direct);

    /// Calls `fault` again and again; each call may take part of a second. Then `heal`, and nothing more is done: the
    /// callers have to recover by themselves. Checks everything, prints the counts.
    void run(const std::function<void()>& fault, const std::function<void()>& heal);

    /// What the callers' connections are called on the server.
    const std::string& application() const { return name_; }
    /// Between the two, evenly.
    int between(int least, int most) { return std::uniform_int_distribution<int>(least, most)(random_); }
    void pause(int least_ms, int most_ms);
    /// Lets a fault last: the first for longer than any call may, so that one which only the end of the fault would
    /// free is found; the later ones for less.
    void hold();

    const Record::Counts& counts() const { return counts_; }

private:
    Database open() const;
    void wait_for_the_last_backend(Database& direct) const;
    void report(std::chrono::milliseconds recovered, const std::vector<Load::Share>& shares) const;

    std::string name_, dsn_, direct_;
    Tables tables_;
    std::mt19937 random_{1};
    bool held_ = false;
    Record::Counts counts_;
};

}  // namespace stele::test
