#include "postgres/copy_place.hpp"

#include <array>

#include "postgres/exclusive_connection.hpp"
#include "postgres/transaction_impl.hpp"

namespace stele {
inline namespace v0 {
namespace {

// It counts for the copy as a whole, with all the time that the caller takes between rows; the deadline, which the
// caller can choose, limits a copy. A server that computes for long without a word to a caller who gave up looks by
// itself whether that one is still there. Local settings, so that nothing leaks behind a pooler.
const Statement kLiftLimit(
    "SELECT set_config('statement_timeout', '0', true), set_config('client_connection_check_interval', '2s', true)");
const Statement kAskLimit("SHOW statement_timeout");

Statement restore_limit(const std::string& limit) {
    return {"SELECT set_config('statement_timeout', $1, true)", limit};
}

/// Inside a transaction that somebody else began.
class JoinedCopy {
public:
    template <class Run>
    Rows begin(const Statement* question, Run run) {
        std::vector<Statement> batch{kAskLimit, kLiftLimit};
        if (question != nullptr) batch.push_back(*question);
        std::vector<Rows> answers(batch.size());
        run(batch, answers);
        limit_ = answers[0][0].get<std::string>(0);
        return answers.back();
    }
    Statement restore() const { return restore_limit(limit_); }

private:
    std::string limit_;
};

class ConnectionHost final : public CopyPlace::Host {
public:
    explicit ConnectionHost(Connection::Impl& connection) : connection_(connection) {}

    Wire& wire() override { return connection_.lease.wire(); }
    Deadline default_deadline() const override { return connection_.database->default_deadline(); }

    Rows begin(const Statement* question, Deadline deadline) override {
        if (wire().broken()) raise(ErrorCode::closed, "this connection was lost; take a new one from the database");
        mark_ = connection_.cancel_mark();
        own_ = wire().transaction_status() == PQTRANS_IDLE;
        if (!own_) {
            return joined_.begin(question, [&](std::span<const Statement> batch, std::span<Rows> answers) {
                value_or_raise(wire().run(batch, answers, deadline));
            });
        }
        std::vector<Statement> batch{Statement("BEGIN"), kLiftLimit};
        if (question != nullptr) batch.push_back(*question);
        std::vector<Rows> answers(batch.size());
        Result<void> done = wire().run(batch, answers, deadline);
        if (!done && is_stale_statement(done.error()) && !wire().broken()) {
            roll_back();
            done = wire().run(batch, answers, deadline);  // it has been forgotten
        }
        if (!done) raise(fail(std::move(done.error())));
        return answers.back();
    }

    void succeed(Deadline deadline) override {
        value_or_raise(wire().run(own_ ? Statement("COMMIT") : joined_.restore(), deadline));
    }

    ErrorInfo fail(ErrorInfo error) noexcept override {
        error = connection_.explain(std::move(error), mark_);
        error.in_doubt = false;  // there was no commit
        if (!own_) return error;
        if (wire().broken()) {
            error.message += "; nothing of it was stored";
        } else {
            error.poisons_transaction = false;
            roll_back();
        }
        return error;
    }

private:
    void roll_back() noexcept {
        try {
            Result<Rows> done = wire().run(Statement("ROLLBACK"), Deadline::after(std::chrono::seconds(5)));
            if (!done) connection_.database->log(LogLevel::warning, done.error().message);
        } catch (const std::exception& error) {
            connection_.database->log(LogLevel::warning, error.what());
        }
    }

    Connection::Impl& connection_;
    JoinedCopy joined_;
    std::uint64_t mark_ = 0;
    bool own_ = false;
};

class TransactionHost final : public CopyPlace::Host {
public:
    TransactionHost(Transaction::Impl& transaction, int depth) : transaction_(transaction), depth_(depth) {
        transaction_.check_innermost(depth);
    }

    Wire& wire() override { return transaction_.lease->wire(); }
    Deadline default_deadline() const override { return transaction_.database->default_deadline(); }

    Rows begin(const Statement* question, Deadline deadline) override {
        return joined_.begin(question, [&](std::span<const Statement> batch, std::span<Rows> answers) {
            transaction_.run(batch, answers, depth_, deadline);
        });
    }

    void succeed(Deadline deadline) override {
        // its batch also asks for the transaction's id, without which a lost commit could not be looked up
        const Statement restore = joined_.restore();
        Rows restored;
        transaction_.run(std::span(&restore, 1), std::span(&restored, 1), depth_, deadline);
    }

    ErrorInfo fail(ErrorInfo error) noexcept override {
        transaction_.failed = true;
        return transaction_.explain(std::move(error));
    }

private:
    Transaction::Impl& transaction_;
    int depth_;
    JoinedCopy joined_;
};

}  // namespace

CopyPlace::CopyPlace(Connection& connection) : host_(std::make_unique<ConnectionHost>(*connection.impl_)) {}
CopyPlace::CopyPlace(Transaction& transaction) : host_(std::make_unique<TransactionHost>(*transaction.impl_, 0)) {}
CopyPlace::CopyPlace(Savepoint& savepoint) {
    if (savepoint.transaction_ == nullptr) raise(ErrorCode::closed, "this savepoint is over");
    host_ = std::make_unique<TransactionHost>(*savepoint.transaction_, savepoint.depth_);
}
CopyPlace::CopyPlace(CopyPlace&&) noexcept = default;
CopyPlace& CopyPlace::operator=(CopyPlace&&) noexcept = default;
CopyPlace::~CopyPlace() = default;

}  // namespace v0
}  // namespace stele
