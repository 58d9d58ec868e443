// What a Database and everything made from it share.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "postgres/change_follower.hpp"
#include "postgres/lanes.hpp"
#include "postgres/observer.hpp"
#include "postgres/pool.hpp"
#include "stele/database.hpp"

namespace stele {
inline namespace v0 {

struct Database::Impl {
    /// `lent`: a connection of the caller's to use; null: those are made that the options say.
    static Database open(DatabaseOptions options, PGconn* lent, std::optional<Deadline> deadline);

    DatabaseOptions options;
    std::string quoted_schema;
    std::string target;  // for messages
    std::optional<Cluster> cluster;
    Observer observer;
    std::optional<Pool> pool;
    std::optional<Lanes> lanes;             // after the pool: they borrow from it. None: every call takes a connection
    std::optional<ChangeHints> hints;       // none: not wanted
    std::optional<ChangeFollower> changes;  // the last: it asks through the others. Idle until somebody subscribes

    /// Behind a transaction pooler: no session is ours for longer than a transaction.
    bool sessionless() const noexcept { return options.pooler == Pooler::transaction; }
    /// All there is is a connection of the caller's.
    bool lent() const noexcept { return pool->options().lent != nullptr; }
    /// Sessions are ours to set up, to keep and to reset.
    bool owns_sessions() const noexcept { return !sessionless() && !lent(); }
    /// Another pool to the same server, for a long statement that cannot run in a transaction: until `deadline`.
    Database beside(Deadline deadline) const;
    Deadline default_deadline() const { return Deadline::after(options.call_timeout); }
    void log(LogLevel level, std::string_view message) const noexcept;
    void perform(std::span<const Statement> statements, std::span<Rows> answers, Deadline deadline);
    /// A session as it was set up, or the Error thrown.
    Lease lease(Deadline deadline);
};

/// An Executor on a bare Wire: for initialisers.
class WireExecutor final : public Executor {
public:
    WireExecutor(Wire& wire, Deadline deadline) : wire_(wire), deadline_(deadline) {}

private:
    void perform(std::span<const Statement> statements, std::span<Rows> answers, Deadline deadline) override {
        value_or_raise(wire_.run(statements, answers, deadline));
    }
    Deadline default_deadline() const override { return deadline_; }

    Wire& wire_;
    Deadline deadline_;
};

}  // namespace v0
}  // namespace stele
