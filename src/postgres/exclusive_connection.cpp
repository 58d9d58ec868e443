#include "postgres/exclusive_connection.hpp"

#include <array>

namespace stele {
inline namespace v0 {

Connection::Connection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;

Connection::~Connection() = default;

Connection::Impl::~Impl() {
    // as DISCARD ALL does, except that prepared statements stay; DISCARD ALL cannot run in a batch
    static const std::array<Statement, 6> kReset = {Statement("SET SESSION AUTHORIZATION DEFAULT"),
                                                    Statement("RESET ALL"),
                                                    Statement("CLOSE ALL"),
                                                    Statement("UNLISTEN *"),
                                                    Statement("SELECT pg_advisory_unlock_all()"),
                                                    Statement("DISCARD TEMP")};
    std::array<Rows, kReset.size()> answers;
    Wire& wire = lease.wire();
    const Deadline until = Deadline::after(std::chrono::seconds(5));
    // what an initialiser set would be lost by the reset
    if (database->options.initialize || wire.broken() || wire.transaction_status() != PQTRANS_IDLE ||
        !wire.run(kReset, answers, until)) {
        lease.discard();
    }
}

int Connection::server_version() const noexcept {
    return impl_->lease.wire().server_version();
}

void Connection::perform(std::span<const Statement> statements, std::span<Rows> answers, Deadline deadline) {
    Wire& wire = impl_->lease.wire();
    if (wire.broken()) raise(ErrorCode::closed, "this connection was lost; take a new one from the database");
    const Observer& observer = impl_->database->observer;
    observer.call(Observer::Kind::connection, statements, [&] {
        Result<void> done = wire.run(statements, answers, deadline);
        if (!done && is_stale_statement(done.error()) && wire.transaction_status() == PQTRANS_IDLE) {
            observer.again(Observer::Again::stale);
            done = wire.run(statements, answers, deadline);  // nothing of it ran, and it has been forgotten
        }
        value_or_raise(std::move(done));
    });
}

Deadline Connection::default_deadline() const {
    return impl_->database->default_deadline();
}

}  // namespace v0
}  // namespace stele
