// A connection that somebody else than Stele has made.
#pragma once

#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <memory>
#include <string>

#include "support/server.hpp"

namespace stele::test {

class OwnConnection {
public:
    OwnConnection() : connection_(PQconnectdb(server_dsn().c_str())) {
        EXPECT_EQ(PQstatus(get()), CONNECTION_OK) << PQerrorMessage(get());
        ask("SET client_min_messages = warning");  // notices would go to standard error
    }
    PGconn* get() const { return connection_.get(); }
    int pid() const { return PQbackendPID(get()); }
    /// The first value of the answer; what went wrong where there is none.
    std::string ask(const std::string& sql) {
        const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(get(), sql.c_str()), &PQclear);
        if (PQresultStatus(result.get()) == PGRES_COMMAND_OK) return {};
        if (PQntuples(result.get()) == 0) return PQerrorMessage(get());
        return PQgetvalue(result.get(), 0, 0);
    }

private:
    struct Finish {
        void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
    };
    std::unique_ptr<PGconn, Finish> connection_;
};

}  // namespace stele::test
