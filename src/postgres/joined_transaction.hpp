// A transaction, or the innermost savepoint of one, as a store sees it that takes part.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "stele/database.hpp"
#include "stele/transaction.hpp"

namespace stele {
inline namespace v0 {

/// Must not outlive it, unless it is not used any more.
class JoinedTransaction final : public Executor {
public:
    /// Error(invalid_argument) unless it is one of that database's.
    JoinedTransaction(Transaction& transaction, const Database& database);
    JoinedTransaction(Savepoint& savepoint, const Database& database);

    /// Opens a savepoint inside.
    Savepoint savepoint();

    /// Runs it when the transaction has committed, or may have; not after a rollback of it or of this savepoint. It
    /// must not throw.
    void after_commit(std::function<void()> run);

    /// The statement of all the numbers that were given under one key.
    using Closing = std::function<Statement(std::span<const std::int64_t> numbers)>;
    /// Runs it just before the commit, in the commit's round trip, for what takes locks that no transaction should hold
    /// while it stays open: one statement a key, in the order of the keys, so that all who take the same locks take
    /// them in one order. What a savepoint asked for is forgotten with it.
    void before_commit(const std::string& key, std::int64_t number, Closing make);
    /// How many numbers are under that key by now.
    std::size_t asked(const std::string& key) const;

private:
    void check_database(const Database& database) const;
    void perform(std::span<const Statement> statements, std::span<Rows> answers, Deadline deadline) override;
    Deadline default_deadline() const override;

    Transaction::Impl* transaction_;
    int depth_;
};

}  // namespace v0
}  // namespace stele
