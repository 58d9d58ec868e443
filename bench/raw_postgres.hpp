// The rival of the PostgreSQL benches: libpq as a careful C program uses it.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <string_view>

namespace stele::bench {

/// One connection. Every failure throws std::runtime_error with the server's words.
class RawConnection {
public:
    explicit RawConnection(const std::string& dsn);

    /// One or more commands; returns the first value of the last one's answer, or nothing.
    std::string run(const std::string& sql);
    /// The answer of one command.
    struct Clear {
        void operator()(PGresult* result) const noexcept { PQclear(result); }
    };
    using Result = std::unique_ptr<PGresult, Clear>;
    Result query(const std::string& sql);

    /// Prepares a statement of text parameters under that name.
    void prepare(const char* name, const char* sql);
    /// Runs it: text both ways, the answer in one piece.
    template <class... Values>
    Result execute(const char* name, const Values&... values) {
        const char* const parameters[] = {values.c_str()...};
        return checked(PQexecPrepared(connection_.get(), name, sizeof...(Values), parameters, nullptr, nullptr, 0));
    }

    int backend_pid() const noexcept { return PQbackendPID(connection_.get()); }
    PGconn* get() const noexcept { return connection_.get(); }

private:
    Result checked(PGresult* result);

    struct Finish {
        void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
    };
    std::unique_ptr<PGconn, Finish> connection_;
};

}  // namespace stele::bench
