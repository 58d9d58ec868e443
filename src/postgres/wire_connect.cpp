#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <random>

#include "postgres/host_list.hpp"
#include "postgres/server_error.hpp"
#include "postgres/socket_wait.hpp"
#include "postgres/wire.hpp"

namespace stele {
namespace {

// The connection string's own limit, in libpq's unit and with its minimum.
std::chrono::milliseconds attempt_limit(const Wire::Options& options) {
    constexpr std::chrono::seconds kLeast{2};
    const auto& parameters = options.dsn.parameters();
    const auto given = parameters.find("connect_timeout");
    int seconds = 0;
    if (given != parameters.end()) {
        const std::string& text = given->second;
        std::from_chars(text.data(), text.data() + text.size(), seconds);
    }
    return seconds > 0 ? std::max(std::chrono::seconds(seconds), kLeast) : options.connect.attempt;
}

std::string server_of(const PGconn* connection) {
    const auto text = [](const char* part) { return std::string(part == nullptr ? "" : part); };
    return text(PQhost(connection)) + ":" + text(PQport(connection));
}

std::string startup_options(const Wire::Options& options, const std::string& given) {
    // given in the start-up packet, so that RESET ALL comes back to them
    std::string text = fmt::format("-c statement_timeout={}", options.statement_timeout.count());
    return given.empty() ? text : text + " " + given;
}

PGconn* start_connection(const Wire::Options& options, std::map<std::string, std::string> all) {
    all["client_encoding"] = "UTF8";
    all.emplace("application_name", "stele");
    if (!options.sessionless) all["options"] = startup_options(options, all["options"]);
    std::vector<const char*> names, values;
    for (const auto& [name, value] : all) {
        names.push_back(name.c_str());
        values.push_back(value.c_str());
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
    return PQconnectStartParams(names.data(), values.data(), 0);
}

std::string statement_prefix() {
    std::random_device random;
    return fmt::format("stele_{:08x}{:04x}_", random(), random() & 0xffffu);
}

void drop_notice(void*, const PGresult*) {}

void pass_notice(void* receiver, const PGresult* notice) {
    const auto& call = *static_cast<const std::function<void(std::string_view)>*>(receiver);
    const char* text = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
    if (call && text != nullptr) call(text);
}

ConnectMachine::Poll poll_status(PostgresPollingStatusType status) {
    switch (status) {
        case PGRES_POLLING_WRITING: return ConnectMachine::Poll::writing;
        case PGRES_POLLING_OK: return ConnectMachine::Poll::ok;
        default: return ConnectMachine::Poll::reading;
    }
}

}  // namespace

Wire::Wire(const Options& options) : observer_(*options.observer), cache_(options.max_prepared, statement_prefix()) {}

Wire::~Wire() {
    if (lent_) give_back();
}

Result<void> Wire::set_up(const Options& options, Watchdog& watchdog, Deadline deadline) {
    PGconn* connection = connection_.get();
    if (PQsetnonblocking(connection, 1) != 0 || PQenterPipelineMode(connection) != 1) {
        return fail(connect_error(connection, options.dsn.describe()));
    }
    watch_.emplace(watchdog, PQsocket(connection));
    return options.set_up ? options.set_up(*this, deadline) : Result<void>();
}

Result<std::unique_ptr<Wire>> Wire::connect(const Options& options, Watchdog& watchdog, Deadline deadline) {
    using Do = ConnectMachine::Do;
    if (options.lent != nullptr) return borrow(options, watchdog, deadline);
    const auto now = [] { return Deadline::Clock::now(); };
    const std::string target = options.dsn.describe();
    ConnectMachine::Limits limits = options.connect;
    limits.attempt = attempt_limit(options);
    std::map<std::string, std::string> servers = options.dsn.parameters();
    std::string server;  // the one that libpq is talking to
    ConnectMachine machine(limits, deadline);
    std::unique_ptr<Wire> wire;
    const auto refused = [&] {
        ErrorInfo error = connect_error(wire->connection_.get(), target);
        wire.reset();
        return machine.failed(std::move(error));
    };
    const auto advance = [&] {
        const PostgresPollingStatusType status = PQconnectPoll(wire->connection_.get());
        std::string now_at = server_of(wire->connection_.get());
        if (now_at != server) {
            server = std::move(now_at);
            machine.next_server(now());
        }
        return status == PGRES_POLLING_FAILED ? refused() : machine.polled(poll_status(status), now());
    };
    const auto wait = [&](short events, Deadline until) {
        if (wait_for(PQsocket(wire->connection_.get()), events, until) == Woken::ready) return advance();
        // libpq itself would wait for this server for ever
        const bool another = leave_out_host(servers, PQhost(wire->connection_.get()), PQport(wire->connection_.get()));
        wire.reset();
        return machine.timed_out(now(), another);
    };

    ConnectMachine::Action action = machine.begin(now());
    for (;;) {
        switch (action.what) {
            case Do::start:
                if (options.before_attempt) options.before_attempt(deadline);
                wire.reset(new Wire(options));
                wire->connection_.reset(start_connection(options, servers));
                server = server_of(wire->connection_.get());
                if (!wire->connection_) return fail(make_error(ErrorCode::resources, "out of memory for a connection"));
                // from the first byte on: libpq would write what the server says to standard error
                PQsetNoticeReceiver(wire->connection_.get(), options.notice ? pass_notice : drop_notice,
                                    const_cast<std::function<void(std::string_view)>*>(&options.notice));
                // libpq: behave as if the first poll had said "writing"
                action = PQstatus(wire->connection_.get()) == CONNECTION_BAD
                             ? refused()
                             : machine.polled(ConnectMachine::Poll::writing, now());
                break;
            case Do::wait_readable: action = wait(POLLIN, action.until); break;
            case Do::wait_writable: action = wait(POLLOUT, action.until); break;
            case Do::set_up: {
                Result<void> set_up = wire->set_up(options, watchdog, action.until);
                if (set_up) {
                    action = machine.set_up(now());
                } else {
                    wire.reset();
                    action = machine.failed(std::move(set_up.error()));
                }
                break;
            }
            case Do::use: return wire;
            case Do::give_up: return fail(machine.error());
        }
    }
}

}  // namespace stele
