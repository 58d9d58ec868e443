#include "postgres/lane_machine.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace stele {
namespace {

// a request that brings the server down must not do so again and again
constexpr std::uint8_t kMaxTries = 3;

}  // namespace

LaneMachine::Joined LaneMachine::join(Request request) {
    if (queue_.size() >= limits_.queued) return Joined::full;
    queue_.push_back(request);
    if (led()) return Joined::wait;
    leader_ = request.ticket;
    leader_waits_ = true;
    return Joined::lead;
}

bool LaneMachine::give_up(Ticket ticket) {
    const auto is_it = [ticket](const Request& request) { return request.ticket == ticket; };
    if (const auto queued = std::find_if(queue_.begin(), queue_.end(), is_it); queued != queue_.end()) {
        queue_.erase(queued);
    } else {
        for (Flight& flight : flights_) {
            const auto sent = std::find_if(flight.requests.begin(), flight.requests.end(), is_it);
            if (sent != flight.requests.end()) sent->ticket = 0;
        }
    }
    if (leader_ != ticket) return false;
    leader_waits_ = false;
    return true;
}

LaneMachine::Action LaneMachine::next() {
    if (!connected_) {
        // one who waits for nothing does not wait for a connection either
        return leader_waits_ ? Action{Do::connect, 0} : pass_on();
    }
    if (may_send()) {
        take_group();
        return {Do::send, 0};
    }
    if (gives_way_ && flights_.empty()) return {Do::give_back, 0};
    if (leader_waits_) return {Do::receive, 0};
    // what was queued meanwhile is under way by now, so that the server works while the next leader wakes up
    return pass_on();
}

LaneMachine::Action LaneMachine::pass_on() {
    if (const auto heir = newest_waiting()) {
        leader_ = *heir;
        leader_waits_ = true;
        return {Do::hand_over, *heir};
    }
    const bool owed = !flights_.empty();
    flights_.clear();
    leader_ = 0;
    connected_ = used_ = gives_way_ = false;
    return {owed ? Do::drop : Do::leave, 0};
}

bool LaneMachine::may_send() const {
    if (queue_.empty() || gives_way_) return false;
    if (flights_.empty()) return true;
    // one that may have killed a connection shares the next with nobody
    const auto is_suspect = [](const Request& request) { return request.tries > 0; };
    return flights_.size() < flights_allowed_ && !is_suspect(queue_.front()) &&
           !is_suspect(flights_.back().requests.front());
}

void LaneMachine::take_group() {
    const auto is_apart = [](const Request& request) { return request.apart || request.tries > 0; };
    used_ = true;
    Flight& flight = flights_.emplace_back();
    auto end = queue_.begin() + 1;
    if (!is_apart(queue_.front())) {
        const auto limit = queue_.begin() + static_cast<std::ptrdiff_t>(std::min(queue_.size(), limits_.group));
        end = std::find_if(end, limit, is_apart);
    }
    flight.requests.assign(queue_.begin(), end);
    queue_.erase(queue_.begin(), end);
}

void LaneMachine::synced(std::span<const Reply> replies) {
    const Flight flight = std::move(flights_.front());
    flights_.pop_front();
    const auto is_bad = [](Reply reply) { return reply != Reply::good; };
    const bool undone = limits_.writes && std::any_of(replies.begin(), replies.end(), is_bad);
    for (std::size_t i = 0; i < flight.requests.size(); ++i) {
        Request request = flight.requests[i];
        switch (undone && replies[i] == Reply::good ? Reply::aborted : replies[i]) {
            case Reply::good: finish(request, Outcome::answered); break;
            case Reply::error: finish(request, Outcome::refused); break;
            case Reply::again: try_again(request, Outcome::refused); break;
            case Reply::split:
                request.merges = false;
                again_.push_back(request);
                break;
            case Reply::apart:
                request.apart = true;
                again_.push_back(request);
                break;
            case Reply::aborted: again_.push_back(request); break;
        }
    }
    requeue();
}

void LaneMachine::lost(std::span<const Reply> replies, bool blameless) {
    for (const Flight& flight : flights_) {
        for (std::size_t i = 0; i < flight.requests.size(); ++i) {
            const bool oldest = &flight == &flights_.front();
            const auto reply = oldest && i < replies.size() ? std::optional(replies[i]) : std::nullopt;
            const Request& request = flight.requests[i];
            if (reply == Reply::error) {
                finish(request, Outcome::refused);
            } else if (!flight.sent || reply == Reply::aborted || (blameless && request.repeatable)) {
                again_.push_back(request);
            } else if (request.repeatable) {
                try_again(request, Outcome::lost);
            } else {
                finish(request, Outcome::lost);
            }
        }
    }
    flights_.clear();
    connected_ = used_ = gives_way_ = false;
    requeue();
}

void LaneMachine::refused() {
    const auto leads = [this](const Request& request) { return request.ticket == leader_; };
    const auto own = std::find_if(queue_.begin(), queue_.end(), leads);
    if (own == queue_.end()) return;  // it gave up meanwhile
    finish(*own, Outcome::unsent);
    queue_.erase(own);
}

std::vector<LaneMachine::Ticket> LaneMachine::waiting() const {
    std::vector<Ticket> all;
    for (const Flight& flight : flights_) {
        for (const Request& request : flight.requests) {
            if (request.ticket != 0) all.push_back(request.ticket);
        }
    }
    for (const Request& request : queue_) all.push_back(request.ticket);
    return all;
}

bool LaneMachine::is_queued(Ticket ticket) const {
    return std::any_of(queue_.begin(), queue_.end(),
                       [ticket](const Request& request) { return request.ticket == ticket; });
}

bool LaneMachine::drains() const noexcept {
    const auto waits = [](const Request& request) { return request.ticket != 0; };
    return !flights_.empty() && std::none_of(flights_.front().requests.begin(), flights_.front().requests.end(), waits);
}

void LaneMachine::finish(const Request& request, Outcome outcome) {
    if (request.ticket == 0) return;
    finished_.push_back({request.ticket, outcome});
    if (leader_ == request.ticket) leader_waits_ = false;
}

void LaneMachine::try_again(const Request& request, Outcome otherwise) {
    Request next = request;
    if (++next.tries >= kMaxTries) return finish(request, otherwise);
    again_.push_back(next);
}

void LaneMachine::requeue() {
    const auto is_gone = [](const Request& request) { return request.ticket == 0; };
    again_.erase(std::remove_if(again_.begin(), again_.end(), is_gone), again_.end());
    queue_.insert(queue_.begin(), again_.begin(), again_.end());
    again_.clear();
}

std::optional<LaneMachine::Ticket> LaneMachine::newest_waiting() const {
    if (!queue_.empty()) return queue_.back().ticket;
    for (const Flight& flight : std::views::reverse(flights_)) {
        const auto waits = [](const Request& request) { return request.ticket != 0; };
        const auto newest = std::find_if(flight.requests.rbegin(), flight.requests.rend(), waits);
        if (newest != flight.requests.rend()) return newest->ticket;
    }
    return std::nullopt;
}

}  // namespace stele
