#include "postgres/copy_stream.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "postgres/result_data.hpp"
#include "postgres/server_error.hpp"
#include "postgres/socket_wait.hpp"

namespace stele {
namespace {

// libpq's own buffer grows to the largest piece that it is given, and stays so
constexpr std::size_t kPieceBytes = 65536;

// While data goes in, libpq does not look at what comes back: an error would be seen only at the end of the data,
// however much of it there is. An ErrorResponse begins with 'E', a length and a field 'S'. Under TLS it cannot be seen.
bool has_refused(int socket) {
    char start[6];
    return ::recv(socket, start, sizeof start, MSG_PEEK | MSG_DONTWAIT) == sizeof start && start[0] == 'E' &&
           start[5] == 'S';
}

// "COPY entries, line 3, column body": the outermost context, hence the last line
std::string place_of(const PGresult* result) {
    const char* context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    if (context == nullptr) return "";
    const std::string_view text = context;
    const std::size_t newline = text.rfind('\n');
    return " (" + std::string(newline == std::string_view::npos ? text : text.substr(newline + 1)) + ")";
}

}  // namespace

Result<std::size_t> CopyStream::begin(std::string_view sql, Way way, Deadline deadline) {
    machine_.emplace();
    wire_.streaming_ = true;
    // not the extended protocol, although it refuses several commands in a text: there the command's own Sync stands
    // before the data, and an error that comes before the server has read it would be answered with one reply too many
    if (PQexitPipelineMode(connection()) != 1 || PQsendQuery(connection(), std::string(sql).c_str()) != 1) {
        ErrorInfo error = lost();
        break_wire();
        return fail(std::move(error));
    }
    if (Result<void> done = turn(machine_->begin(), deadline); !done) return fail(std::move(done.error()));
    if (Result<void> checked = check_opening(way); !checked) {
        abort(deadline);
        return fail(std::move(checked.error()));
    }
    return columns_;
}

Result<void> CopyStream::check_opening(Way way) {
    const auto refused = [](const char* why) { return fail(make_error(ErrorCode::invalid_argument, why)); };
    if (!machine_) return refused("the statement is not a COPY between the client and a table");
    if (machine_->way() != way) {
        return refused(way == Way::in ? "the statement is not a COPY ... FROM STDIN"
                                      : "the statement is not a COPY ... TO STDOUT");
    }
    if (!binary_) return refused("the COPY is not binary; write (FORMAT binary) at its end");
    return {};
}

Result<void> CopyStream::put(std::string_view data, Deadline deadline) {
    while (!data.empty()) {
        piece_ = data.substr(0, kPieceBytes);
        data.remove_prefix(piece_.size());
        if (Result<void> done = turn(machine_->put(), deadline); !done) return done;
        if (machine_->state() == CopyMachine::State::refused) {
            Result<std::uint64_t> why = finish(deadline);
            return fail(why ? make_error(ErrorCode::internal, "a copy that was refused ended well")
                            : std::move(why.error()));
        }
    }
    return {};
}

Result<std::optional<std::string_view>> CopyStream::get(Deadline deadline) {
    if (Result<void> done = turn(machine_->get(), deadline); !done) return fail(std::move(done.error()));
    if (!machine_) return std::nullopt;
    return std::string_view(data_.get(), data_size_);
}

Result<std::uint64_t> CopyStream::finish(Deadline deadline) {
    if (PQputCopyEnd(connection(), nullptr) != 1) {
        ErrorInfo error = lost();
        break_wire();
        return fail(std::move(error));
    }
    if (Result<void> done = turn(machine_->close(), deadline); !done) return fail(std::move(done.error()));
    return rows_;
}

void CopyStream::abort(Deadline deadline) noexcept {
    if (!machine_) return;
    try {
        const bool in = machine_->way() == Way::in;
        const auto ask_to_stop = [this] {
            Result<CancelRequest> request = wire_.cancel_request();
            return request && request->send();
        };
        if (in ? PQputCopyEnd(connection(), "the copy was given up") == 1 : ask_to_stop()) {
            // that the server reports the end as an error is what was asked for
            static_cast<void>(turn(in ? machine_->close() : machine_->discard(), deadline));
        }
    } catch (const std::exception&) {
        break_wire();  // out of memory for the error
    }
    if (machine_) break_wire();
}

Result<void> CopyStream::turn(Do first, Deadline deadline) {
    wire_.watch_->begin(deadline);
    for (Do next = first; next != Do::rest;) next = perform(next);
    const bool expired = wire_.watch_->end();
    using State = CopyMachine::State;
    const State state = machine_->state();
    const bool failed = machine_->failed();
    if (state == State::over) leave();
    if (expired) break_wire();
    if (failed && state == State::over) return fail(std::exchange(error_, ErrorInfo()));
    if (state == State::over) return {};
    if (expired) {
        ErrorInfo error = make_error(ErrorCode::deadline_exceeded, "the deadline passed during the copy");
        error.poisons_transaction = error.poisons_connection = true;
        return fail(std::move(error));
    }
    if (state == State::lost) {
        ErrorInfo error = lost();
        break_wire();
        return fail(std::move(error));
    }
    return {};
}

CopyStream::Do CopyStream::perform(Do what) {
    switch (what) {
        case Do::wait: return wait();
        case Do::listen: {
            using Heard = CopyMachine::Heard;
            return machine_->heard(has_refused(PQsocket(connection())) ? Heard::refusal : Heard::other);
        }
        case Do::offer:
            // 0 means that there is no memory; whether the socket takes it is not asked here
            return PQputCopyData(connection(), piece_.data(), static_cast<int>(piece_.size())) == 1
                       ? machine_->offered()
                       : machine_->lost();
        case Do::consume: return PQconsumeInput(connection()) == 1 ? machine_->consumed() : machine_->lost();
        case Do::flush: {
            const int left = PQflush(connection());
            return left < 0 ? machine_->lost() : machine_->flushed(left == 0);
        }
        case Do::take: return PQisBusy(connection()) != 0 ? machine_->busy() : take();
        case Do::fetch: return fetch();
        case Do::rest: break;
    }
    return Do::rest;
}

CopyStream::Do CopyStream::wait() {
    // without a limit: the watchdog ends it
    pollfd entry{PQsocket(connection()), static_cast<short>(machine_->wants_to_write() ? POLLIN | POLLOUT : POLLIN), 0};
    poll_until(std::span(&entry, 1), Deadline::never());
    return machine_->woke((entry.revents & ~POLLOUT) != 0);
}

CopyStream::Do CopyStream::take() {
    using Reply = CopyMachine::Reply;
    const std::unique_ptr<PGresult, detail::ResultData::Clear> result(PQgetResult(connection()));
    if (!result) return PQstatus(connection()) == CONNECTION_OK ? machine_->reply(Reply::end) : machine_->lost();
    switch (PQresultStatus(result.get())) {
        case PGRES_COPY_IN:
        case PGRES_COPY_OUT:
            columns_ = static_cast<std::size_t>(PQnfields(result.get()));
            binary_ = PQbinaryTuples(result.get()) == 1;
            return machine_->reply(PQresultStatus(result.get()) == PGRES_COPY_IN ? Reply::copy_in : Reply::copy_out);
        case PGRES_COMMAND_OK: {
            const char* text = PQcmdTuples(result.get());
            std::from_chars(text, text + std::strlen(text), rows_);
            return machine_->reply(Reply::good);
        }
        case PGRES_TUPLES_OK:
        case PGRES_EMPTY_QUERY: return machine_->reply(Reply::good);
        default: break;
    }
    if (!machine_->failed()) {
        error_ = result_error(result.get(), "the server refused the copy");
        error_.server_message += place_of(result.get());
    }
    // a connection that died reports itself as a result without an SQLSTATE
    if (PQstatus(connection()) == CONNECTION_BAD) return machine_->lost();
    return machine_->reply(Reply::error);
}

CopyStream::Do CopyStream::fetch() {
    using Fetched = CopyMachine::Fetched;
    char* data = nullptr;
    const int size = PQgetCopyData(connection(), &data, 1);
    data_.reset(data);
    data_size_ = static_cast<std::size_t>(std::max(size, 0));
    if (size > 0) return machine_->fetched(Fetched::data);
    if (size == 0) return machine_->fetched(Fetched::nothing);
    return machine_->fetched(size == -1 ? Fetched::end : Fetched::failed);
}

void CopyStream::leave() {
    machine_.reset();
    wire_.streaming_ = false;
    if (PQenterPipelineMode(connection()) != 1) wire_.broken_ = true;
}

void CopyStream::break_wire() {
    machine_.reset();
    wire_.streaming_ = false;
    wire_.broken_ = true;
}

ErrorInfo CopyStream::lost() const {
    ErrorInfo error = lost_error(connection());
    // what the server said before it went is worth more than "closed the connection unexpectedly"
    if (!error_.sqlstate.empty()) {
        error.sqlstate = error_.sqlstate;
        error.server_message = error_.server_message;
    }
    return error;
}

}  // namespace stele
