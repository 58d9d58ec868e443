// Who talks on a connection that many callers share, and what becomes of their requests. Sans-io: told what happened,
// says what next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

namespace stele {

/// One connection in pipeline mode. The caller that finds nobody leading leads: it sends what is queued as one group
/// with one Sync, takes the answers for all, and when its own is in hands the lead to one who still waits. In a group
/// the server stops at the first error: the requests behind it never ran, and are sent again in a later group.
///
/// Not thread-safe: its owner calls it under a lock, and performs I/O outside of it.
class LaneMachine {
public:
    /// Who asked. Never 0; free to be used again once it is finished or given up.
    using Ticket = std::uintptr_t;

    struct Limits {
        std::size_t queued = 1024;  ///< requests that may wait to be sent
        std::size_t group = 64;     ///< requests that share a Sync
        bool writes = false;  ///< an error undoes the whole group: those before the guilty one are sent again, too
    };
    struct Request {
        Ticket ticket = 0;        ///< 0: its caller gave up
        bool repeatable = false;  ///< may be sent again when its connection died and nobody knows whether it ran
        bool merges = false;      ///< may be one statement with its like
        bool apart = false;       ///< shares its Sync with nobody
        std::uint8_t tries = 0;   ///< that ended badly, perhaps because of this request
    };
    enum class Joined : std::uint8_t { lead, wait, full };

    enum class Do : std::uint8_t {
        connect,    // answer connected() or refused()
        send,       // group(), then a Sync; answer sent() or lost()
        receive,    // the replies of oldest(); answer synced() or lost(), or ask next() again when more was queued
        give_back,  // the connection: others need one; answer given_back()
        hand_over,  // wake `to`: it leads now
        leave,      // nobody leads; the connection is free
        drop        // the same, but nobody waits for what it still has to answer: close it
    };
    struct Action {
        Do what = Do::leave;
        Ticket to = 0;
    };
    enum class Reply : std::uint8_t {
        good,     ///< final unless the group is undone
        error,    ///< its own
        aborted,  ///< it did not run
        split,    ///< the statement that it was merged into failed: again, by itself
        apart,    ///< somebody in its group is guilty, it is not known who: again, in a group of its own
        again     ///< an error that the next try may not meet
    };

    /// What became of a request.
    enum class Outcome : std::uint8_t {
        answered,  ///< its reply is good, and the Sync's is in
        refused,   ///< its reply is the server's error
        lost,      ///< the connection died; it may have run
        unsent     ///< there is no connection to be had; it did not run, or may safely be thought not to have
    };
    struct Finished {
        Ticket ticket = 0;
        Outcome outcome = Outcome::answered;
    };

    explicit LaneMachine(Limits limits) : limits_(limits) {}

    /// A caller arrives. lead: it must call next() until it has handed over or left.
    Joined join(Request request);
    /// A caller's time is up before its request was finished. True: it leads, so it must call next() all the same,
    /// until it has handed over or left; what it sent is drained by others.
    bool give_up(Ticket ticket);
    /// How many groups may be under way: one where the server is near, so that requests gather meanwhile; more where
    /// the way is long. 1 at first.
    void set_flights(std::size_t count) noexcept { flights_allowed_ = count; }
    /// Others need the connection: nothing more is sent on it. Not before a group was: else lanes pass connections on
    /// to one another, and nobody uses them.
    void give_way() noexcept { gives_way_ = used_; }

    /// For the leader.
    Action next();
    std::span<const Request> group() const noexcept { return flights_.back().requests; }
    std::span<const Request> oldest() const noexcept { return flights_.front().requests; }
    void sent() noexcept { flights_.back().sent = true; }
    /// Of oldest(), one reply each.
    void synced(std::span<const Reply> replies);
    /// The connection is gone; those of oldest() that were answered before, if any were. `blameless`: no request can
    /// have killed it.
    void lost(std::span<const Reply> replies, bool blameless = false);
    void connected() noexcept {
        connected_ = true;
        used_ = false;
    }
    void refused();
    void given_back() noexcept { connected_ = used_ = gives_way_ = false; }

    /// Those that are through since the last call, in the order of their groups. Callers that gave up are not among
    /// them.
    std::vector<Finished>& finished() noexcept { return finished_; }

    /// Who waits for an answer.
    std::vector<Ticket> waiting() const;
    bool is_queued(Ticket ticket) const;
    bool has_connection() const noexcept { return connected_; }
    bool led() const noexcept { return leader_ != 0; }
    Ticket leader() const noexcept { return leader_; }
    std::size_t queued() const noexcept { return queue_.size(); }
    std::size_t under_way() const noexcept { return flights_.size(); }
    /// Something is on its way that none of its callers waits for.
    bool drains() const noexcept;

private:
    struct Flight {
        std::vector<Request> requests;
        bool sent = false;
    };
    bool may_send() const;
    void take_group();
    Action pass_on();
    void finish(const Request& request, Outcome outcome);
    void try_again(const Request& request, Outcome otherwise);
    void requeue();
    std::optional<Ticket> newest_waiting() const;

    Limits limits_;
    std::deque<Request> queue_;
    std::deque<Flight> flights_;  // oldest first
    std::vector<Request> again_;  // to be queued once more
    std::vector<Finished> finished_;
    Ticket leader_ = 0;
    bool leader_waits_ = false;  // for its own answer
    std::size_t flights_allowed_ = 1;
    bool connected_ = false;
    bool used_ = false;  // since it was borrowed
    bool gives_way_ = false;
};

}  // namespace stele
