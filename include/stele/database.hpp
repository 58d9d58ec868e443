// The database: what every store stands on.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "stele/canceller.hpp"
#include "stele/cluster.hpp"
#include "stele/dsn.hpp"
#include "stele/error.hpp"
#include "stele/executor.hpp"
#include "stele/export.hpp"
#include "stele/metrics.hpp"
#include "stele/notification.hpp"
#include "stele/trace.hpp"
#include "stele/transaction.hpp"

namespace stele {
inline namespace v0 {

enum class LogLevel : unsigned char { debug, info, warning, error };
/// Called from any thread, possibly concurrently; must not throw. Messages hold no password and no query text.
using LogCallback = std::function<void(LogLevel, std::string_view)>;

struct DatabaseOptions {
    /// A connection string (see Dsn). Empty: the environment's (Dsn::from_environment), else the embedded cluster.
    std::string dsn{};
    /// Where Stele's tables live. Letters, digits and underscores, at most 63 bytes.
    std::string schema = "stele";
    /// Create or update the tables when the database is opened. Off: Error(schema_missing) unless they are there.
    bool migrate = true;
    /// Work without any table of Stele's: neither migrate nor check.
    bool bare = false;

    std::size_t max_connections = 8;  ///< a DSN's own pool size beats it
    std::size_t max_waiters = 1024;   ///< more callers than this waiting for a connection fail at once
    /// Connections that statements of many callers share (Statement::read() and its like), at most so many for each
    /// kind of statement; borrowed from the pool while there is work. 0: none, every call takes a connection of its
    /// own.
    std::size_t lanes = 2;
    std::size_t max_queued = 1024;  ///< statements that may wait to be sent on a lane; more callers wait for room
    /// How long a group commit waits for a row that another session has locked, before that write fails and lets the
    /// others pass. 0: as long as the statement timeout lets it.
    std::chrono::milliseconds lock_timeout{1000};
    std::size_t max_connecting = 4;           ///< connections being made at once; other callers wait for one of them
    std::chrono::seconds max_lifetime{3600};  ///< of a connection; replaced when it is next returned
    std::chrono::seconds max_idle{300};       ///< all connections but one are closed after such a silence; 0: kept
    /// How long an outage may have lasted while calls still wait for its end: see Database. 0: they never wait.
    std::chrono::milliseconds outage_patience{10'000};
    /// What stores keep in memory may be older than the database by this much, and never more: they look for changes
    /// three times as often while they are used, and ask the database whenever they cannot know. On a standby its lag
    /// counts as age, as far as the clocks of the two servers agree. At least 3 ms.
    std::chrono::milliseconds max_staleness{100};
    /// Processes whose stores keep something in memory tell each other of their writes, so that a change is seen within
    /// milliseconds; one connection of the pool listens meanwhile, unless all are needed. max_staleness rests on none
    /// of this. Behind a transaction pooler hints are sent and not heard; a standby has none.
    bool change_hints = true;
    std::chrono::milliseconds connect_timeout{10'000};  ///< of one connection attempt
    std::chrono::milliseconds call_timeout{30'000};     ///< default deadline of a call
    std::chrono::milliseconds statement_timeout{
        60'000};                     ///< server-side limit, for statements whose caller gave up; 0: none
    std::size_t max_prepared = 256;  ///< prepared statements kept per connection; 0: none are named

    /// Behind PgBouncer in transaction mode this must say Pooler::transaction (a DSN's own `pooler` beats it). Then
    /// max_prepared counts as 0, statement_timeout holds inside transactions only (as SET LOCAL; for the rest use ALTER
    /// ROLE ... SET), and what needs a session is Error(invalid_argument): connect(), `initialize`, LISTEN, SET without
    /// LOCAL. Session-level advisory locks and temporary tables cannot be told from other statements: do not use them.
    Pooler pooler = Pooler::none;

    /// Runs once on every new connection, before its first use.
    std::function<void(Executor&)> initialize{};
    LogCallback log{};
    /// Collects what the talk with the server counts and measures (stele/prometheus.hpp has one); null: nobody.
    std::shared_ptr<Metrics> metrics{};
    /// Gets a span for every call that goes to the server (stele/trace.hpp); null: nobody.
    std::shared_ptr<Tracer> tracer{};
    ClusterOptions cluster{};
};

/// Numbers of the pool at one moment.
struct PoolStatus {
    std::size_t idle = 0, in_use = 0, connecting = 0, waiting = 0, maximum = 0;
};

class Connection;

/// A database with a small pool of connections. Copies share the pool, which closes when the last copy (and the last
/// transaction and store made from it) is gone. It keeps one thread, which sleeps until a deadline passes, and for
/// calls that do not wait (stele/async.hpp) two more, and two that follow changes for stores that keep something in
/// memory. Thread-safe, but not usable in a forked child. Recovers by itself
/// when the server comes back: statements that were not sent yet, and repeatable ones, are sent again on a new
/// connection until their deadline; a write whose answer is missing throws Error(unavailable) with in_doubt() set.
///
/// Outages. When a server that was there takes no connection any more, one caller at a time tries again, after pauses
/// that grow from 20 ms to 1 s. During the first `outage_patience` the others wait, until their deadlines: a restart or
/// a failover costs them time and no error. In an outage that has lasted longer, who needs a new connection fails at
/// once with the error of the last attempt, with how often and since when it was tried, while every pause one caller
/// tries; the first that succeeds ends the outage for all. An error that time does not mend (a wrong password) is not
/// waited for. A server that answers but has no free connection leaves callers waiting for those already made. Opening
/// a database waits only for a server that says that it is starting.
class STELE_API Database final : public Executor {
public:
    /// Connects, and migrates unless told otherwise.
    static Database open(DatabaseOptions options = {}, std::optional<Deadline> deadline = {});

    Database(const Database&);
    Database& operator=(const Database&);
    Database(Database&&) noexcept;
    Database& operator=(Database&&) noexcept;
    ~Database() override;

    /// Begins a transaction on a connection of its own, waiting for one if all are in use.
    Transaction begin(TransactionOptions options = {}, std::optional<Deadline> deadline = {});
    /// Runs `work(transaction)` and commits; runs it again while it fails with Retry::transaction, at most `attempts`
    /// times. Returns what `work` returns.
    template <class Work>
    auto transaction(Work&& work, TransactionOptions options = {}, int attempts = 5);

    /// Lends an exclusive connection (session state such as SET is undone when it is returned). Behind a transaction
    /// pooler there is no such thing: Error(invalid_argument).
    Connection connect(std::optional<Deadline> deadline = {});

    const std::string& schema() const noexcept;
    /// The schema, quoted as an SQL identifier.
    const std::string& quoted_schema() const noexcept;
    /// As given, but for `pooler`, where the DSN decides.
    const DatabaseOptions& options() const noexcept;
    /// "user@host:port/database", without a password.
    std::string describe() const;
    PoolStatus pool() const;
    /// The embedded cluster it runs on, or null.
    const Cluster* cluster() const noexcept;

    struct Impl;
    Impl& impl() const noexcept { return *impl_; }
    const std::shared_ptr<Impl>& share_impl() const noexcept { return impl_; }

private:
    explicit Database(std::shared_ptr<Impl> impl);
    void perform(std::span<const Statement> statements, std::span<Rows> answers, Deadline deadline) override;
    Deadline default_deadline() const override;
    bool should_run_again(const Error& error, int attempt, int attempts) const;
    std::shared_ptr<Impl> impl_;
};

/// An exclusive connection, returned to the pool (and reset) when destroyed. Not thread-safe; its Canceller and its
/// Waker are.
class STELE_API Connection final : public Executor {
public:
    Connection(Connection&&) noexcept;
    Connection& operator=(Connection&&) noexcept;
    ~Connection() override;
    /// Of the server, for example 150018.
    int server_version() const noexcept;

    /// Subscribes to a channel, by its name as it is (1 to 63 bytes; it gets quoted), until unlisten() or the end of
    /// the loan. What was sent before is not told.
    void listen(std::string_view channel, std::optional<Deadline> deadline = {});
    void unlisten(std::string_view channel, std::optional<Deadline> deadline = {});
    /// The next notification, in the order in which they came; those that came during other statements are kept, in
    /// memory, until they are asked for here. Nothing when the deadline passes (one that has passed: without waiting)
    /// or a Waker ends the wait; neither harms the connection. None comes while a transaction is open.
    /// Error(unavailable) when the connection was lost: some may have been missed. Take a new one, listen, and look
    /// again at what they would have told. A peer that goes without a word is noticed only if the connection string
    /// asks for it (keepalives_idle, tcp_user_timeout).
    std::optional<Notification> wait_notification(Deadline deadline);
    /// Ends a wait_notification() from another thread.
    Waker waker();
    /// Stops a statement from another thread.
    Canceller canceller();

    struct Impl;

private:
    friend class CopyPlace;
    friend class Database;
    explicit Connection(std::unique_ptr<Impl> impl);
    void perform(std::span<const Statement> statements, std::span<Rows> answers, Deadline deadline) override;
    Deadline default_deadline() const override;
    std::unique_ptr<Impl> impl_;
};

template <class Work>
auto Database::transaction(Work&& work, TransactionOptions options, int attempts) {
    for (int attempt = 1;; ++attempt) {
        try {
            Transaction transaction = begin(options);
            if constexpr (std::is_void_v<decltype(work(transaction))>) {
                work(transaction);
                transaction.commit();
                return;
            } else {
                auto result = work(transaction);
                transaction.commit();
                return result;
            }
        } catch (const Error& error) {
            if (!should_run_again(error, attempt, attempts)) throw;
        }
    }
}

}  // namespace v0
}  // namespace stele
