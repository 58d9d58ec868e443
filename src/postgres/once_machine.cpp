#include "postgres/once_machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "stele/once.hpp"

namespace stele {

OnceMachine::Action OnceMachine::begin() {
    --attempts_left_;
    committing_ = false;
    return {Do::claim, deadline_};
}

OnceMachine::Action OnceMachine::claimed() {
    maybe_done_ = false;  // or the id would have been there
    return {Do::work, deadline_};
}

OnceMachine::Action OnceMachine::found() {
    return {Do::give_back, deadline_};
}

OnceMachine::Action OnceMachine::worked() {
    committing_ = true;
    return {Do::commit, deadline_};
}

OnceMachine::Action OnceMachine::committed() {
    return {Do::succeed, deadline_};
}

OnceMachine::Action OnceMachine::failed(ErrorInfo error, Time now) {
    const bool in_doubt = committing_ && error.in_doubt;
    maybe_done_ = maybe_done_ || in_doubt;
    const bool run_again = error.retry == Retry::transaction && attempts_left_ > 0;
    // what is in doubt can be settled by asking, however often the server is away meanwhile
    const bool ask_again = maybe_done_ && (in_doubt || error.retry != Retry::no);
    const Deadline until = Deadline::at(now + pause_);
    if ((run_again || ask_again) && until < deadline_) {
        pause_ = std::min(pause_ * 2, std::chrono::milliseconds(500));
        return {Do::sleep, until};
    }
    error_ = std::move(error);
    if (maybe_done_) {
        error_.code = ErrorCode::in_doubt;
        error_.in_doubt = true;
        error_.retry = Retry::call;
        error_.message = "whether the operation was done is not known; send it again with the same id (" +
                         std::move(error_.message) + ")";
    }
    return {Do::fail, deadline_};
}

OnceMachine::Action OnceMachine::slept() {
    return begin();
}

Result<void> check_operation_id(const Uuid& operation, std::chrono::system_clock::time_point now) {
    using std::chrono::hours;
    const auto refused = [&](std::string why) {
        return fail(make_error(ErrorCode::invalid_argument, "operation id " + operation.to_string() + " " + why));
    };
    if (operation.bytes[6] >> 4 != 7 || operation.bytes[8] >> 6 != 2) {
        return refused("is not a version 7 UUID; make it with Uuid::v7()");
    }
    std::int64_t ms = 0;
    for (std::size_t i = 0; i < 6; ++i) ms = ms << 8 | operation.bytes[i];
    const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() - ms;
    constexpr std::int64_t kHour = std::chrono::milliseconds(hours(1)).count();
    if (age > std::chrono::milliseconds(kOperationLifetime).count()) {
        return refused(fmt::format("is {} hours old; ids are kept for {}, so whether it was done cannot be known",  //
                                   age / kHour, kOperationLifetime.count()));
    }
    if (-age > std::chrono::milliseconds(hours(24)).count()) {
        return refused(fmt::format("is {} hours in the future; set the clock", -age / kHour));
    }
    return {};
}

}  // namespace stele
