// One physical connection: performs what the connection's machines say.
#pragma once

#include <libpq-fe.h>

#include <cstddef>
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
#include "postgres/statement_cache.hpp"
#include "postgres/watchdog.hpp"
#include "stele/dsn.hpp"
#include "stele/notification.hpp"
#include "stele/rows.hpp"
#include "stele/statement.hpp"

namespace stele {

/// A libpq connection in pipeline mode, driven by the calling thread. Not thread-safe. Once broken() it can only be
/// destroyed.
class Wire {
public:
    struct Options {
        Dsn dsn;
        ConnectMachine::Limits connect;
        std::chrono::milliseconds statement_timeout{0};
        std::size_t max_prepared = 256;
        /// Before each attempt; may start a server of ours. Throws Error to give up.
        std::function<void(Deadline)> before_attempt;
        std::function<Result<void>(Wire&, Deadline)> set_up;
        std::function<void(std::string_view)> notice;
    };

    /// `options` and `watchdog` must outlive the wire. `patient`: keep trying while the server refuses connections.
    static Result<std::unique_ptr<Wire>> connect(const Options& options, Watchdog& watchdog, Deadline deadline,
                                                 bool patient);

    /// Sends the statements in one flush with one Sync and waits for all answers, one a statement. On an error nothing
    /// of the batch happened (outside an explicit transaction), unless the error's in_doubt says otherwise, and the
    /// answers are not to be read.
    Result<void> run(std::span<const Statement> statements, std::span<Rows> answers, Deadline deadline);
    Result<Rows> run(const Statement& statement, Deadline deadline);

    /// The next notification; nothing at the deadline, which does no harm, or when `wake_up` is readable.
    Result<std::optional<Notification>> wait_notification(int wake_up, Deadline deadline);
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

private:
    friend class CopyStream;
    struct Finish {
        void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
    };
    struct Command {
        std::size_t statement;         // index, kNone for a close
        StatementCache::Entry* entry;  // null: unnamed
        bool prepares;                 // this command is the Prepare, not the execution
    };

    explicit Wire(std::size_t max_prepared) : cache_(max_prepared) {}
    bool enqueue(std::span<const Statement> statements);
    bool send(const Statement& statement, const StatementCache::Entry* entry);
    void perform(BatchMachine& machine);
    BatchMachine::Do take(BatchMachine& machine);
    void explain(const BatchMachine& machine, std::span<const Statement> statements);
    void settle_cache(const BatchMachine& machine);

    std::unique_ptr<PGconn, Finish> connection_;
    StatementCache cache_;
    std::optional<Watchdog::Watch> watch_;  // gone before the connection is closed
    bool broken_ = false;
    bool streaming_ = false;

    // of the batch under way; kept to save allocations
    std::vector<Command> commands_;
    std::span<Rows> answers_;
    ErrorInfo error_;
    bool expired_ = false;
    bool copying_ = false;
    std::vector<const char*> values_;
    std::vector<int> lengths_;
    std::vector<int> formats_;
};

/// The server lost a prepared statement (a pooler), or its row type changed under it (a migration). It has been
/// forgotten; nothing ran, so the batch can be sent again.
bool is_stale_statement(const ErrorInfo& error);

}  // namespace stele
