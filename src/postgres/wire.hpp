// One physical connection: performs what the connection's machines say.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "postgres/batch_machine.hpp"
#include "postgres/cancel_request.hpp"
#include "postgres/connect_machine.hpp"
#include "postgres/observer.hpp"
#include "postgres/statement_cache.hpp"
#include "postgres/watchdog.hpp"
#include "stele/dsn.hpp"
#include "stele/notification.hpp"
#include "stele/rows.hpp"
#include "stele/statement.hpp"

namespace stele {

/// A libpq connection, driven by the calling thread. Not thread-safe. Once broken() it can only be destroyed.
class Wire {
    struct Command {
        std::size_t statement;         // index, kNone for a close
        StatementCache::Entry* entry;  // null: unnamed
        bool prepares;                 // this command is the Prepare, not the execution
    };

public:
    /// Statements that share one Sync, under way. Reusable, which saves allocations.
    struct Batch {
        std::vector<Rows> answers;  ///< one a statement; those before failed_statement() are good
        ErrorInfo error;            ///< of the first that failed, or of the connection

        /// Whether the Sync was answered; else the connection is broken.
        bool synced() const noexcept { return machine_.synced(); }
        bool succeeded() const noexcept { return machine_.succeeded(); }
        /// The statement that failed; none before the number of answers when the Sync itself did. Those behind it did
        /// not run. Precondition: not succeeded().
        std::size_t failed_statement() const noexcept;

    private:
        friend class Wire;
        std::vector<Command> commands_;
        BatchMachine machine_{0};
        bool plain_ = false;  // outside of pipeline mode
    };

    struct Options {
        Dsn dsn;
        PGconn* lent = nullptr;  // the caller's own connection, instead of making one; outlives the wire
        ConnectMachine::Limits connect;
        std::chrono::milliseconds statement_timeout{0};
        std::size_t max_prepared = 256;
        bool sessionless = false;  // behind a transaction pooler, which refuses startup options
        /// Before the attempt; may start a server of ours. Throws Error to give up.
        std::function<void(Deadline)> before_attempt;
        std::function<Result<void>(Wire&, Deadline)> set_up;
        std::function<void(std::string_view)> notice;
        const Observer* observer = &Observer::nobody();  // outlives the wire
    };

    /// One attempt. `options` and `watchdog` must outlive the wire.
    static Result<std::unique_ptr<Wire>> connect(const Options& options, Watchdog& watchdog, Deadline deadline);
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;
    /// Closes the connection, or gives it back to whoever lent it.
    ~Wire();

    /// Sends the statements in one flush with one Sync and waits for all answers, one a statement. On an error nothing
    /// of the batch happened (outside an explicit transaction), unless the error's in_doubt says otherwise, and the
    /// answers are not to be read.
    /// `first`: one more before them, whose answer nobody wants.
    Result<void> run(std::span<const Statement> statements, std::span<Rows> answers, Deadline deadline,
                     const Statement* first = nullptr);
    Result<Rows> run(const Statement& statement, Deadline deadline);

    // A batch in steps, for those who must not wait here. Several may be under way; they are answered in order.

    /// Sends as much as the socket takes. `only`: no other one is begun before this one is done, which costs a single
    /// statement less. False: the connection is broken.
    bool begin(Batch& batch, std::span<const Statement* const> statements, bool only);
    /// Of the oldest batch under way: goes on as far as possible without waiting. Returns the poll() events to wait
    /// for; 0 when it is done.
    short advance(Batch& batch);
    int socket() const noexcept { return PQsocket(connection_.get()); }
    /// The next notification; nothing at the deadline, which does no harm, or when it is woken.
    Result<std::optional<Notification>> wait_notification(const WakeUp* wake_up, Deadline deadline);
    void drop_notifications() noexcept;
    Result<CancelRequest> cancel_request() { return CancelRequest::of(connection_.get()); }

    bool broken() const noexcept { return broken_; }
    /// A COPY is under way: nothing else can run.
    bool streaming() const noexcept { return streaming_; }
    /// False when the peer has closed it. One system call.
    bool alive() noexcept;
    PGTransactionStatusType transaction_status() const noexcept { return PQtransactionStatus(connection_.get()); }
    int server_version() const noexcept { return PQserverVersion(connection_.get()); }
    int backend_pid() const noexcept { return PQbackendPID(connection_.get()); }
    StatementCache& statements() noexcept { return cache_; }
    /// What a lane has left as the session's lock_timeout; 0: nothing of its own; kChangedSince: something else.
    static constexpr std::chrono::milliseconds kChangedSince{-1};
    std::chrono::milliseconds lock_timeout() const noexcept { return lock_timeout_; }
    void leave_lock_timeout(std::chrono::milliseconds timeout) noexcept { lock_timeout_ = timeout; }

private:
    friend class CopyStream;
    struct Finish {
        void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
    };
    explicit Wire(const Options& options);
    bool enqueue(Batch& batch, std::span<const Statement* const> statements, bool only);
    bool enter(bool pipeline);
    static Result<std::unique_ptr<Wire>> borrow(const Options& options, Watchdog& watchdog, Deadline deadline);
    Result<void> set_up(const Options& options, Watchdog& watchdog, Deadline deadline);
    void give_back() noexcept;
    bool tidy_up();
    bool send(const Statement& statement, const StatementCache::Entry* entry);
    BatchMachine::Do take(Batch& batch);
    ErrorInfo loss(const ErrorInfo& before) const;
    void explain(Batch& batch, std::span<const Statement> statements, bool expired) const;
    void settle_cache(const Batch& batch);

    const Observer& observer_;
    std::unique_ptr<PGconn, Finish> connection_;
    StatementCache cache_;
    std::optional<Watchdog::Watch> watch_;  // gone before the connection is closed
    std::chrono::milliseconds lock_timeout_{0};
    bool lent_ = false;
    bool was_nonblocking_ = false;  // when it was lent
    bool broken_ = false;
    bool streaming_ = false;

    std::deque<Batch*> under_way_;
    bool copying_ = false;

    // kept to save allocations
    Batch batch_;
    std::vector<const Statement*> statements_;
    std::vector<const char*> values_;
    std::vector<int> lengths_;
    std::vector<int> formats_;
};

/// The server lost a prepared statement (a pooler), or its row type changed under it (a migration). It has been
/// forgotten; nothing ran, so the batch can be sent again.
bool is_stale_statement(const ErrorInfo& error);

/// A write was sent, and its answer is missing.
void put_in_doubt(ErrorInfo& error);

}  // namespace stele
