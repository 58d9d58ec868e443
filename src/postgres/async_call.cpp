#include <utility>

#include "postgres/database_impl.hpp"
#include "postgres/lane_request.hpp"
#include "postgres/sessionless.hpp"
#include "stele/async.hpp"

namespace stele {
inline namespace v0 {

struct AsyncCall::Impl : LaneRequest {
    explicit Impl(std::vector<Statement> all) : owned(std::move(all)), rows(owned.size()) {
        statements = owned;
        answers = rows;
        complete = [](LaneRequest& request) noexcept { static_cast<Impl&>(request).finish(); };
    }

    void finish() noexcept {
        const std::shared_ptr<AsyncCall> call = std::move(self);  // which this is a part of
        if (lane != nullptr) lane->explain(*this);
        if (seen && error) seen->failed(*error);
        if (seen && !error) seen->succeeded();
        if (error) {
            call->done(std::make_exception_ptr(Error(std::move(*error))), {});
        } else {
            call->done(nullptr, std::move(rows));
        }
    }
    void refuse(ErrorInfo why) noexcept {
        error = std::move(why);
        state.store(State::done, std::memory_order_release);
        finish();
    }

    std::vector<Statement> owned;
    std::vector<Rows> rows;
    std::shared_ptr<AsyncCall> self;
    std::weak_ptr<Database::Impl> database;
    LaneDriver* lane = nullptr;
    std::optional<Observer::Call> seen;
};

namespace {

std::vector<Statement> only(Statement statement) {
    std::vector<Statement> all;
    all.push_back(std::move(statement));
    return all;
}

}  // namespace

AsyncCall::AsyncCall(Statement statement) : AsyncCall(only(std::move(statement))) {}
AsyncCall::AsyncCall(std::vector<Statement> batch) : impl_(std::make_unique<Impl>(std::move(batch))) {}
AsyncCall::~AsyncCall() = default;

void AsyncCall::start(const Database& database, std::optional<Deadline> deadline) {
    const std::shared_ptr<Database::Impl>& target = database.share_impl();
    impl_->self = shared_from_this();
    impl_->database = target;
    if (!impl_->owned.empty()) {
        impl_->seen.emplace(target->observer, Observer::kind_of(impl_->owned), impl_->owned);
    }
    impl_->deadline = deadline ? *deadline : target->default_deadline();
    if (!target->lanes) {
        return impl_->refuse(make_error(ErrorCode::invalid_argument,
                                        "calls that do not wait need lanes; do not set DatabaseOptions::lanes to 0"));
    }
    if (impl_->owned.empty()) {
        return impl_->refuse(make_error(ErrorCode::invalid_argument, "a batch needs at least one statement"));
    }
    if (impl_->deadline.expired()) {
        return impl_->refuse(
            make_error(ErrorCode::deadline_exceeded, "the deadline had passed before the call; nothing was sent"));
    }
    if (target->sessionless()) {
        if (Result<void> fits = check_sessionless(impl_->owned); !fits) {
            return impl_->refuse(std::move(fits.error()));
        }
    }
    impl_->lane = &target->lanes->choose(impl_->owned);
    impl_->lane->start(*impl_);
}

void AsyncCall::cancel() noexcept {
    if (impl_->lane == nullptr) return;
    // while it is held, the lanes are there
    if (const std::shared_ptr<Database::Impl> database = impl_->database.lock()) {
        impl_->lane->cancel(*impl_, make_error(ErrorCode::cancelled, "the call was cancelled"));
    }
}

}  // namespace v0
}  // namespace stele
