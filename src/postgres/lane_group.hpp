// The requests of one group as the statements of one batch, and what became of the batch as what became of them.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "postgres/lane_machine.hpp"
#include "postgres/lane_request.hpp"
#include "postgres/merged_statement.hpp"
#include "postgres/wire.hpp"

namespace stele {

/// How the statements of a lane are merged, kept by their text. Not thread-safe.
class MergedStatements {
public:
    /// Null when this one cannot be merged. Valid until trim().
    const MergedStatement* find(const Statement& statement);
    /// Forgets all when they have become too many.
    void trim();

private:
    std::map<std::string, std::optional<MergedStatement>, std::less<>> known_;
};

/// Not thread-safe. Reusable, which saves allocations.
class LaneGroup {
public:
    using Reply = LaneMachine::Reply;

    /// Arranges the statements of these requests, which must live until this returns and `batch` was begun with
    /// statements(). Writes: what the group as a whole runs first, then each in the order of their keys; those that may
    /// and follow each other become one statement. Reads by key: those of one text do.
    /// `before` comes before all; null: nothing.
    void compose(std::span<const LaneMachine::Request> requests, MergedStatements& merged, bool writes,
                 const Statement* before);
    std::span<const Statement* const> statements() const noexcept { return statements_; }

    Wire::Batch batch;
    Deadline::Clock::time_point sent_at{};
    bool alone = false;  // nothing else was under way then
    bool only = false;   // nor will anything be before it is answered
    const Statement* first = nullptr;
    bool cut_short = false;  // waits for locks end sooner than the requests want

    /// One for each request, when the batch is done.
    std::vector<Reply> replies() const;
    /// Gives the answer, or the error, to the request that was the index-th, as far as there is one.
    void deliver(std::size_t index, Reply reply, LaneRequest& request);
    const ErrorInfo& error() const noexcept { return batch.error; }
    /// Lets go of what belongs to the requests.
    void clear();

private:
    struct Place {
        std::size_t first = 0, count = 1;   // statements
        std::optional<std::size_t> merged;  // its number in a merged one
    };
    Reply reply_to(const Place& place) const;
    void place(std::size_t request, std::span<const Statement> statements);
    void place_openings(std::span<const LaneMachine::Request> requests);
    void place_merged(const MergedStatement& way, std::span<const std::size_t> indices,
                      std::span<const LaneMachine::Request> requests);
    void arrange_reads(std::span<const LaneMachine::Request> requests, MergedStatements& merged);
    void arrange_writes(std::span<const LaneMachine::Request> requests, MergedStatements& merged);
    void arrange_in_order(std::span<const std::size_t> order, std::span<const LaneMachine::Request> requests,
                          MergedStatements& merged);
    Result<Rows> part_of(const Place& place);

    std::vector<const Statement*> statements_;
    std::vector<Place> places_;                       // one a request
    std::deque<Statement> owned_;                     // made for the group
    std::map<std::size_t, std::vector<Rows>> split_;  // answers to merged ones, by statement
    std::size_t openings_ = 0;                        // statements before the first request's
};

inline LaneRequest& request_of(LaneMachine::Ticket ticket) {
    return *reinterpret_cast<LaneRequest*>(ticket);  // NOLINT(performance-no-int-to-ptr): a ticket is an address
}
inline LaneMachine::Ticket ticket_of(const LaneRequest& request) {
    return reinterpret_cast<LaneMachine::Ticket>(&request);
}

}  // namespace stele
