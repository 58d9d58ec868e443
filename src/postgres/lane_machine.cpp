#include "postgres/lane_machine.hpp"

#include <algorithm>
#include <utility>

namespace stele {

LaneMachine::Joined LaneMachine::join(Request request) {
    if (queue_.size() >= limits_.queued) return Joined::full;
    queue_.push_back(request);
    if (leader_) return Joined::wait;
    leader_ = request.ticket;
    leader_waits_ = true;
    return Joined::lead;
}

bool LaneMachine::give_up(Ticket ticket) {
    const auto is_it = [ticket](const Request& request) { return request.ticket == ticket; };
    if (const auto queued = std::find_if(queue_.begin(), queue_.end(), is_it); queued != queue_.end()) {
        queue_.erase(queued);
    } else if (std::any_of(flight_.begin(), flight_.end(), is_it)) {
        abandoned_.push_back(ticket);
    }
    if (leader_ != ticket) return false;
    leader_waits_ = false;
    return true;
}

LaneMachine::Action LaneMachine::next() {
    if (!connected_) {
        // one who waits for nothing does not wait for a connection either
        if (leader_waits_) return {Do::reconnect, 0};
        if (const auto heir = newest_waiting()) {
            leader_ = heir;
            leader_waits_ = true;
            return {Do::hand_over, *heir};
        }
        leader_.reset();
        return {Do::leave, 0};
    }
    if (flight_.empty() && !queue_.empty()) {
        const std::size_t count = std::min(queue_.size(), limits_.group);
        flight_.assign(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count));
        queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count));
        sent_ = false;
        return {Do::send, 0};
    }
    if (!flight_.empty() && !sent_) return {Do::send, 0};
    if (leader_waits_) return {Do::receive, 0};
    // what was queued meanwhile is under way by now, so that the server works while the next leader wakes up
    if (const auto heir = newest_waiting()) {
        leader_ = heir;
        leader_waits_ = true;
        return {Do::hand_over, *heir};
    }
    leader_.reset();
    return {Do::leave, 0};  // what is in flight nobody waits for: the next to join receives it first
}

void LaneMachine::replied(Reply reply) {
    replies_.push_back(reply);
}

void LaneMachine::synced() {
    const bool undone = limits_.writes && std::find(replies_.begin(), replies_.end(), Reply::good) != replies_.end() &&
                        std::find(replies_.begin(), replies_.end(), Reply::error) != replies_.end();
    std::vector<Request> again;
    for (std::size_t i = 0; i < flight_.size(); ++i) {
        switch (undone && replies_.at(i) == Reply::good ? Reply::aborted : replies_.at(i)) {
            case Reply::good: finish(flight_[i], Outcome::answered); break;
            case Reply::error: finish(flight_[i], Outcome::refused); break;
            case Reply::aborted:
                if (waits(flight_[i].ticket)) again.push_back(flight_[i]);
                break;
        }
    }
    queue_.insert(queue_.begin(), again.begin(), again.end());
    flight_.clear();
    replies_.clear();
    abandoned_.clear();
}

void LaneMachine::lost() {
    std::vector<Request> again;
    for (std::size_t i = 0; i < flight_.size(); ++i) {
        const auto reply = i < replies_.size() ? std::optional(replies_[i]) : std::nullopt;
        if (!waits(flight_[i].ticket)) continue;
        if (reply == Reply::error) {
            finish(flight_[i], Outcome::refused);
        } else if (flight_[i].repeatable || reply == Reply::aborted) {
            again.push_back(flight_[i]);
        } else {
            finish(flight_[i], Outcome::lost);
        }
    }
    queue_.insert(queue_.begin(), again.begin(), again.end());
    flight_.clear();
    replies_.clear();
    abandoned_.clear();
    connected_ = false;
}

void LaneMachine::refused() {
    for (const Request& request : queue_) finish(request, Outcome::unsent);
    queue_.clear();
}

std::vector<LaneMachine::Finished> LaneMachine::take_finished() {
    return std::exchange(finished_, {});
}

void LaneMachine::finish(const Request& request, Outcome outcome) {
    if (!waits(request.ticket)) return;
    finished_.push_back({request.ticket, outcome});
    if (leader_ == request.ticket) leader_waits_ = false;
}

bool LaneMachine::waits(Ticket ticket) const {
    return std::find(abandoned_.begin(), abandoned_.end(), ticket) == abandoned_.end();
}

std::optional<LaneMachine::Ticket> LaneMachine::newest_waiting() const {
    if (!queue_.empty()) return queue_.back().ticket;
    const auto newest =
        std::find_if(flight_.rbegin(), flight_.rend(), [this](const Request& one) { return waits(one.ticket); });
    return newest == flight_.rend() ? std::nullopt : std::optional(newest->ticket);
}

}  // namespace stele
