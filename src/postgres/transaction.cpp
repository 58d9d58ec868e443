#include "stele/transaction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>

#include "postgres/sessionless.hpp"
#include "postgres/transaction_impl.hpp"

namespace stele {
inline namespace v0 {
namespace {

std::string begin_text(const TransactionOptions& options) {
    std::string text = "BEGIN ISOLATION LEVEL ";
    switch (options.isolation) {
        case Isolation::read_committed: text += "READ COMMITTED"; break;
        case Isolation::repeatable_read: text += "REPEATABLE READ"; break;
        case Isolation::serializable: text += "SERIALIZABLE"; break;
    }
    text += options.read_only ? " READ ONLY" : " READ WRITE";
    if (options.deferrable) text += " DEFERRABLE";
    return text;
}

std::string savepoint_name(int depth) {
    return fmt::format("stele_{}", depth);
}

}  // namespace

Transaction::Impl::Impl(std::shared_ptr<Database::Impl> owner, Lease lent, const TransactionOptions& options)
    : database(std::move(owner)), lease(std::move(lent)), read_only(options.read_only) {
    pending.emplace_back(Sql(begin_text(options)));
    const auto limit = database->options.statement_timeout;
    if (!database->owns_sessions() && limit.count() > 0) {
        pending.emplace_back(Sql(fmt::format("SET LOCAL statement_timeout = {}", limit.count())));
    }
    if (lease->wire().lock_timeout().count() != 0) {
        pending.emplace_back("SET LOCAL lock_timeout TO DEFAULT");
        lease->wire().leave_lock_timeout(Wire::kChangedSince);  // the caller may set it, for the session too
    }
}

void Transaction::Impl::check_innermost(int at_depth) const {
    if (!lease) raise(ErrorCode::closed, "the transaction is over; begin a new one");
    if (at_depth != depth) {
        raise(ErrorCode::invalid_argument, at_depth < depth
                                               ? "an inner savepoint is still open; release it or roll it back first"
                                               : "this savepoint is over");
    }
    check_no_copy();
}

void Transaction::Impl::check_no_copy() const {
    if (lease->wire().streaming()) {
        raise(ErrorCode::invalid_argument, "a copy is under way in this transaction; finish it or destroy it first");
    }
}

ErrorInfo Transaction::Impl::explain(ErrorInfo error) const {
    if (lease->wire().broken()) {
        // nothing was committed, so nothing is in doubt
        error.in_doubt = false;
        if (error.code == ErrorCode::unavailable) {
            error.retry = Retry::transaction;
            error.message = "the connection was lost inside the transaction, which is rolled back; run it again";
        } else if (error.code == ErrorCode::deadline_exceeded) {
            error.message = "the deadline passed inside the transaction, which is rolled back";
        }
    } else if (is_stale_statement(error)) {
        error.retry = Retry::transaction;  // it has been forgotten, and will be prepared anew
    }
    return error;
}

void Transaction::Impl::perform(std::span<const Statement> statements, std::span<Rows> answers, int at_depth,
                                Deadline deadline) {
    static const Statement kAskId(
        "SELECT pg_current_xact_id_if_assigned()::text, pg_stat_get_bgwriter_stat_reset_time()");
    check_innermost(at_depth);
    if (failed)
        raise(ErrorCode::invalid_argument, "a statement of this transaction failed; only a rollback is possible");
    last_call = deadline;

    if (database->sessionless()) value_or_raise(check_sessionless(statements));
    // the id must be known before COMMIT is sent, or a lost commit could not be looked up; asking rides along
    const bool ask_id = !read_only && xid.empty();
    const std::size_t before = pending.size();
    std::vector<Rows> all;
    Result<void> done;
    if (before == 0 && !ask_id) {
        done = lease->wire().run(statements, answers, deadline);
    } else {
        std::vector<Statement> batch = std::move(pending);
        pending.clear();
        batch.insert(batch.end(), statements.begin(), statements.end());
        if (ask_id) batch.push_back(kAskId);
        pending_begin = false;
        all.resize(batch.size());
        done = lease->wire().run(batch, all, deadline);
    }
    if (!done) {
        failed = true;
        raise(explain(std::move(done.error())));
    }
    if (all.empty()) return;
    if (ask_id) {
        xid = all.back()[0].find<std::string>(0).value_or("");
        unbroken_since = all.back()[0].find<Timestamp>(1);
    }
    std::move(all.begin() + static_cast<std::ptrdiff_t>(before), all.end() - (ask_id ? 1 : 0), answers.begin());
}

void Transaction::Impl::commit(Deadline deadline) {
    check_innermost(0);
    if (failed) raise(ErrorCode::invalid_argument, "a statement of this transaction failed; it cannot be committed");
    if (!begun()) {
        lease.reset();
        return;
    }
    database->observer.call(Observer::Kind::commit, {}, [&] { perform_commit(deadline); });
}

void Transaction::Impl::perform_commit(Deadline deadline) {
    using Do = CommitMachine::Do;
    using Doubt = Observer::Doubt;
    static const Statement kCommit("COMMIT");
    const auto now = [] { return Deadline::Clock::now(); };
    std::vector<Statement> statements = closing_statements();
    statements.push_back(kCommit);
    CommitMachine machine(!xid.empty(), deadline);
    CommitMachine::Action action = machine.begin();
    for (;;) {
        switch (action.what) {
            case Do::commit: {
                std::vector<Rows> answers(statements.size());
                Result<void> done = lease->wire().run(statements, answers, deadline);
                const bool lost = lease->wire().broken();
                if (!done && !lost) {
                    done = fail(explain(std::move(done.error())));
                    if (statements.size() > 1) undo();  // it may not have come to the COMMIT
                }
                lease.reset();
                if (done && answers.back().command() == "ROLLBACK") {
                    action = machine.refused(make_error(ErrorCode::server, "the server rolled the transaction back"));
                } else if (done) {
                    action = machine.committed();
                } else if (lost) {
                    database->log(LogLevel::warning,
                                  "connection lost during a commit; asking the server for its outcome");
                    action = machine.lost(std::move(done.error()), now());
                } else {
                    action = machine.refused(std::move(done.error()));
                }
                break;
            }
            case Do::ask: try { action = machine.status(ask_status(deadline), now());
                } catch (const Error&) {
                    action = machine.unreachable(now());
                }
                break;
            case Do::sleep:
                std::this_thread::sleep_until(action.until.point());
                action = machine.slept(now());
                break;
            case Do::succeed:
                if (machine.questions() > 0) database->observer.in_doubt(Doubt::committed);
                committed();
                return;
            case Do::fail:
                if (machine.error().code == ErrorCode::in_doubt) {
                    database->observer.in_doubt(Doubt::undecided);
                    committed();
                } else if (machine.questions() > 0) {
                    database->observer.in_doubt(Doubt::aborted);
                }
                raise(machine.error());
        }
    }
}

std::vector<Statement> Transaction::Impl::closing_statements() const {
    std::vector<Statement> statements;
    std::vector<std::int64_t> numbers;
    for (const auto& [key, closing] : closings) {
        numbers.clear();
        for (const Closing::Asked& asked : closing.asked) numbers.push_back(asked.number);
        statements.push_back(closing.make(numbers));
    }
    return statements;
}

void Transaction::Impl::undo() noexcept {
    static const Statement kRollback("ROLLBACK");
    try {
        const Result<Rows> done = lease->wire().run(kRollback, last_words());
        if (!done) database->log(LogLevel::warning, done.error().message);
    } catch (const std::exception& error) {
        database->log(LogLevel::warning, error.what());
    }
}

void Transaction::Impl::committed() noexcept {
    for (const Hook& hook : hooks) hook.run();
    hooks.clear();
}

CommitMachine::Status Transaction::Impl::ask_status(Deadline deadline) {
    const Statement ask("SELECT pg_xact_status($1::xid8), pg_stat_get_bgwriter_stat_reset_time()", xid);
    Lease other = database->lease(deadline);
    Result<Rows> rows = other.wire().run(ask, deadline);
    if (!rows) {
        // "transaction ID ... is in the future": another server answers now, which never knew of it
        if (rows.error().sqlstate == "22023") return CommitMachine::Status::unknown;
        raise(std::move(rows.error()));
    }
    const auto status = (*rows)[0].find<std::string>(0);
    // A crash takes back the ids that nothing on the disk holds, and they are assigned anew: the id can be another
    // transaction's by now. It also resets the statistics, which a clean shutdown keeps.
    const bool crashed = (*rows)[0].find<Timestamp>(1) != unbroken_since;
    if (status == "committed") return crashed ? CommitMachine::Status::unknown : CommitMachine::Status::committed;
    if (status == "aborted") return CommitMachine::Status::aborted;
    return status ? CommitMachine::Status::in_progress : CommitMachine::Status::unknown;
}

void Transaction::Impl::rollback(Deadline deadline) {
    if (!lease) raise(ErrorCode::closed, "the transaction is over");
    check_no_copy();
    depth = 0;
    if (begun() && !lease->wire().broken()) {
        static const Statement kRollback("ROLLBACK");
        Observer::Call call(database->observer, Observer::Kind::rollback, {});
        Result<Rows> done = lease->wire().run(kRollback, deadline);
        if (done) {
            call.succeeded();
        } else {
            call.failed(done.error());
            database->log(LogLevel::warning, done.error().message);  // the server rolls back a lost connection
        }
    }
    lease.reset();
}

void Transaction::Impl::abandon() noexcept {
    if (!lease) return;
    try {
        rollback(last_words());
    } catch (const std::exception& error) {
        database->log(LogLevel::warning, error.what());
    }
}

// A destructor has no deadline of its own, and must not keep its caller from returning. Late, the connection is closed,
// and the server rolls back by itself.
Deadline Transaction::Impl::last_words() const noexcept {
    constexpr std::chrono::milliseconds kLeast{100};
    constexpr std::chrono::seconds kMost{5};
    return std::min(Deadline::after(kMost), std::max(Deadline::after(kLeast), last_call));
}

int Transaction::Impl::open_savepoint(int at_depth) {
    check_innermost(at_depth);
    if (failed)
        raise(ErrorCode::invalid_argument, "a statement of this transaction failed; only a rollback is possible");
    pending.emplace_back(Sql("SAVEPOINT " + savepoint_name(++depth)));
    return depth;
}

void Transaction::Impl::release_savepoint(int at_depth, Deadline deadline) {
    if (!pending.empty() && !failed && depth > 0 && at_depth == depth) {
        pending.pop_back();  // never sent: nothing was done inside
    } else {
        const Statement release(Sql("RELEASE SAVEPOINT " + savepoint_name(at_depth)));
        Rows released;
        run(std::span(&release, 1), std::span(&released, 1), at_depth, deadline);
    }
    --depth;
    for (Hook& hook : hooks) hook.depth = std::min(hook.depth, depth);
    for (auto& [key, closing] : closings) {
        for (Closing::Asked& asked : closing.asked) asked.depth = std::min(asked.depth, depth);
    }
}

void Transaction::Impl::rollback_savepoint(int at_depth, Deadline deadline) {
    check_innermost(at_depth);
    if (!pending.empty()) {
        pending.pop_back();
    } else {
        const Statement undo[] = {Statement(Sql("ROLLBACK TO SAVEPOINT " + savepoint_name(at_depth))),
                                  Statement(Sql("RELEASE SAVEPOINT " + savepoint_name(at_depth)))};
        std::array<Rows, 2> answers;
        Observer::Call call(database->observer, Observer::Kind::transaction, undo);
        Result<void> done = lease->wire().run(undo, answers, deadline);
        if (!done) {
            call.failed(done.error());
            failed = true;
            raise(std::move(done.error()));
        }
        call.succeeded();
        failed = false;
    }
    --depth;
    const auto undone = [this](const auto& asked) { return asked.depth > depth; };
    std::erase_if(hooks, undone);
    for (auto& [key, closing] : closings) std::erase_if(closing.asked, undone);
    std::erase_if(closings, [](const auto& closing) { return closing.second.asked.empty(); });
}

Transaction::Transaction(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&&) noexcept = default;
Transaction::~Transaction() = default;

void Transaction::commit(std::optional<Deadline> deadline) {
    impl_->commit(deadline ? *deadline : default_deadline());
}
void Transaction::rollback(std::optional<Deadline> deadline) {
    impl_->rollback(deadline ? *deadline : default_deadline());
}
Savepoint Transaction::savepoint() {
    return Savepoint(*impl_, impl_->open_savepoint(0));
}
bool Transaction::active() const noexcept {
    return impl_ && impl_->lease.has_value();
}
void Transaction::perform(std::span<const Statement> statements, std::span<Rows> answers, Deadline deadline) {
    impl_->run(statements, answers, 0, deadline);
}
Deadline Transaction::default_deadline() const {
    return impl_->database->default_deadline();
}

Savepoint::Savepoint(Savepoint&& other) noexcept
    : transaction_(std::exchange(other.transaction_, nullptr)), depth_(other.depth_) {}

Savepoint& Savepoint::operator=(Savepoint&& other) noexcept {
    std::swap(transaction_, other.transaction_);
    std::swap(depth_, other.depth_);
    return *this;
}

Savepoint::~Savepoint() {
    if (transaction_ == nullptr || !transaction_->lease) return;
    try {
        transaction_->rollback_savepoint(depth_, transaction_->last_words());
    } catch (const std::exception& error) {
        transaction_->database->log(LogLevel::warning, error.what());
    }
}

void Savepoint::release(std::optional<Deadline> deadline) {
    if (transaction_ == nullptr) raise(ErrorCode::closed, "this savepoint is over");
    transaction_->release_savepoint(depth_, deadline ? *deadline : default_deadline());
    transaction_ = nullptr;
}

void Savepoint::rollback(std::optional<Deadline> deadline) {
    if (transaction_ == nullptr) raise(ErrorCode::closed, "this savepoint is over");
    transaction_->rollback_savepoint(depth_, deadline ? *deadline : default_deadline());
    transaction_ = nullptr;
}

Savepoint Savepoint::savepoint() {
    if (transaction_ == nullptr) raise(ErrorCode::closed, "this savepoint is over");
    return Savepoint(*transaction_, transaction_->open_savepoint(depth_));
}

void Savepoint::perform(std::span<const Statement> statements, std::span<Rows> answers, Deadline deadline) {
    if (transaction_ == nullptr) raise(ErrorCode::closed, "this savepoint is over");
    transaction_->run(statements, answers, depth_, deadline);
}

Deadline Savepoint::default_deadline() const {
    return transaction_ != nullptr ? transaction_->database->default_deadline()
                                   : Deadline::after(std::chrono::seconds(1));
}

}  // namespace v0
}  // namespace stele
