// A connection that the caller has made: used as it is, and given back as it was.
#include <fmt/format.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <string_view>

#include "postgres/wire.hpp"

namespace stele {
namespace {

constexpr std::chrono::seconds kPatience{5};  // of the last statement

Result<void> check_lent(PGconn* connection, const std::string& target) {
    if (PQstatus(connection) != CONNECTION_OK) {
        ErrorInfo lost = make_error(
            ErrorCode::unavailable,
            fmt::format("the connection to {} that was lent to this database is lost; open one on a new connection",
                        target));
        lost.retry = Retry::no;
        lost.poisons_connection = true;
        return fail(std::move(lost));
    }
    const auto refuse = [](std::string_view why) {
        return fail(make_error(ErrorCode::invalid_argument, "the connection cannot be lent: " + std::string(why)));
    };
    if (PQpipelineStatus(connection) != PQ_PIPELINE_OFF) return refuse("it is in pipeline mode; leave that first");
    if (PQtransactionStatus(connection) != PQTRANS_IDLE) {
        return refuse("a transaction or a statement is under way on it; end that first");
    }
    const char* encoding = PQparameterStatus(connection, "client_encoding");
    if (encoding == nullptr || std::string_view(encoding) != "UTF8") {
        return refuse("its client_encoding is not UTF8; call PQsetClientEncoding(connection, \"UTF8\")");
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<Wire>> Wire::borrow(const Options& options, Watchdog& watchdog, Deadline deadline) {
    if (Result<void> fit = check_lent(options.lent, options.dsn.describe()); !fit) return fail(std::move(fit.error()));
    std::unique_ptr<Wire> wire(new Wire(options));
    wire->connection_.reset(options.lent);
    wire->lent_ = true;
    wire->was_nonblocking_ = PQisnonblocking(options.lent) != 0;
    if (Result<void> ready = wire->set_up(options, watchdog, deadline); !ready) return fail(std::move(ready.error()));
    return wire;
}

void Wire::give_back() noexcept {
    bool usable = false;
    try {
        usable = tidy_up();
    } catch (const std::exception&) {
        usable = false;  // out of memory
    }
    watch_.reset();
    PGconn* connection = connection_.release();
    if (usable) {
        PQsetnonblocking(connection, was_nonblocking_ ? 1 : 0);
        return;
    }
    // in the middle of something: it must not look as if it could be used
    ::shutdown(PQsocket(connection), SHUT_RDWR);
    while (PQstatus(connection) == CONNECTION_OK && PQconsumeInput(connection) == 1) {
    }
}

// False: the connection is of no use any more.
bool Wire::tidy_up() {
    PGconn* connection = connection_.get();
    if (broken_ || streaming_ || PQstatus(connection) != CONNECTION_OK) return false;
    if (PQexitPipelineMode(connection) != 1) return false;
    std::string sql;
    if (transaction_status() != PQTRANS_IDLE) sql += "ROLLBACK;";
    for (const std::string& name : cache_.names()) sql += "DEALLOCATE " + name + ";";
    if (sql.empty()) return true;
    PQsetnonblocking(connection, 0);
    watch_->begin(Deadline::after(kPatience));
    PQclear(PQexec(connection, sql.c_str()));
    return !watch_->end() && PQstatus(connection) == CONNECTION_OK && transaction_status() == PQTRANS_IDLE;
}

}  // namespace stele
