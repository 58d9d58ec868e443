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

/// One connection in pipeline mode. The caller that finds it idle leads: it sends what is queued as one group with one
/// Sync, takes the answers for all, and when its own is in hands the lead to one who still waits. In a group the server
/// stops at the first error: the requests behind it never ran, and are sent again in the next group.
///
/// Not thread-safe: its owner calls it under a lock, and performs I/O outside of it.
class LaneMachine {
public:
    using Ticket = std::uint64_t;

    struct Limits {
        std::size_t queued = 1024;  ///< requests that may wait to be sent
        std::size_t group = 64;     ///< requests that share a Sync
        bool writes = false;  ///< an error undoes the whole group: those before the guilty one are sent again, too
    };
    struct Request {
        Ticket ticket = 0;
        bool repeatable = false;  ///< may be sent again when its connection died and nobody knows whether it ran
    };
    enum class Joined : std::uint8_t { lead, wait, full };

    enum class Do : std::uint8_t {
        send,       // group(), then a Sync, then a flush; answer sent() or lost()
        receive,    // the replies of group(), one a request in its order, then the Sync's; answer each, or lost()
        reconnect,  // answer reconnected(), or refused() with the outcome that the waiting ones get
        hand_over,  // wake `to`: it leads now
        leave       // nobody leads
    };
    struct Action {
        Do what = Do::leave;
        Ticket to = 0;
    };
    enum class Reply : std::uint8_t { good, error, aborted };

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

    /// For the leader.
    Action next();
    std::span<const Request> group() const noexcept { return flight_; }
    void sent() noexcept { sent_ = true; }
    /// To the first of group() that has none yet.
    void replied(Reply reply);
    void synced();
    void lost();
    void reconnected() noexcept { connected_ = true; }
    void refused();

    /// Those that are through since the last call, in the order of their groups. Callers that gave up are not among
    /// them.
    std::vector<Finished> take_finished();

    bool led() const noexcept { return leader_.has_value(); }
    std::size_t queued() const noexcept { return queue_.size(); }
    std::size_t in_flight() const noexcept { return flight_.size(); }

private:
    void finish(const Request& request, Outcome outcome);
    bool waits(Ticket ticket) const;
    std::optional<Ticket> newest_waiting() const;

    Limits limits_;
    std::deque<Request> queue_;
    std::vector<Request> flight_;    // the group under way, in the order it was sent
    std::vector<Reply> replies_;     // so far
    std::vector<Ticket> abandoned_;  // in flight, their callers gone
    std::vector<Finished> finished_;
    std::optional<Ticket> leader_;
    bool leader_waits_ = false;  // for its own answer
    bool sent_ = false;
    bool connected_ = true;
};

}  // namespace stele
