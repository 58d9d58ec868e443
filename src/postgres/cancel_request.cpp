#include "postgres/cancel_request.hpp"

namespace stele {
namespace {

tl::unexpected<ErrorInfo> cannot_ask(const char* reason) {
    ErrorInfo error = make_error(ErrorCode::unavailable, "the server could not be asked to cancel");
    error.server_message = reason;
    return fail(std::move(error));
}

}  // namespace

#ifdef LIBPQ_HAS_ASYNC_CANCEL

Result<CancelRequest> CancelRequest::of(PGconn* connection) {
    CancelRequest request(PQcancelCreate(connection));
    if (!request.handle_ || PQcancelStatus(request.handle_.get()) == CONNECTION_BAD) {
        return fail(make_error(ErrorCode::closed, "this connection was lost; take a new one from the database"));
    }
    return request;
}

Result<void> CancelRequest::send() {
    const bool sent = PQcancelBlocking(handle_.get()) == 1;
    Result<void> result;
    if (!sent) result = cannot_ask(PQcancelErrorMessage(handle_.get()));
    PQcancelReset(handle_.get());
    return result;
}

#else

Result<CancelRequest> CancelRequest::of(PGconn* connection) {
    CancelRequest request(PQgetCancel(connection));
    if (!request.handle_) {
        return fail(make_error(ErrorCode::closed, "this connection was lost; take a new one from the database"));
    }
    return request;
}

Result<void> CancelRequest::send() {
    char reason[256] = "";
    if (PQcancel(handle_.get(), reason, sizeof reason) != 1) return cannot_ask(reason);
    return {};
}

#endif

}  // namespace stele
