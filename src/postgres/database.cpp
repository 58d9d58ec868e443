#include "stele/database.hpp"

#include <algorithm>
#include <map>
#include <thread>

#include "postgres/database_impl.hpp"
#include "postgres/exclusive_connection.hpp"
#include "postgres/identifier.hpp"
#include "postgres/server_timeout.hpp"
#include "postgres/sessionless.hpp"
#include "postgres/transaction_impl.hpp"
#include "stele/migrations.hpp"

namespace stele {
inline namespace v0 {
namespace {

Wire::Options wire_options(Database::Impl& impl, Dsn dsn) {
    Wire::Options options;
    options.dsn = std::move(dsn);
    options.connect.attempt = impl.options.connect_timeout;
    options.statement_timeout = impl.options.statement_timeout;
    options.max_prepared = impl.sessionless() ? 0 : impl.options.max_prepared;
    options.sessionless = impl.sessionless();
    if (impl.cluster) {
        options.before_attempt = [&impl](Deadline deadline) { impl.cluster->ensure_running(deadline); };
    }
    if (impl.options.initialize) {
        options.set_up = [&impl](Wire& wire, Deadline deadline) -> Result<void> {
            try {
                WireExecutor executor(wire, deadline);
                impl.options.initialize(executor);
                return {};
            } catch (const Error& error) {
                return fail(error.info());
            }
        };
    }
    options.observer = &impl.observer;
    options.notice = [&impl](std::string_view text) { impl.log(LogLevel::info, text); };
    return options;
}

// What it is called in messages, metrics and traces.
Dsn dsn_of(const PGconn* connection) {
    std::map<std::string, std::string> parameters;
    const auto add = [&parameters](const char* name, const char* value) {
        if (value != nullptr && *value != '\0') parameters.emplace(name, value);
    };
    add("host", PQhost(connection));
    add("port", PQport(connection));
    add("user", PQuser(connection));
    add("dbname", PQdb(connection));
    return Dsn::of(std::move(parameters), 1);
}

ChangeFollower::Options follower_options(const Database::Impl& impl) {
    ChangeFollower::Options options;
    options.quoted_schema = impl.quoted_schema;
    options.bound = impl.options.max_staleness;
    return options;
}

void run_on_lane(Database::Impl& impl, std::span<const Statement> statements, std::span<Rows> answers,
                 Deadline deadline) {
    LaneRequest request;
    request.statements = statements;
    request.answers = answers;
    request.deadline = deadline;
    impl.lanes->choose_for_this_thread(statements.front()).call(request);
    if (request.error) raise(std::move(*request.error));
}

void run_alone(Database::Impl& impl, std::span<const Statement> statements, std::span<Rows> answers,
               Deadline deadline) {
    // a statement that brings the server down must not do so again and again
    constexpr int kMaxSends = 3;
    for (int sends = 1;; ++sends) {
        Lease lease = value_or_raise(impl.pool->acquire(deadline));
        Result<void> done = run_without_lock_timeout(lease.wire(), statements, answers, deadline);
        if (done) return;
        const ErrorInfo& error = done.error();
        // nothing was written, or writing it twice is harmless: the caller need not know
        const bool lost = error.code == ErrorCode::unavailable && error.poisons_connection && !error.in_doubt;
        const bool stale = is_stale_statement(error);
        if (sends == kMaxSends || deadline.expired() || !(lost || stale)) raise(std::move(done.error()));
        impl.observer.again(stale ? Observer::Again::stale : Observer::Again::lost);
    }
}

}  // namespace

void Database::Impl::log(LogLevel level, std::string_view message) const noexcept {
    if (options.log) options.log(level, message);
}

Database::Database(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::Database(const Database&) = default;
Database& Database::operator=(const Database&) = default;
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Database Database::open(DatabaseOptions options, std::optional<Deadline> deadline) {
    return Impl::open(std::move(options), nullptr, deadline);
}

Database Database::Impl::open(DatabaseOptions options, PGconn* lent, std::optional<Deadline> deadline) {
    auto impl = std::make_shared<Impl>();
    impl->options = std::move(options);
    value_or_raise(check_schema_name(impl->options.schema));
    impl->quoted_schema = quote_identifier(impl->options.schema);
    if (impl->options.max_connections == 0) {
        raise(ErrorCode::invalid_argument, "max_connections is 0; a database needs at least one connection");
    }
    if (impl->options.max_staleness < std::chrono::milliseconds(3)) {
        raise(ErrorCode::invalid_argument, "max_staleness is below 3 ms; stores would do nothing but look for changes");
    }
    const Deadline until =
        deadline ? *deadline : Deadline::after(std::max(impl->options.call_timeout, std::chrono::milliseconds(60'000)));
    std::optional<Dsn> dsn;
    if (lent != nullptr) {
        dsn = dsn_of(lent);
    } else {
        dsn = impl->options.dsn.empty() ? Dsn::from_environment() : std::optional(Dsn::parse(impl->options.dsn));
    }
    if (!dsn) {
        impl->cluster = Cluster::start(impl->options.cluster, until);
        dsn = impl->cluster->dsn();
    }
    impl->target = dsn->describe();
    impl->options.pooler = dsn->pooler().value_or(impl->options.pooler);
    if (lent != nullptr && impl->options.initialize) {
        raise(ErrorCode::invalid_argument, "initialize prepares sessions; prepare the connection before it is lent");
    }
    if (impl->sessionless() && impl->options.initialize) {
        raise(ErrorCode::invalid_argument,
              "initialize prepares a session, which a transaction pooler (pooler=transaction) does not give; use ALTER "
              "ROLE ... SET, or connect directly");
    }
    impl->observer = Observer(impl->options.metrics, impl->options.tracer, *dsn);
    PoolMachine::Limits limits;
    limits.maximum = dsn->pool_size().value_or(impl->options.max_connections);
    limits.max_waiters = impl->options.max_waiters;
    limits.max_connecting = std::max<std::size_t>(impl->options.max_connecting, 1);
    limits.max_lifetime = impl->options.max_lifetime;
    limits.max_idle = impl->options.max_idle;
    limits.outage.patience = impl->options.outage_patience;
    limits.outage.trusts = impl->cluster.has_value();
    Wire::Options wires = wire_options(*impl, std::move(*dsn));
    wires.lent = lent;
    impl->pool.emplace(limits, std::move(wires));
    if (impl->options.lanes > 0) {
        Lanes::Options lanes;
        lanes.each = std::min(impl->options.lanes, limits.maximum);
        lanes.queued = std::max<std::size_t>(impl->options.max_queued, 1);
        lanes.lock_timeout = impl->options.lock_timeout;
        // a reset would undo what an initialiser has set
        lanes.keeps_sessions = impl->owns_sessions() && !impl->options.initialize;
        impl->lanes.emplace(*impl->pool, impl->pool->watchdog(), lanes);
    }
    const auto run = [&own = *impl](const Statement& statement, Deadline by) {
        Rows rows;
        own.perform(std::span(&statement, 1), std::span(&rows, 1), by);
        return rows;
    };
    const auto warn = [&own = *impl](std::string_view text) { own.log(LogLevel::warning, text); };
    if (impl->options.change_hints) {
        impl->hints.emplace(run, impl->owns_sessions() ? &*impl->pool : nullptr, warn, impl->observer);
    }
    impl->changes.emplace(follower_options(*impl), run, warn, impl->observer, impl->hints ? &*impl->hints : nullptr);
    impl->lease(until);  // so that an unreachable server is reported here

    Database database(std::move(impl));
    if (!database.options().bare) {
        if (database.options().migrate) {
            stele::migrate(database, until);
        } else {
            check_migrated(database, until);
        }
    }
    return database;
}

Database Database::Impl::beside(Deadline deadline) const {
    if (lent()) {
        raise(ErrorCode::invalid_argument,
              "this takes a connection of its own, and the database has but the one that was lent to it; do it once "
              "with a database that makes its connections, or with the stele command");
    }
    DatabaseOptions alone = options;
    alone.bare = true;
    alone.max_prepared = 0;
    alone.statement_timeout = std::chrono::milliseconds(std::stoll(server_timeout(deadline)));
    return Database::open(std::move(alone), deadline);
}

Lease Database::Impl::lease(Deadline deadline) {
    return value_or_raise(acquire_without_lock_timeout(*pool, deadline));
}

void Database::Impl::perform(std::span<const Statement> statements, std::span<Rows> answers, Deadline deadline) {
    if (sessionless()) value_or_raise(check_sessionless(statements));
    observer.call(Observer::kind_of(statements), statements, [&] {
        if (lanes && statements.size() == 1 && statements.front().lane() != Lane::none) {
            run_on_lane(*this, statements, answers, deadline);
        } else {
            run_alone(*this, statements, answers, deadline);
        }
    });
}

void Database::perform(std::span<const Statement> statements, std::span<Rows> answers, Deadline deadline) {
    impl_->perform(statements, answers, deadline);
}

Deadline Database::default_deadline() const {
    return impl_->default_deadline();
}

Transaction Database::begin(TransactionOptions options, std::optional<Deadline> deadline) {
    const Deadline until = deadline ? *deadline : default_deadline();
    return Transaction(
        std::make_unique<Transaction::Impl>(impl_, value_or_raise(impl_->pool->acquire(until)), options));
}

Connection Database::connect(std::optional<Deadline> deadline) {
    if (impl_->sessionless()) {
        raise(ErrorCode::invalid_argument,
              "a connection of one's own has no session behind a transaction pooler (pooler=transaction); use a "
              "transaction, or connect to the server directly");
    }
    if (impl_->lent()) {
        raise(ErrorCode::invalid_argument,
              "this database has but the connection that was lent to it, whose session is its owner's; use a "
              "transaction, or open a database that makes its connections");
    }
    const Deadline until = deadline ? *deadline : default_deadline();
    return Connection(std::make_unique<Connection::Impl>(impl_, impl_->lease(until)));
}

bool Database::should_run_again(const Error& error, int attempt, int attempts) const {
    if (error.retry() != Retry::transaction || attempt >= attempts) return false;
    impl_->observer.transaction_again();
    std::this_thread::sleep_for(std::chrono::milliseconds(1 << std::min(attempt, 6)));
    return true;
}

const std::string& Database::schema() const noexcept {
    return impl_->options.schema;
}
const std::string& Database::quoted_schema() const noexcept {
    return impl_->quoted_schema;
}
const DatabaseOptions& Database::options() const noexcept {
    return impl_->options;
}
std::string Database::describe() const {
    return impl_->target;
}
PoolStatus Database::pool() const {
    return impl_->pool->status();
}
const Cluster* Database::cluster() const noexcept {
    return impl_->cluster ? &*impl_->cluster : nullptr;
}

}  // namespace v0
}  // namespace stele
