// The server that a *_pgtest runs on: scripts/with_postgres starts it, each test has a schema of its own.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "stele/database.hpp"

namespace stele::test {

inline std::string from_runner(const char* name) {
    const char* value = std::getenv(name);
    if (value == nullptr) {
        throw std::runtime_error(std::string(name) + " is not set: run this through scripts/with_postgres --tcp");
    }
    return value;
}
inline std::string server_dsn() {
    return from_runner("STELE_TEST_DSN");
}
/// The same server through TCP, with a password.
inline std::string tcp_dsn() {
    return from_runner("STELE_TEST_TCP_DSN");
}

/// A fresh schema name, dropped with everything in it at the end.
class Server {
public:
    Server() {
        static std::atomic<int> count{0};
        schema_ = "t" + std::to_string(::getpid()) + "_" + std::to_string(++count);
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server() {
        try {
            bare().execute(Statement(Sql("DROP SCHEMA IF EXISTS " + schema_ + " CASCADE")));
        } catch (const std::exception& error) {
            ADD_FAILURE() << "dropping the schema: " << error.what();
        }
    }

    const std::string& schema() const { return schema_; }
    /// `dsn`: another way to the same server, a proxy's perhaps.
    DatabaseOptions options(const std::string& dsn = server_dsn()) const {
        DatabaseOptions options;
        options.dsn = dsn;
        options.schema = schema_;
        return options;
    }
    DatabaseOptions bare_options(const std::string& dsn = server_dsn()) const {
        DatabaseOptions bare = options(dsn);
        bare.bare = true;
        return bare;
    }
    /// With Stele's tables.
    Database open(const std::string& dsn = server_dsn()) const { return Database::open(options(dsn)); }
    /// Without any.
    Database bare(const std::string& dsn = server_dsn()) const { return Database::open(bare_options(dsn)); }
    /// The same with one connection, so that each statement meets the session of the one before.
    Database single() const {
        DatabaseOptions single = bare_options();
        single.max_connections = 1;
        return Database::open(single);
    }

private:
    std::string schema_;
};

/// The Error that `call` throws; a test failure if it throws none.
template <class Call>
ErrorInfo error_of(Call call) {
    try {
        call();
    } catch (const Error& error) {
        return error.info();
    }
    ADD_FAILURE() << "no Error was thrown";
    return {};
}

}  // namespace stele::test
