// What a caller of the chaos tests asks, and what the answer must be.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stele/deadline.hpp"
#include "stele/error.hpp"
#include "stele/rows.hpp"
#include "stele/statement.hpp"

namespace stele::test {

/// One call. A value; how it is made (blocking or not) is the caller's.
struct Call {
    enum class Kind : std::uint8_t {
        read,            // one row by its key
        read_by_key,     // the same, allowed to be merged; some keys are not there
        read_back,       // a write of this caller that was acknowledged
        slow_read,       // takes a while
        failing_read,    // the server must refuse it, and nobody else's
        unmarked,        // a SELECT that promises nothing
        insert,          // one log row, in anyone's commit
        blind_insert,    // the same, asked only how many rows it was
        refused_write,   // a log row that breaks a constraint: must be refused, and nobody else's
        refused_commit,  // a log row that breaks one at the commit: the same
        count,           // adds 1 to a counter that others add to
        batch,           // two log rows in one round trip
        refused_batch,   // the same with a second one that must be refused, and the first with it
        transaction,     // the same in an explicit transaction
        left_behind,     // a transaction with a statement that must be refused, and no rollback
        rolled_back,     // the same, undone by the caller
    };

    Kind kind = Kind::read;
    std::vector<Statement> statements;
    std::int64_t number = 0;  // of the operation: unique; a write stores it
    int key = 0;              // of the item or counter
    bool calm = false;        // no fault is about: it must succeed
    Deadline::Clock::time_point began{};
    Deadline deadline;

    bool explicit_transaction() const {
        return kind == Kind::transaction || kind == Kind::left_behind || kind == Kind::rolled_back;
    }
    bool must_fail() const { return kind == Kind::failing_read || refused(); }
    bool refused() const {
        return kind == Kind::refused_write || kind == Kind::refused_commit || kind == Kind::refused_batch ||
               kind == Kind::left_behind;
    }
    /// Log rows there must be when it is acknowledged.
    int log_rows() const;
    /// Whether its outcome is looked for in the log afterwards.
    bool logs() const { return log_rows() > 0 || refused() || kind == Kind::rolled_back; }
};

std::string_view to_string(Call::Kind kind);

inline constexpr int kItems = 200, kCounters = 4;

/// What is wrong with an answer to this call, empty when it fits. One answer a statement.
std::string complaint(const Call& call, std::span<const Rows> answers);
/// The same of one who asked only how many rows were affected.
std::string complaint(const Call& call, std::uint64_t affected);
/// What is wrong with an error of this call, empty when a fault of the wire or the server excuses it, or it is its own.
std::string complaint(const Call& call, const ErrorInfo& error);

}  // namespace stele::test
