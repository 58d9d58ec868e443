// Transactions and savepoints.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "stele/executor.hpp"
#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

enum class Isolation : std::uint8_t { read_committed, repeatable_read, serializable };

struct TransactionOptions {
    Isolation isolation = Isolation::read_committed;
    bool read_only = false;
    bool deferrable = false;  ///< only means something for serializable and read-only
};

class CopyPlace;
class JoinedTransaction;
class Savepoint;

/// A transaction on a connection of its own. BEGIN travels with the first statement, so it costs no round trip. Only
/// the innermost open savepoint (or the transaction itself, when none is open) may act: anything else is
/// Error(invalid_argument). After an error only rollback is possible, of the transaction or to an earlier savepoint.
/// Not thread-safe: one thread at a time. Must not outlive its Database's process; it keeps the connection pool alive.
/// While it is left idle, PostgreSQL may keep the snapshot of its last SELECT, of Stele's own as well (the question for
/// its id rides along): VACUUM spares what that sees, and CREATE INDEX CONCURRENTLY waits for it, as for any open one.
class STELE_API Transaction final : public Executor {
public:
    Transaction(Transaction&&) noexcept;
    Transaction& operator=(Transaction&&) noexcept;
    /// Rolls back what was not committed. Never throws.
    ~Transaction() override;

    /// Makes it durable. When the connection dies while committing, a new connection asks the server for the outcome:
    /// this returns if the transaction committed, throws Error(unavailable, Retry::transaction) if it did not, and
    /// Error(in_doubt) if the outcome could not be learnt before the deadline, or the server crashed meanwhile and says
    /// "committed" of an id that it may have assigned again.
    void commit(std::optional<Deadline> deadline = {});
    void rollback(std::optional<Deadline> deadline = {});

    /// Opens a savepoint inside.
    Savepoint savepoint();
    /// False once committed or rolled back.
    bool active() const noexcept;

    struct Impl;

private:
    friend class CopyPlace;
    friend class JoinedTransaction;
    friend class Database;
    explicit Transaction(std::unique_ptr<Impl> impl);
    void perform(std::span<const Statement> statements, std::span<Rows> answers, Deadline deadline) override;
    Deadline default_deadline() const override;
    std::unique_ptr<Impl> impl_;
};

/// A point inside a transaction to which one can return. Must not outlive its transaction; not thread-safe.
class STELE_API Savepoint final : public Executor {
public:
    Savepoint(Savepoint&&) noexcept;
    Savepoint& operator=(Savepoint&&) noexcept;
    /// Rolls back to the savepoint unless released. Never throws.
    ~Savepoint() override;

    /// Keeps what was done inside it, as part of the transaction.
    void release(std::optional<Deadline> deadline = {});
    /// Undoes what was done inside it; the transaction goes on, also after an error inside.
    void rollback(std::optional<Deadline> deadline = {});
    Savepoint savepoint();

private:
    friend class CopyPlace;
    friend class JoinedTransaction;
    friend class Transaction;
    Savepoint(Transaction::Impl& transaction, int depth) : transaction_(&transaction), depth_(depth) {}
    void perform(std::span<const Statement> statements, std::span<Rows> answers, Deadline deadline) override;
    Deadline default_deadline() const override;
    Transaction::Impl* transaction_;
    int depth_;
};

}  // namespace v0
}  // namespace stele
