#include "postgres/connect_machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace stele {

ConnectMachine::Action ConnectMachine::begin(Time now) {
    next_server(now);
    return {Do::start, attempt_};
}

void ConnectMachine::next_server(Time now) {
    attempt_began_ = now;
    attempt_ = std::min(deadline_, Deadline::at(now + limits_.attempt));
}

ConnectMachine::Action ConnectMachine::polled(Poll status, Time now) {
    if (attempt_.expired(now)) return timed_out(now);
    switch (status) {
        case Poll::reading: return {Do::wait_readable, attempt_};
        case Poll::writing: return {Do::wait_writable, attempt_};
        case Poll::ok: break;
    }
    return {Do::set_up, attempt_};
}

ConnectMachine::Action ConnectMachine::timed_out(Time now, bool another) {
    if (another && !deadline_.expired(now)) return begin(now);
    ErrorInfo error;
    error.code = ErrorCode::unavailable;
    error.message = fmt::format("no answer from the server within {} ms",
                                std::chrono::duration_cast<std::chrono::milliseconds>(now - attempt_began_).count());
    error.retry = Retry::call;
    error.poisons_connection = true;
    return failed(std::move(error));
}

ConnectMachine::Action ConnectMachine::set_up(Time) {
    return {Do::use, Deadline::never()};
}

ConnectMachine::Action ConnectMachine::failed(ErrorInfo error) {
    error_ = std::move(error);
    return {Do::give_up, Deadline::never()};
}

}  // namespace stele
