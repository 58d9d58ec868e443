#include "postgres/server_error.hpp"

#include <fmt/format.h>

#include <cstring>

#include "base/result.hpp"

namespace stele {
namespace {

std::string_view trimmed(const char* text) {
    std::string_view view = text == nullptr ? "" : text;
    while (!view.empty() && (view.back() == '\n' || view.back() == ' ')) view.remove_suffix(1);
    return view;
}

bool starts(std::string_view text, std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
}

// https://www.postgresql.org/docs/current/errcodes-appendix.html
ErrorCode code_of(std::string_view state) {
    if (starts(state, "08") || state == "57P01" || state == "57P02" || state == "57P03" || state == "57P05") {
        return ErrorCode::unavailable;
    }
    if (starts(state, "22")) return ErrorCode::invalid_argument;
    if (starts(state, "23")) return ErrorCode::constraint_violation;
    if (starts(state, "28")) return ErrorCode::authentication;
    if (state == "3D000") return ErrorCode::database_missing;
    if (state == "40001" || state == "40P01") return ErrorCode::serialization;
    if (state == "42501") return ErrorCode::permission;
    if (starts(state, "53") || starts(state, "58")) return ErrorCode::resources;
    if (state == "55P03" || state == "57014" || state == "25P04") return ErrorCode::deadline_exceeded;
    return ErrorCode::server;
}

Retry retry_of(ErrorCode code, std::string_view state) {
    if (code == ErrorCode::serialization) return Retry::transaction;
    if (code == ErrorCode::unavailable || state == "53300" || state == "55P03") return Retry::call;
    return Retry::no;
}

std::string_view hint_of(std::string_view state) {
    if (state == "53100") return " (free disk space on the server; nothing of this call was stored)";
    if (state == "53300") return " (raise max_connections on the server or lower the pool size)";
    if (state == "57014") return " (the server cancelled it: statement_timeout or an administrator)";
    if (state == "26000" || state == "42P05") {
        return " (behind a pooler in transaction mode, say pooler=transaction in the connection string)";
    }
    if (state == "55P03") return " (another session holds a lock; try again)";
    return "";
}

}  // namespace

ErrorInfo classify(std::string_view sqlstate, std::string_view severity, std::string what, std::string server_message) {
    ErrorInfo info;
    info.code = code_of(sqlstate);
    info.message = std::move(what);
    info.message += hint_of(sqlstate);
    info.sqlstate = sqlstate;
    info.server_message = std::move(server_message);
    info.retry = retry_of(info.code, sqlstate);
    info.poisons_transaction = true;
    info.poisons_connection = severity == "FATAL" || severity == "PANIC";
    return info;
}

ErrorInfo result_error(const PGresult* result, std::string what) {
    const auto field = [result](int code) { return trimmed(PQresultErrorField(result, code)); };
    std::string message(field(PG_DIAG_MESSAGE_PRIMARY));
    if (message.empty()) message = trimmed(PQresultErrorMessage(result));
    // the constraint and table tell which of several it was; DETAIL holds row values and stays out
    if (const auto constraint = field(PG_DIAG_CONSTRAINT_NAME); !constraint.empty()) {
        fmt::format_to(std::back_inserter(what), " (constraint {})", constraint);
    }
    return classify(field(PG_DIAG_SQLSTATE), field(PG_DIAG_SEVERITY_NONLOCALIZED), std::move(what), std::move(message));
}

ErrorInfo connect_error(const PGconn* connection, std::string_view target) {
    // libpq 15 gives no SQLSTATE for a failed connection, only text in the server's language; the codes that matter
    // are recognised by the parts that libpq itself writes, or by PostgreSQL's English messages
    const std::string_view text = trimmed(PQerrorMessage(connection));
    const auto has = [text](std::string_view part) { return text.find(part) != std::string_view::npos; };
    ErrorInfo info;
    info.poisons_connection = true;
    info.server_message = text;
    if (PQconnectionNeedsPassword(connection) != 0 || has("no password supplied") || has("password authentication") ||
        has("authentication failed") || has("no pg_hba.conf entry")) {
        info.code = ErrorCode::authentication;
        info.message = fmt::format("the server at {} refuses this user or password", target);
    } else if (has("role \"") && has("does not exist")) {
        info.code = ErrorCode::authentication;
        info.message = fmt::format("the server at {} has no such role", target);
    } else if (has("database \"") && has("does not exist")) {
        info.code = ErrorCode::database_missing;
        info.message = fmt::format("the database in {} does not exist; create it with createdb", target);
    } else if (has("permission denied for database")) {
        info.code = ErrorCode::permission;
        info.message = fmt::format("the role may not connect to {}", target);
    } else if (has("unsupported startup parameter")) {
        info.code = ErrorCode::unavailable;
        info.message = fmt::format(
            "a pooler (PgBouncer) at {} refuses a startup parameter; say pooler=transaction in the connection string, "
            "or DatabaseOptions::pooler = Pooler::transaction, and leave `options` out of the connection string",
            target);
    } else if (has("too many clients") || has("remaining connection slots") || has("too many connections")) {
        info.code = ErrorCode::resources;
        info.retry = Retry::call;
        info.message = fmt::format("the server at {} has no free connection slot", target);
    } else {
        info.code = ErrorCode::unavailable;
        info.retry = Retry::call;
        info.message = fmt::format("cannot connect to {}", target);
        if (has("the database system is") || has("not yet accepting connections")) info.sqlstate = "57P03";
    }
    return info;
}

ErrorInfo lost_error(const PGconn* connection) {
    ErrorInfo info = make_error(ErrorCode::unavailable, "the connection to the server was lost");
    info.server_message = trimmed(PQerrorMessage(connection));
    info.retry = Retry::call;
    info.poisons_transaction = true;
    info.poisons_connection = true;
    return info;
}

}  // namespace stele
