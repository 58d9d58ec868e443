#include "postgres/lane_driver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <thread>
#include <utility>

#include "postgres/io_thread.hpp"
#include "postgres/socket_wait.hpp"

namespace stele {

using Do = LaneMachine::Do;
using Joined = LaneMachine::Joined;
using Outcome = LaneMachine::Outcome;
using State = LaneRequest::State;

namespace {

Deadline::Clock::time_point now() {
    return Deadline::Clock::now();
}

bool is_read_lane(Lane lane) {
    return lane == Lane::read || lane == Lane::slow_read;
}

/// One that says it only reads. It is too late to stop it, but not to say so.
void refuse_a_write(LaneRequest& request) {
    const std::string_view command = request.answers.front().command();
    for (const std::string_view read : {"SELECT", "SHOW", "EXPLAIN", ""}) {
        if (command == read) return;
    }
    request.error =
        make_error(ErrorCode::invalid_argument,
                   fmt::format("a statement that is marked as a read is {} {}; mark it with group_commit() or "
                               "not at all; whether it was done is not known",
                               command.starts_with('I') ? "an" : "a", command));
    request.error->in_doubt = true;
}

}  // namespace

LaneDriver::LaneDriver(Pool& pool, Watchdog& watchdog, IoThread& io, Options options)
    : pool_(pool),
      observer_(*pool.options().observer),
      io_(io),
      options_(options),
      machine_(options.limits),
      lock_timeout_(options.kind, options.lock_timeout, options.keeps_sessions),
      alarm_(watchdog, [this] { return ring(); }) {}

// ---- callers -------------------------------------------------------------------------------------------------------

void LaneDriver::call(LaneRequest& request) {
    switch (join(request)) {
        case Joined::lead: lead_until_over(); break;
        case Joined::wait: wait_and_lead(request); break;
        case Joined::full: break;
    }
    explain(request);
}

void LaneDriver::explain(LaneRequest& request) const {
    if (request.lacked_connection) request.error = pool_.why_late();
}

void LaneDriver::start(LaneRequest& request) {
    switch (join(request)) {
        case Joined::lead: io_.lead(*this); break;
        case Joined::wait: break;
        case Joined::full: request.complete(request); break;
    }
}

Joined LaneDriver::join(LaneRequest& request) {
    const Deadline deadline = request.deadline;  // once it has joined, one that nobody waits for may be gone
    for (;;) {
        const std::uint32_t heard = room_.heard();
        const Joined joined = try_to_join(request);
        if (joined != Joined::full) {
            alarm_.set(deadline);
            if (joined == Joined::wait && sends_at_once_.load(std::memory_order_relaxed)) wake_.wake();
            return joined;
        }
        const bool waits = request.complete == nullptr;
        if (!waits || request.deadline.expired()) {
            ErrorInfo error = make_error(
                waits ? ErrorCode::deadline_exceeded : ErrorCode::pool_exhausted,
                fmt::format("{} statements already wait to be sent on this lane, the most that may{}; send fewer at "
                            "once, or raise max_queued",
                            options_.limits.queued, waits ? ", and the deadline passed before there was room" : ""));
            error.retry = Retry::call;
            request.error = std::move(error);
            return Joined::full;
        }
        room_.wait(heard, Bell::kAll, request.deadline);
    }
}

Joined LaneDriver::try_to_join(LaneRequest& request) {
    const Statement& statement = request.statements.front();
    request.waits_since = observer_.now();
    const bool shares = request.statements.size() == 1 && statement.lane() != Lane::none;
    MutexLock lock(mutex_);
    const Joined joined =
        machine_.join({ticket_of(request), is_repeatable(request), shares && statement.merges(), !shares, 0});
    if (joined == Joined::full) {
        room_wanted_ = true;
        return joined;
    }
    // those who come between two groups are likely answered together
    request.bell = static_cast<std::uint8_t>(groups_ % kBells);
    request.mark = 1U << (joined_++ % 32);
    load_.fetch_add(1, std::memory_order_relaxed);
    return joined;
}

void LaneDriver::wait_and_lead(LaneRequest& request) {
    Bell& bell = bells_[request.bell];
    for (;;) {
        const std::uint32_t heard = bell.heard();
        switch (request.state.load(std::memory_order_acquire)) {
            case State::done: return;
            case State::leads: return lead_until_over();
            case State::waiting: bell.wait(heard, request.mark); break;
        }
    }
}

void LaneDriver::lead_until_over() {
    for (Step step = lead(false); !step.over; step = lead(false)) {
        wait_for(step.socket, step.events, Deadline::never(), &wake_);
    }
}

// ---- who leads -----------------------------------------------------------------------------------------------------

LaneDriver::Step LaneDriver::lead(bool io) {
    if (connecting_) {
        std::optional<Result<Lease>> arrived;
        {
            MutexLock lock(mutex_);
            arrived = std::exchange(arrived_, std::nullopt);
        }
        if (!arrived) return {false, -1, 0};
        connecting_ = false;
        settle_connection(std::move(*arrived));
    }
    for (;;) {
        LaneMachine::Action action;
        Deadline deadline;
        Leaving leaving;
        {
            MutexLock lock(mutex_);
            if (std::exchange(stuck_, false) && lease_) {
                leaving.lease = std::exchange(lease_, std::nullopt);
                leaving.discards = true;
                lose({}, make_error(ErrorCode::unavailable, "the server did not answer; the connection was given up"));
            }
            if (pool_.crowded()) machine_.give_way();
            action = next(io, leaving);
            if (action.what == Do::connect) deadline = request_of(machine_.leader()).deadline;
        }
        leave(leaving);
        if (leaving.over) return {true, -1, 0};
        switch (action.what) {
            case Do::connect:
                tell(news_);  // it may take as long as the leader has time
                if (!connect(deadline, io)) return {false, -1, 0};
                break;
            case Do::send: send(); break;
            case Do::receive:
                // those who are through wake up while the server works for the others
                tell(news_);
                if (const short events = receive()) return {false, lease_->wire().socket(), events};
                break;
            case Do::give_back:
            case Do::hand_over:
            case Do::leave:
            case Do::drop: break;
        }
    }
}

LaneMachine::Action LaneDriver::next(bool io, Leaving& leaving) {
    const LaneMachine::Action action = machine_.next();
    switch (action.what) {
        case Do::send:
            sending_ = true;
            group_.assign(machine_.group().begin(), machine_.group().end());
            ++groups_;
            if (std::exchange(room_wanted_, false)) room_.ring();
            break;
        case Do::give_back:
            machine_.given_back();
            leaving.lease = std::exchange(lease_, std::nullopt);
            break;
        case Do::hand_over: {
            LaneRequest& heir = request_of(action.to);
            const bool io_leads = heir.complete != nullptr;
            if (io && io_leads) break;
            leaving.over = true;
            leaving.news = std::exchange(news_, {});
            leaving.to_io = io_leads;
            leaving.bell = &bells_[heir.bell];
            leaving.mark = heir.mark;
            if (!io_leads) heir.state.store(State::leads, std::memory_order_release);
            break;
        }
        case Do::leave:
        case Do::drop:
            leaving.over = true;
            leaving.news = std::exchange(news_, {});
            if (lease_) {  // else there is one that was given up
                leaving.discards = action.what == Do::drop;
                leaving.lease = std::exchange(lease_, std::nullopt);
            }
            flights_.clear();
            break;
        case Do::connect:
        case Do::receive: break;
    }
    return action;
}

void LaneDriver::leave(Leaving& leaving) {
    if (leaving.lease && leaving.discards) leaving.lease->discard();
    leaving.lease.reset();
    if (!leaving.over) return;
    if (leaving.to_io) {
        io_.lead(*this);
    } else if (leaving.bell != nullptr) {
        leaving.bell->ring(leaving.mark);
    }
    tell(leaving.news);
}

bool LaneDriver::connect(Deadline deadline, bool io) {
    if (io) {
        connecting_ = true;
        io_.connect(*this, deadline);
        return false;
    }
    settle_connection(acquire(deadline));
    return true;
}

void LaneDriver::connect_for_io(Deadline deadline) {
    Result<Lease> lease = acquire(deadline);
    MutexLock lock(mutex_);
    arrived_ = std::move(lease);
}

Result<Lease> LaneDriver::acquire(Deadline deadline) {
    try {
        // its statements may be of those that share a transaction with nothing
        return options_.kind == Lane::none ? acquire_without_lock_timeout(pool_, deadline) : pool_.acquire(deadline);
    } catch (const std::exception& error) {
        return fail(make_error(ErrorCode::resources, fmt::format("no connection could be made: {}", error.what())));
    }
}

void LaneDriver::settle_connection(Result<Lease> lease) {
    if (lease) lease_.emplace(std::move(*lease));
    MutexLock lock(mutex_);
    if (lease) {
        progress_at_ = now();
        machine_.connected();
    } else {
        machine_.refused();
        settle(&lease.error());
    }
}

void LaneDriver::send() {
    if (spare_.empty()) spare_.push_back(std::make_unique<LaneGroup>());
    LaneGroup& group = *spare_.back();
    group.alone = flights_.empty();
    group.only = distance_.flights() == 1;
    flights_.push_back(std::move(spare_.back()));
    spare_.pop_back();
    const bool begun = begin(group);
    std::optional<Lease> lost;
    {
        MutexLock lock(mutex_);
        sending_ = false;
        progress_at_ = group.sent_at;
        if (begun) {
            machine_.sent();
        } else {
            lost = std::exchange(lease_, std::nullopt);
            lose({}, group.batch.error);
        }
    }
    if (lost) lost->discard();
}

bool LaneDriver::begin(LaneGroup& group) {
    try {
        group.compose(group_, merged_, options_.limits.writes, lock_timeout_.before(group, lease_->wire()));
        report_sent();
        group.sent_at = now();
        return lease_->wire().begin(group.batch, group.statements(), group.only);
    } catch (const std::exception& error) {  // memory: somebody must go on leading
        group.sent_at = now();
        group.batch.error = make_error(ErrorCode::resources, fmt::format("nothing could be sent: {}", error.what()));
        return false;
    }
}

short LaneDriver::receive() {
    LaneGroup& group = *flights_.front();
    const short events = lease_->wire().advance(group.batch);
    if (events == 0) take_answers(group);
    return events;
}

void LaneDriver::take_answers(LaneGroup& group) {
    const std::vector<LaneMachine::Reply> replies = group.replies();
    const auto at = now();
    if (group.batch.synced()) lock_timeout_.answered(group, lease_->wire());
    // of a connection that went only this is known to be the fault of one of them
    const bool copied = group.error().code == ErrorCode::invalid_argument;
    std::optional<Lease> lost;
    MutexLock lock(mutex_);
    const std::span<const LaneMachine::Request> asked = machine_.oldest();
    if (group.batch.synced() || copied) {
        for (std::size_t i = 0; i < asked.size(); ++i) {
            if (asked[i].ticket == 0) continue;
            LaneRequest& request = request_of(asked[i].ticket);
            group.deliver(i, replies[i], request);
            if (replies[i] == LaneMachine::Reply::good && is_read_lane(options_.kind)) refuse_a_write(request);
        }
    }
    if (!group.batch.synced()) {
        lost = std::exchange(lease_, std::nullopt);
        lose(copied ? std::span(replies) : std::span<const LaneMachine::Reply>(), group.error());
        return;
    }
    observer_.round_trip(options_.kind, asked.size(), group.sent_at);
    report_again(replies);
    // a commit takes long for the sake of the disk: what waits for it shares the next
    if (!options_.limits.writes) {
        distance_.answered(at - group.sent_at, asked.size(), group.alone, at);
        machine_.set_flights(distance_.flights());
        sends_at_once_.store(distance_.flights() > 1, std::memory_order_relaxed);
    }
    progress_at_ = at;
    machine_.synced(replies);
    settle(nullptr);
    group.clear();
    spare_.push_back(std::move(flights_.front()));
    flights_.pop_front();
}

/// Those of group_, before anybody may give up.
void LaneDriver::report_sent() const {
    if (!observer_.measures()) return;
    for (const LaneMachine::Request& request : group_) {
        observer_.queued(options_.kind, request_of(request.ticket).waits_since);
    }
}

void LaneDriver::report_again(std::span<const LaneMachine::Reply> replies) const {
    using Reply = LaneMachine::Reply;
    if (!observer_.measures()) return;
    const auto is_aborted = [](Reply reply) {
        return reply == Reply::aborted || reply == Reply::split || reply == Reply::apart;
    };
    observer_.again(Observer::Again::aborted,
                    static_cast<std::size_t>(std::count_if(replies.begin(), replies.end(), is_aborted)));
    observer_.again(Observer::Again::stale,
                    static_cast<std::size_t>(std::count(replies.begin(), replies.end(), Reply::again)));
}

void LaneDriver::lose(std::span<const LaneMachine::Reply> replies, const ErrorInfo& error) {
    constexpr std::string_view kAdministrator = "57P01";
    const std::size_t queued = machine_.queued();
    machine_.lost(replies, error.sqlstate == kAdministrator);
    observer_.again(Observer::Again::lost, machine_.queued() - queued);
    settle(&error);
    flights_.clear();
}

/// `error`: of those whose connection is gone, or was not to be had.
void LaneDriver::settle(const ErrorInfo* error) {
    for (const LaneMachine::Finished& finished : machine_.finished()) {
        LaneRequest& request = request_of(finished.ticket);
        switch (finished.outcome) {
            case Outcome::answered:
            case Outcome::refused: break;
            case Outcome::lost:
                request.error = *error;
                if (!is_repeatable(request)) put_in_doubt(*request.error);
                break;
            case Outcome::unsent: request.error = *error; break;
        }
        done(request, news_);
    }
    machine_.finished().clear();
}

void LaneDriver::done(LaneRequest& request, News& news) {
    load_.fetch_sub(1, std::memory_order_relaxed);
    if (request.complete != nullptr) {
        news.started.push_back(&request);
    } else if (machine_.leader() != ticket_of(request)) {
        news.bells |= 1U << request.bell;
    }
    // one that gives up between being handed the lead and waking up must lead all the same: nobody else would
    const bool must_lead = request.complete == nullptr && machine_.leader() == ticket_of(request);
    request.state.store(must_lead ? State::leads : State::done, std::memory_order_release);  // then it may be gone
}

void LaneDriver::tell(News& news) {
    for (std::uint32_t bells = std::exchange(news.bells, 0); bells != 0; bells &= bells - 1) {
        bells_[static_cast<std::size_t>(std::countr_zero(bells))].ring();
    }
    for (LaneRequest* request : news.started) request->complete(*request);
    news.started.clear();
}

}  // namespace stele
