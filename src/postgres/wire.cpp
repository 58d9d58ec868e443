#include "postgres/wire.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>

#include "postgres/result_data.hpp"
#include "postgres/server_error.hpp"
#include "postgres/socket_wait.hpp"

namespace stele {

bool Wire::alive() noexcept {
    while (!broken_) {
        pollfd entry{PQsocket(connection_.get()), POLLIN | POLLRDHUP, 0};
        if (::poll(&entry, 1, 0) < 0) return false;
        if (entry.revents == 0) return true;
        // a notice or a parameter report is fine; the end of the stream, which may come behind one, is not
        broken_ = (entry.revents & (POLLHUP | POLLERR | POLLRDHUP)) != 0 || PQconsumeInput(connection_.get()) == 0 ||
                  PQstatus(connection_.get()) != CONNECTION_OK;
    }
    return false;
}

Result<Rows> Wire::run(const Statement& statement, Deadline deadline) {
    Rows rows;
    Result<void> done = run(std::span(&statement, 1), std::span(&rows, 1), deadline);
    if (!done) return fail(std::move(done.error()));
    return rows;
}

Result<void> Wire::run(std::span<const Statement> statements, std::span<Rows> answers, Deadline deadline,
                       const Statement* first) {
    if (streaming_) {
        return fail(make_error(ErrorCode::invalid_argument,
                               "a copy is under way on this connection; finish it or destroy it first"));
    }
    statements_.clear();
    if (first != nullptr) statements_.push_back(first);
    for (const Statement& statement : statements) statements_.push_back(&statement);
    const Observer::Time since = observer_.now();
    watch_->begin(deadline);
    if (!begin(batch_, statements_, true)) {
        watch_->end();
        return fail(std::move(batch_.error));
    }
    // the watchdog ends a wait that lasts too long
    while (const short events = advance(batch_)) wait_for(socket(), events, Deadline::never());
    const bool expired = watch_->end();
    if (batch_.synced()) observer_.round_trip(Lane::none, statements.size(), since);
    broken_ = broken_ || expired;
    if (batch_.succeeded()) {
        std::move(batch_.answers.begin() + (first != nullptr ? 1 : 0), batch_.answers.end(), answers.begin());
        return {};
    }
    explain(batch_, statements, expired);
    return fail(std::exchange(batch_.error, ErrorInfo()));
}

bool Wire::begin(Batch& batch, std::span<const Statement* const> statements, bool only) {
    batch.answers.assign(statements.size(), Rows());
    batch.error = ErrorInfo();
    if (!enqueue(batch, statements, only && under_way_.empty())) {
        broken_ = true;
        batch.machine_ = BatchMachine(batch.commands_.size());
        batch.machine_.lost();
        batch.error = lost_error(connection_.get());
        return false;
    }
    batch.machine_ = BatchMachine(batch.commands_.size());
    // what the socket did not take is sent while the oldest is waited for
    if (!under_way_.empty() && PQflush(connection_.get()) != 0) under_way_.front()->machine_.queued_more();
    under_way_.push_back(&batch);
    return true;
}

short Wire::advance(Batch& batch) {
    using Do = BatchMachine::Do;
    PGconn* connection = connection_.get();
    BatchMachine& machine = batch.machine_;
    for (Do next = machine.next();;) {
        switch (next) {
            case Do::flush: {
                const int left = PQflush(connection);
                next = left < 0 ? machine.lost() : machine.flushed(left == 0);
                break;
            }
            case Do::wait: machine.waits(); return static_cast<short>(machine.unsent() ? POLLIN | POLLOUT : POLLIN);
            case Do::consume: next = PQconsumeInput(connection) == 1 ? machine.consumed() : machine.lost(); break;
            case Do::take: next = PQisBusy(connection) != 0 ? machine.busy() : take(batch); break;
            case Do::finish: next = batch.plain_ && PQisBusy(connection) != 0 ? machine.busy() : take(batch); break;
            case Do::done:
                under_way_.pop_front();
                if (!machine.synced()) {
                    broken_ = true;
                    batch.error = loss(batch.error);
                }
                if (!machine.succeeded()) settle_cache(batch);
                if (under_way_.empty()) cache_.bury();
                return 0;
        }
    }
}

/// Does nothing when it is so already.
bool Wire::enter(bool pipeline) {
    return (pipeline ? PQenterPipelineMode(connection_.get()) : PQexitPipelineMode(connection_.get())) == 1;
}

bool Wire::enqueue(Batch& batch, std::span<const Statement* const> statements, bool only) {
    std::vector<Command>& commands = batch.commands_;
    commands.clear();
    cache_.mark();
    PGconn* connection = connection_.get();
    for (std::size_t i = 0; i < statements.size(); ++i) {
        StatementCache::Entry* entry = cache_.find_or_add(*statements[i]);
        if (i == 0) {
            batch.plain_ = only && statements.size() == 1 && (entry == nullptr || entry->requested);
            if (!enter(!batch.plain_)) return false;
        }
        if (entry != nullptr && !entry->requested) {
            entry->requested = true;
            commands.push_back({i, entry, true});
            if (PQsendPrepare(connection, entry->name.c_str(), entry->sql.c_str(),
                              static_cast<int>(entry->types.size()), entry->types.data()) != 1) {
                return false;
            }
        }
        commands.push_back({i, entry, false});
        if (!send(*statements[i], entry)) return false;
    }
    if (batch.plain_) return true;
    while (const auto name = cache_.evict()) {
        commands.push_back({BatchMachine::kNone, nullptr, false});
        if (PQsendQueryParams(connection, ("DEALLOCATE " + *name).c_str(), 0, nullptr, nullptr, nullptr, nullptr, 1) !=
            1) {
            return false;
        }
    }
    return PQpipelineSync(connection) == 1;
}

bool Wire::send(const Statement& statement, const StatementCache::Entry* entry) {
    const auto slots = statement.parameters().slots();
    const char* bytes = statement.parameters().bytes().data();
    values_.clear();
    lengths_.clear();
    for (const Parameters::Slot& slot : slots) {
        values_.push_back(slot.length < 0 ? nullptr : bytes + slot.offset);
        lengths_.push_back(slot.length);
    }
    if (formats_.size() < slots.size()) formats_.resize(slots.size(), 1);
    const int count = static_cast<int>(slots.size());
    if (entry != nullptr) {
        return PQsendQueryPrepared(connection_.get(), entry->name.c_str(), count, values_.data(), lengths_.data(),
                                   formats_.data(), 1) == 1;
    }
    std::vector<Oid> types;
    for (const Parameters::Slot& slot : slots) types.push_back(slot.oid);
    const std::string sql(statement.sql().text());
    return PQsendQueryParams(connection_.get(), sql.c_str(), count, types.data(), values_.data(), lengths_.data(),
                             formats_.data(), 1) == 1;
}

BatchMachine::Do Wire::take(Batch& batch) {
    using Reply = BatchMachine::Reply;
    BatchMachine& machine = batch.machine_;
    const std::size_t at = machine.current();
    PGresult* result = PQgetResult(connection_.get());
    if (result == nullptr) {
        if (PQstatus(connection_.get()) != CONNECTION_OK) return machine.lost();
        const BatchMachine::Do next = machine.reply(Reply::end_of_command);
        return batch.plain_ ? machine.reply(Reply::sync) : next;  // its Sync has no answer of its own
    }
    std::unique_ptr<PGresult, detail::ResultData::Clear> owner(result);
    switch (PQresultStatus(result)) {
        case PGRES_PIPELINE_SYNC: return machine.reply(Reply::sync);
        case PGRES_PIPELINE_ABORTED: return machine.reply(Reply::aborted);
        case PGRES_TUPLES_OK:
        case PGRES_COMMAND_OK:
        case PGRES_EMPTY_QUERY:
            if (at < batch.commands_.size()) {
                const Command& command = batch.commands_[at];
                if (command.prepares) {
                    command.entry->prepared = true;
                } else if (command.statement != BatchMachine::kNone) {
                    batch.answers[command.statement] = detail::make_rows(owner.release());
                }
            }
            return machine.reply(Reply::good);
        case PGRES_COPY_IN:
        case PGRES_COPY_OUT:
        case PGRES_COPY_BOTH:
            // libpq cannot leave it again in pipeline mode; closing the connection makes the server forget it
            copying_ = true;
            return machine.lost();
        default: break;
    }
    if (machine.failed_command() == BatchMachine::kNone)
        batch.error = result_error(result, "the server refused a statement");
    // a connection that died reports itself as a result without an SQLSTATE
    if (PQstatus(connection_.get()) == CONNECTION_BAD) return machine.lost();
    return machine.reply(Reply::error);
}

std::size_t Wire::Batch::failed_statement() const noexcept {
    const std::size_t failed = machine_.failed_command();
    return failed < commands_.size() && commands_[failed].statement != BatchMachine::kNone ? commands_[failed].statement
                                                                                           : answers.size();
}

ErrorInfo Wire::loss(const ErrorInfo& before) const {
    if (copying_) {
        ErrorInfo error =
            make_error(ErrorCode::invalid_argument,
                       "COPY cannot run as a statement, and the connection had to be closed; use CopyIn or CopyOut "
                       "(stele/copy.hpp)");
        error.poisons_transaction = error.poisons_connection = true;
        return error;
    }
    ErrorInfo lost = lost_error(connection_.get());
    // what the server said before it went is worth more than "closed the connection unexpectedly"
    if (!before.sqlstate.empty()) {
        lost.sqlstate = before.sqlstate;
        lost.server_message = before.server_message;
    }
    return lost;
}

void Wire::explain(Batch& batch, std::span<const Statement> statements, bool expired) const {
    ErrorInfo& error = batch.error;
    if (copying_) return;
    if (batch.synced()) {
        const std::size_t before = batch.answers.size() - statements.size(), failed = batch.failed_statement();
        if (statements.size() > 1 && failed >= before && failed < batch.answers.size()) {
            error.message += fmt::format(" (statement {} of {})", failed - before + 1, statements.size());
        }
        return;  // the server's own error came in time, whether or not the deadline passed as well
    }
    if (expired) {
        error = make_error(ErrorCode::deadline_exceeded, "the deadline passed before the server answered");
        error.poisons_transaction = error.poisons_connection = true;
    }
    if (!std::all_of(statements.begin(), statements.end(), [](const Statement& s) { return s.is_repeatable(); })) {
        put_in_doubt(error);
    }
}

void Wire::settle_cache(const Batch& batch) {
    if (broken_) return;
    const std::size_t failed = batch.machine_.failed_command();
    StatementCache::Entry* failing = failed < batch.commands_.size() ? batch.commands_[failed].entry : nullptr;
    for (const Command& command : batch.commands_) {
        if (!command.prepares || command.entry->prepared) continue;
        if (command.entry == failing) failing = nullptr;
        cache_.forget(command.entry);
    }
    if (failing != nullptr && is_stale_statement(batch.error)) cache_.forget(failing);
}

void put_in_doubt(ErrorInfo& error) {
    error.in_doubt = true;
    error.retry = Retry::no;
    error.message += "; whether the write happened is not known";
}

bool is_stale_statement(const ErrorInfo& error) {
    return error.sqlstate == "26000" ||
           (error.sqlstate == "0A000" && error.server_message.find("cached plan") != std::string::npos);
}

}  // namespace stele
