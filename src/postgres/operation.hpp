// A job of several steps, written once as a coroutine that yields what it needs to whoever drives it: the calling
// thread, an I/O thread, or a test that answers each step or fails it.
//
// GCC 12 destroys temporaries of a co_await expression twice: await only named locals.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "stele/embedder.hpp"
#include "stele/executor.hpp"

namespace stele {

/// A step: run these statements in one round trip.
struct RunStep {
    std::vector<Statement> statements;
};
/// A step: embed this text.
struct EmbedStep {
    std::string text;
};

/// Move-only; destroyed at any suspension point without harm. `T` needs no default constructor.
template <class T>
class [[nodiscard]] Operation {
public:
    struct promise_type {
        std::variant<std::monostate, RunStep*, EmbedStep*> step;
        std::optional<Result<std::vector<Rows>>> rows;
        std::optional<Result<Embedding>> embedding;
        std::optional<T> value;
        std::exception_ptr failure;

        Operation get_return_object() { return Operation(Handle::from_promise(*this)); }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_value(T result) { value = std::move(result); }
        void unhandled_exception() { failure = std::current_exception(); }

        struct RowsAwaiter {
            promise_type& promise;
            bool await_ready() const noexcept { return false; }
            void await_suspend(std::coroutine_handle<>) const noexcept {}
            Result<std::vector<Rows>> await_resume() { return *std::exchange(promise.rows, std::nullopt); }
        };
        struct EmbeddingAwaiter {
            promise_type& promise;
            bool await_ready() const noexcept { return false; }
            void await_suspend(std::coroutine_handle<>) const noexcept {}
            Result<Embedding> await_resume() { return *std::exchange(promise.embedding, std::nullopt); }
        };
        RowsAwaiter await_transform(RunStep& wanted) {
            step = &wanted;
            return {*this};
        }
        EmbeddingAwaiter await_transform(EmbedStep& wanted) {
            step = &wanted;
            return {*this};
        }
    };
    using Handle = std::coroutine_handle<promise_type>;

    explicit Operation(Handle handle) : handle_(handle) {}
    Operation(Operation&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Operation& operator=(Operation&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Operation() {
        if (handle_) handle_.destroy();
    }

    /// Goes on to the next step. False: it is finished, take result().
    bool advance() {
        handle_.resume();
        return !handle_.done();
    }
    /// The step it waits for, or null when it waits for the other kind.
    RunStep* run_step() const { return step<RunStep>(); }
    EmbedStep* embed_step() const { return step<EmbedStep>(); }
    void answer(Result<std::vector<Rows>> rows) { handle_.promise().rows = std::move(rows); }
    void answer(Result<Embedding> embedding) { handle_.promise().embedding = std::move(embedding); }
    T result() {
        if (handle_.promise().failure) std::rethrow_exception(handle_.promise().failure);
        return std::move(*handle_.promise().value);
    }

private:
    template <class Step>
    Step* step() const {
        Step* const* found = std::get_if<Step*>(&handle_.promise().step);
        return found == nullptr ? nullptr : *found;
    }
    Handle handle_;
};

/// Without an embedder it fails.
inline Result<Embedding> try_embed(Embedder* embedder, std::string_view text, Deadline deadline) {
    try {
        if (embedder == nullptr) raise(ErrorCode::embedder_failed, "there is no embedder");
        return embedder->embed_one(text, deadline);
    } catch (const Error& error) {
        return fail(error.info());
    } catch (const std::exception& error) {  // somebody else's embedder
        return fail(make_error(ErrorCode::embedder_failed, error.what()));
    }
}

/// Answers the operation's steps on the calling thread. Without an embedder an embed step fails.
template <class T>
T drive(Operation<T> operation, Executor& executor, Embedder* embedder, Deadline deadline) {
    while (operation.advance()) {
        if (RunStep* run = operation.run_step()) {
            try {
                operation.answer(Result<std::vector<Rows>>(executor.run(run->statements, deadline)));
            } catch (const Error& error) {
                operation.answer(Result<std::vector<Rows>>(fail(error.info())));
            }
        } else if (EmbedStep* embed = operation.embed_step()) {
            operation.answer(try_embed(embedder, embed->text, deadline));
        }
    }
    return operation.result();
}

}  // namespace stele
