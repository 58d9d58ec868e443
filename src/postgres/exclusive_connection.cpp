#include "postgres/exclusive_connection.hpp"

#include <array>

#include "postgres/identifier.hpp"

namespace stele {
inline namespace v0 {
namespace {

// PostgreSQL would cut a longer name, and pg_notify would then refuse the whole one
constexpr std::size_t kMaxChannelBytes = 63;

std::string quote_channel(std::string_view channel) {
    if (channel.size() > kMaxChannelBytes) {
        raise(ErrorCode::invalid_argument, "the channel's name is " + std::to_string(channel.size()) +
                                               " bytes long; the limit is " + std::to_string(kMaxChannelBytes));
    }
    return quote_identifier(channel);
}

}  // namespace

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
    // a cancel that is on its way would hit whoever has the connection next
    const bool may_be_cancelled = gate && !gate->revoke();
    // what an initialiser set would be lost by the reset
    if (may_be_cancelled || database->options.initialize || wire.broken() ||
        wire.transaction_status() != PQTRANS_IDLE || !wire.run(kReset, answers, until)) {
        lease.discard();
    }
}

int Connection::server_version() const noexcept {
    return impl_->lease.wire().server_version();
}

void Connection::perform(std::span<const Statement> statements, std::span<Rows> answers, Deadline deadline) {
    Wire& wire = impl_->lease.wire();
    if (wire.broken()) raise(ErrorCode::closed, "this connection was lost; take a new one from the database");
    const std::uint64_t mark = impl_->cancel_mark();
    const Observer& observer = impl_->database->observer;
    observer.call(Observer::Kind::connection, statements, [&] {
        Result<void> done = wire.run(statements, answers, deadline);
        if (!done && is_stale_statement(done.error()) && wire.transaction_status() == PQTRANS_IDLE) {
            observer.again(Observer::Again::stale);
            done = wire.run(statements, answers, deadline);  // nothing of it ran, and it has been forgotten
        }
        if (!done) raise(impl_->explain(std::move(done.error()), mark));
    });
}

ErrorInfo Connection::Impl::explain(ErrorInfo error, std::uint64_t mark) const {
    if (error.sqlstate == "57014" && gate && gate->used_since(mark)) {
        error.code = ErrorCode::cancelled;
        error.message = "the statement was cancelled through a canceller of its connection";
    }
    return error;
}

void Connection::listen(std::string_view channel, std::optional<Deadline> deadline) {
    execute(Statement(Sql("LISTEN " + quote_channel(channel))), deadline);
}

void Connection::unlisten(std::string_view channel, std::optional<Deadline> deadline) {
    execute(Statement(Sql("UNLISTEN " + quote_channel(channel))), deadline);
}

std::optional<Notification> Connection::wait_notification(Deadline deadline) {
    Wire& wire = impl_->lease.wire();
    if (wire.broken()) raise(ErrorCode::closed, "this connection was lost; take a new one from the database");
    if (wire.streaming()) {
        raise(ErrorCode::invalid_argument, "a copy is under way on this connection; finish it or destroy it first");
    }
    std::optional<Notification> found = value_or_raise(wire.wait_notification(impl_->wake_up.get(), deadline));
    return found;
}

Waker Connection::waker() {
    if (!impl_->wake_up) impl_->wake_up = std::make_shared<WakeUp>();
    return Waker(impl_->wake_up);
}

Canceller Connection::canceller() {
    if (!impl_->gate) impl_->gate = std::make_shared<CancelGate>(value_or_raise(impl_->lease.wire().cancel_request()));
    return Canceller(impl_->gate);
}

Deadline Connection::default_deadline() const {
    return impl_->database->default_deadline();
}

}  // namespace v0
}  // namespace stele
