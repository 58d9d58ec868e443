// Asynchronous calls for Boost.Asio: callbacks, use_future, use_awaitable, and whatever other completion tokens the
// Boost at hand has. Needs Boost's headers (1.74 or newer); Stele itself does not.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/version.hpp>
#if BOOST_VERSION >= 107700
#include <boost/asio/associated_cancellation_slot.hpp>
#endif

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "stele/async.hpp"

namespace stele {
inline namespace v0 {

namespace detail {

/// Ends with `Answer`, made from the answers by `Take`, on the handler's executor.
template <class Handler, class Answer, class Take>
class AsioCall final : public AsyncCall {
public:
    AsioCall(Handler handler, const boost::asio::any_io_executor& otherwise, std::vector<Statement> statements)
        : AsyncCall(std::move(statements)),
          work_(boost::asio::get_associated_executor(handler, otherwise)),
          handler_(std::move(handler)) {}

    void start_on(const Database& database, std::optional<Deadline> deadline) {
#if BOOST_VERSION >= 107700
        if (auto slot = boost::asio::get_associated_cancellation_slot(handler_); slot.is_connected()) {
            slot.assign([call = this->weak_from_this()](boost::asio::cancellation_type) {
                if (const auto alive = call.lock()) alive->cancel();
            });
        }
#endif
        this->start(database, deadline);
    }

private:
    void done(std::exception_ptr error, std::vector<Rows> answers) noexcept override {
        // until post() has returned: a context that has run out of work may be gone
        const auto executor =
            boost::asio::prefer(work_.get_executor(), boost::asio::execution::outstanding_work_t::tracked);
        work_.reset();
        boost::asio::post(executor, [handler = std::move(handler_), error = std::move(error),
                                     answers = std::move(answers)]() mutable {
#if BOOST_VERSION >= 107700
            if (auto slot = boost::asio::get_associated_cancellation_slot(handler); slot.is_connected()) slot.clear();
#endif
            Answer answer = error ? Answer() : Take()(std::move(answers));
            std::move(handler)(std::move(error), std::move(answer));
        });
    }

    boost::asio::executor_work_guard<boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>> work_;
    Handler handler_;
};

struct TakeRows {
    Rows operator()(std::vector<Rows> answers) const { return std::move(answers.front()); }
};
struct TakeAffected {
    std::uint64_t operator()(std::vector<Rows> answers) const { return answers.front().affected(); }
};
struct TakeAll {
    std::vector<Rows> operator()(std::vector<Rows> answers) const { return answers; }
};

}  // namespace detail

/// A database for coroutines and callbacks. Every operation completes with (std::exception_ptr, T), once, by
/// boost::asio::post on the handler's associated executor, or on this one's when it has none; a null exception_ptr
/// means success, another holds a stele::Error. A context that ran out of work may go before the database does. No
/// thread of the caller's is blocked: Stele's one I/O thread talks to the server, on lanes that blocking callers share.
/// Cancellation (any type; Boost 1.77 or newer) ends an operation with Error(cancelled); what was sent still runs.
/// Without a deadline, the default of the database applies. Cheap to copy; thread-safe.
///
///     stele::AsyncDatabase database(stele::Database::open(), context.get_executor());
///     stele::Statement statement("SELECT name FROM users WHERE id = $1", id);
///     auto query = database.async_query(statement.read(), boost::asio::use_awaitable);  // GCC 12 wants it named
///     stele::Rows rows = co_await std::move(query);
class AsyncDatabase {
public:
    using executor_type = boost::asio::any_io_executor;  // NOLINT(readability-identifier-naming): as Asio calls it

    AsyncDatabase(Database database, executor_type executor)
        : database_(std::move(database)), executor_(std::move(executor)) {}

    executor_type get_executor() const noexcept { return executor_; }
    const Database& database() const noexcept { return database_; }

    /// As Database::query. Completes with Rows.
    template <class Token>
    auto async_query(Statement statement, Token&& token) const {
        return async_query(std::move(statement), std::nullopt, std::forward<Token>(token));
    }
    template <class Token>
    auto async_query(Statement statement, std::optional<Deadline> deadline, Token&& token) const {
        return launch<Rows, detail::TakeRows>(only(std::move(statement)), deadline, std::forward<Token>(token));
    }

    /// As Database::execute. Completes with the number of rows affected, std::uint64_t.
    template <class Token>
    auto async_execute(Statement statement, Token&& token) const {
        return async_execute(std::move(statement), std::nullopt, std::forward<Token>(token));
    }
    template <class Token>
    auto async_execute(Statement statement, std::optional<Deadline> deadline, Token&& token) const {
        return launch<std::uint64_t, detail::TakeAffected>(only(std::move(statement)), deadline,
                                                           std::forward<Token>(token));
    }

    /// As Database::run: one transaction, one round trip. Completes with one answer a statement, std::vector<Rows>.
    template <class Token>
    auto async_run(std::vector<Statement> statements, Token&& token) const {
        return async_run(std::move(statements), std::nullopt, std::forward<Token>(token));
    }
    template <class Token>
    auto async_run(std::vector<Statement> statements, std::optional<Deadline> deadline, Token&& token) const {
        return launch<std::vector<Rows>, detail::TakeAll>(std::move(statements), deadline, std::forward<Token>(token));
    }

private:
    static std::vector<Statement> only(Statement statement) {
        std::vector<Statement> all;
        all.push_back(std::move(statement));
        return all;
    }

    template <class Answer, class Take, class Token>
    auto launch(std::vector<Statement> statements, std::optional<Deadline> deadline, Token&& token) const {
        return boost::asio::async_initiate<Token, void(std::exception_ptr, Answer)>(
            [](auto handler, AsyncDatabase self, std::vector<Statement> all, std::optional<Deadline> until) {
                using Call = detail::AsioCall<decltype(handler), Answer, Take>;
                const auto call = std::make_shared<Call>(std::move(handler), self.executor_, std::move(all));
                call->start_on(self.database_, until);
            },
            token, *this, std::move(statements), deadline);
    }

    Database database_;
    executor_type executor_;
};

}  // namespace v0
}  // namespace stele
