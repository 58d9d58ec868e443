// The state of one transaction.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "postgres/commit_machine.hpp"
#include "postgres/database_impl.hpp"
#include "stele/transaction.hpp"

namespace stele {
inline namespace v0 {

struct Transaction::Impl {
    Impl(std::shared_ptr<Database::Impl> owner, Lease lent, const TransactionOptions& options);
    ~Impl() { abandon(); }

    void run(std::span<const Statement> statements, std::span<Rows> answers, int at_depth, Deadline deadline) {
        database->observer.call(Observer::Kind::transaction, statements,
                                [&] { perform(statements, answers, at_depth, deadline); });
    }
    void perform(std::span<const Statement> statements, std::span<Rows> answers, int at_depth, Deadline deadline);
    void commit(Deadline deadline);
    void perform_commit(Deadline deadline);
    void rollback(Deadline deadline);
    void abandon() noexcept;
    Deadline last_words() const noexcept;

    int open_savepoint(int at_depth);
    void release_savepoint(int at_depth, Deadline deadline);
    void rollback_savepoint(int at_depth, Deadline deadline);

    void check_innermost(int at_depth) const;
    void check_no_copy() const;
    /// What a failure means to the transaction.
    ErrorInfo explain(ErrorInfo error) const;
    bool begun() const noexcept { return pending.empty() || !pending_begin; }
    CommitMachine::Status ask_status(Deadline deadline);
    std::vector<Statement> closing_statements() const;
    void undo() noexcept;
    void committed() noexcept;

    std::shared_ptr<Database::Impl> database;
    std::optional<Lease> lease;      // none: over
    std::vector<Statement> pending;  // BEGIN and SAVEPOINTs that travel with the next statement
    bool pending_begin = true;
    bool read_only;
    bool failed = false;  // only a rollback is possible
    int depth = 0;        // open savepoints
    Deadline last_call;   // until when its caller would have waited
    /// To be done when it is committed, or may be; what a savepoint was rolled back with is forgotten.
    struct Hook {
        int depth;
        std::function<void()> run;
    };
    std::vector<Hook> hooks;
    /// To be sent with the commit, by key; likewise.
    struct Closing {
        struct Asked {
            int depth;
            std::int64_t number;
        };
        std::function<Statement(std::span<const std::int64_t>)> make;
        std::vector<Asked> asked;
    };
    std::map<std::string, Closing> closings;
    std::string xid;                          // once the server has assigned one
    std::optional<Timestamp> unbroken_since;  // of the server that assigned it
};

}  // namespace v0
}  // namespace stele
