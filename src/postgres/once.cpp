#include "stele/once.hpp"

#include <thread>

#include "postgres/database_impl.hpp"
#include "postgres/once_machine.hpp"

namespace stele {
namespace {

/// The statements of one operation.
class Operations {
public:
    Operations(const Database& database, const Uuid& id)
        : table_(database.quoted_schema() + ".stele_operations"), id_(id) {}

    /// Waits for whoever is at it. Inserted: it is ours; else the second answer has the outcome.
    std::vector<Statement> claim() const {
        return {Statement(Sql("INSERT INTO " + table_ + " (id) VALUES ($1) ON CONFLICT (id) DO NOTHING"), id_),
                Statement(Sql("SELECT outcome FROM " + table_ + " WHERE id = $1"), id_)};
    }
    Statement store(const Json& outcome) const {
        return {Sql("UPDATE " + table_ + " SET outcome = $2 WHERE id = $1"), id_, outcome};
    }
    /// Some of those that nobody may ask for any more: a day longer than an id can be valid that comes from a clock
    /// which is a day ahead.
    Statement forget() const {
        return {Sql("DELETE FROM " + table_ + " WHERE id IN (SELECT id FROM " + table_ +
                    " WHERE created_at < now() - interval '9 days' ORDER BY created_at LIMIT 100"
                    " FOR UPDATE SKIP LOCKED)")};
    }
    /// One in 32 pays for all, and takes more away than came meanwhile.
    bool cleans_up() const { return id_.bytes[15] % 32 == 0; }

private:
    std::string table_;
    Uuid id_;
};

/// A transaction, and what is done in it.
class Attempts {
public:
    Attempts(Database& database, const Uuid& id, const std::function<Json(Transaction&)>& work,
             const OnceOptions& options, Deadline deadline)
        : database_(database), operations_(database, id), work_(work), options_(options), deadline_(deadline) {}

    OnceResult run() {
        using Do = OnceMachine::Do;
        OnceMachine machine(options_.attempts, deadline_);
        OnceMachine::Action action = machine.begin();
        for (;;) {
            try {
                switch (action.what) {
                    case Do::claim: action = claim() ? machine.claimed() : machine.found(); break;
                    case Do::work:
                        result_ = {work_(*transaction_), false};
                        action = machine.worked();
                        break;
                    case Do::commit:
                        commit();
                        action = machine.committed();
                        break;
                    case Do::sleep:
                        std::this_thread::sleep_until(action.until.point());
                        action = machine.slept();
                        break;
                    case Do::succeed: clean_up(); return std::move(result_);
                    case Do::give_back: return std::move(result_);
                    case Do::fail: raise(machine.error());
                }
            } catch (const Error& error) {
                if (action.what == Do::fail) throw;
                transaction_.reset();
                action = machine.failed(error.info(), Deadline::Clock::now());
            }
        }
    }

private:
    bool claim() {
        transaction_ = database_.begin(options_.transaction, deadline_);
        const std::vector<Rows> answers = transaction_->run(operations_.claim(), deadline_);
        if (answers[0].affected() == 1) return true;
        if (answers[1].empty()) {
            ErrorInfo error = make_error(ErrorCode::serialization, "the operation's id went while it was looked at");
            error.retry = Retry::transaction;
            raise(std::move(error));
        }
        result_ = {answers[1][0].get<Json>("outcome", Json()), true};
        transaction_.reset();
        return false;
    }

    void commit() {
        if (!result_.outcome.is_null()) transaction_->execute(operations_.store(result_.outcome), deadline_);
        transaction_->commit(deadline_);
    }

    void clean_up() {
        if (!operations_.cleans_up()) return;
        try {
            database_.execute(operations_.forget(), deadline_);
        } catch (const Error& error) {
            database_.impl().log(LogLevel::warning, error.what());
        }
    }

    Database& database_;
    Operations operations_;
    const std::function<Json(Transaction&)>& work_;
    const OnceOptions& options_;
    Deadline deadline_;
    std::optional<Transaction> transaction_;
    OnceResult result_;
};

}  // namespace

inline namespace v0 {

OnceResult detail::run_once(Database& database, const Uuid& operation, const std::function<Json(Transaction&)>& work,
                            const OnceOptions& options) {
    value_or_raise(check_operation_id(operation, std::chrono::system_clock::now()));
    if (options.transaction.read_only) {
        raise(ErrorCode::invalid_argument, "a read-only transaction cannot note an operation's id; nothing was sent");
    }
    const Deadline deadline = options.deadline ? *options.deadline : Deadline::after(database.options().call_timeout);
    return Attempts(database, operation, work, options, deadline).run();
}

}  // namespace v0
}  // namespace stele
