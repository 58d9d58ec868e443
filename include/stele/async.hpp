// Calls that do not wait, for any event loop. stele/asio.hpp makes Boost.Asio's operations of them.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include "stele/database.hpp"
#include "stele/deadline.hpp"
#include "stele/export.hpp"
#include "stele/rows.hpp"
#include "stele/statement.hpp"

namespace stele {
inline namespace v0 {

/// One call, made once: derive from it, and start it. It shares lanes with the callers that wait: a statement that says
/// how it may travel (Statement::read() and its like) travels so; another, or a batch, is one transaction and shares
/// nothing but the connection. Needs DatabaseOptions::lanes. Owned by a shared_ptr; keeps itself alive until done().
class STELE_API AsyncCall : public std::enable_shared_from_this<AsyncCall> {
public:
    explicit AsyncCall(Statement statement);
    explicit AsyncCall(std::vector<Statement> batch);
    AsyncCall(const AsyncCall&) = delete;
    AsyncCall& operator=(const AsyncCall&) = delete;
    virtual ~AsyncCall();

    /// Returns at once. Without a deadline, the default of the database applies. Errors come to done(), also those of
    /// the arguments. The Database is not kept alive: when its last handle goes, what is under way ends with
    /// Error(closed).
    void start(const Database& database, std::optional<Deadline> deadline = {});
    /// Ends it with Error(cancelled) unless it is done. What was sent still runs on the server: the error says whether
    /// a write is in doubt. Thread-safe.
    void cancel() noexcept;

protected:
    /// Called once, from a thread of Stele's, one that waits for an answer of its own, or the one that cancels: pass
    /// the outcome on, do not work here. One answer a statement, none with an error.
    virtual void done(std::exception_ptr error, std::vector<Rows> answers) noexcept = 0;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace stele
