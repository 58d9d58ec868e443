// The half of LaneDriver that ends waits before their answers are in.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <thread>

#include "postgres/io_thread.hpp"
#include "postgres/lane_driver.hpp"

namespace stele {

using State = LaneRequest::State;

namespace {

// how long answers that nobody waits for may hold up those behind them
constexpr std::chrono::seconds kPatience{1};

}  // namespace

void LaneDriver::cancel(LaneRequest& request, ErrorInfo error) {
    const auto is_it = [&request](const LaneRequest& other) { return &other == &request; };
    while (request.state.load(std::memory_order_acquire) != State::done && !give_up_if(is_it, error)) {
        std::this_thread::yield();
    }
}

void LaneDriver::cancel_all(const ErrorInfo& error) {
    while (!give_up_if([](const LaneRequest&) { return true; }, error)) std::this_thread::yield();
}

/// False when one of them is pinned, for the microseconds that it takes to write a group.
bool LaneDriver::give_up_if(const std::function<bool(const LaneRequest&)>& wanted, const ErrorInfo& error) {
    News news;
    bool all = true;
    {
        MutexLock lock(mutex_);
        for (const LaneMachine::Ticket ticket : machine_.waiting()) {
            LaneRequest& request = request_of(ticket);
            if (!wanted(request)) continue;
            if (is_pinned(ticket)) {
                all = false;
            } else {
                give_up(request, error, news);
            }
        }
    }
    tell(news);
    return all;
}

Deadline LaneDriver::ring() {
    News news;
    Deadline next;
    {
        MutexLock lock(mutex_);
        const auto at = Deadline::Clock::now();
        for (const LaneMachine::Ticket ticket : machine_.waiting()) {
            LaneRequest& request = request_of(ticket);
            if (!request.deadline.expired(at)) {
                next = std::min(next, request.deadline);
            } else if (is_pinned(ticket)) {
                next = std::min(next, Deadline::at(at + std::chrono::milliseconds(1)));
            } else {
                // not asked here: the pool may be waiting for the watchdog, whose thread this is
                request.lacked_connection = !machine_.has_connection();
                give_up(request, late_error(ticket), news);
            }
        }
        if (machine_.drains()) {
            stuck_ = at >= progress_at_ + kPatience;
            if (stuck_) {
                wake_.wake();
            } else {
                next = std::min(next, Deadline::at(progress_at_ + kPatience));
            }
        }
    }
    // what a completion does must not happen on the watchdog's thread
    for (LaneRequest* request : news.started) io_.complete(*request);
    news.started.clear();
    tell(news);
    return next;
}

bool LaneDriver::is_pinned(LaneMachine::Ticket ticket) const {
    const auto is_it = [ticket](const LaneMachine::Request& request) { return request.ticket == ticket; };
    return sending_ && std::any_of(machine_.group().begin(), machine_.group().end(), is_it);
}

void LaneDriver::give_up(LaneRequest& request, ErrorInfo error, News& news) {
    const LaneMachine::Ticket ticket = ticket_of(request);
    if (!machine_.is_queued(ticket) && !is_repeatable(request)) put_in_doubt(error);
    request.error = std::move(error);
    done(request, news);
    if (machine_.give_up(ticket)) wake_.wake();
}

ErrorInfo LaneDriver::late_error(LaneMachine::Ticket ticket) const {
    if (!machine_.is_queued(ticket)) {
        return make_error(ErrorCode::deadline_exceeded, "the deadline passed before the server answered");
    }
    ErrorInfo error = make_error(
        ErrorCode::deadline_exceeded,
        fmt::format("the deadline passed before the statement was sent: {} wait on its lane, {} groups are under way",
                    machine_.queued(), machine_.under_way()));
    error.retry = Retry::call;
    return error;
}

}  // namespace stele
