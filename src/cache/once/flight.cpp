#include "cache/once/flight.hpp"

#include <fmt/format.h>

namespace stele {

/// Counts among those who want the answer.
class Flight::Waiting {
public:
    Waiting(Flight& flight, Deadline deadline, bool reads) : flight_(flight), reads_(reads ? 1 : 0) {
        flight_.readers_ += reads_;
        MutexLock lock(flight_.mutex_);
        place_ = flight_.patience_.insert(deadline);
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() {
        flight_.readers_ -= reads_;
        MutexLock lock(flight_.mutex_);
        flight_.patience_.erase(place_);
    }

private:
    Flight& flight_;
    const std::size_t reads_;
    std::multiset<Deadline>::iterator place_;
};

void Flight::succeed(std::shared_ptr<const SharedAnswer> answer) {
    stream_.end();
    load_.succeed(std::move(answer));
}

void Flight::fail() {
    stream_.end();
    load_.fail();
}

void Flight::leave() noexcept {
    try {
        raise(ErrorCode::cancelled, "the caller that would have computed the answer gave it up");
    } catch (...) {
        fail();
    }
}

std::shared_ptr<const SharedAnswer> Flight::follow(Deadline deadline, const AnswerReader& reader) {
    if (loader_ == std::this_thread::get_id()) {
        raise(ErrorCode::invalid_argument, fmt::format("what computes {} asks for that answer itself", what_));
    }
    const Waiting waiting(*this, deadline, reader != nullptr);
    std::size_t read = 0;
    if (reader && !stream_.read(reader, deadline, read)) {
        raise(
            ErrorCode::deadline_exceeded,
            fmt::format("the deadline passed while another caller computed {}; {} bytes of it were read", what_, read));
    }
    if (read == 0) {
        const auto answer = load_.wait(what_, deadline);
        return answer ? *answer : nullptr;
    }
    return wait(deadline, read);
}

// What was read cannot be taken back, so nobody else's attempt may follow it.
std::shared_ptr<const SharedAnswer> Flight::wait(Deadline deadline, std::size_t read) {
    ErrorInfo info;
    std::exception_ptr cause;
    try {
        if (const auto answer = load_.wait(what_, deadline)) return *answer;
        info = make_error(ErrorCode::cancelled, "it was given up");
    } catch (const Error& error) {
        info = error.info();
        cause = std::current_exception();
    } catch (const std::exception& error) {
        info = make_error(ErrorCode::unavailable, error.what());
        cause = std::current_exception();
    } catch (...) {
        info = make_error(ErrorCode::unavailable, "something that is no exception");
        cause = std::current_exception();
    }
    info.message = fmt::format("{} failed after {} bytes had been read; what was read is no answer: {}", what_, read,
                               info.message);
    info.retry = Retry::call;
    throw IncompleteAnswer(std::move(info), read, cause);
}

std::optional<Deadline> Flight::patience() const {
    MutexLock lock(mutex_);
    if (patience_.empty()) return std::nullopt;
    return *patience_.rbegin();
}

Flights::Lead::~Lead() {
    if (!flight_) return;
    const bool left = !landed_;
    land();
    if (left) flight_->leave();
}

void Flights::Lead::land() noexcept {
    if (std::exchange(landed_, true)) return;
    MutexLock lock(all_->mutex_);
    all_->flights_.erase(key_);
}

Flights::Joined Flights::join(const std::string& key, std::string what, Deadline deadline, std::thread::id loader) {
    MutexLock lock(mutex_);
    std::shared_ptr<Flight>& flight = flights_[key];
    Joined joined;
    if (!flight) {
        flight = std::make_shared<Flight>(std::move(what), deadline, loader);
        joined.lead.emplace(*this, key, flight);
    }
    joined.flight = flight;
    return joined;
}

}  // namespace stele
