// A database of its own: with nobody else's extensions, locks and transactions.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "stele/database.hpp"
#include "support/server.hpp"

namespace stele::test {

/// Dropped at the end, whoever is connected to it.
class OwnDatabase {
public:
    OwnDatabase() : name_("own_" + server_.schema()) { execute("CREATE DATABASE " + name_); }
    OwnDatabase(const OwnDatabase&) = delete;
    OwnDatabase& operator=(const OwnDatabase&) = delete;
    ~OwnDatabase() {
        try {
            execute("DROP DATABASE " + name_ + " WITH (FORCE)");
        } catch (const std::exception& error) {
            ADD_FAILURE() << "dropping the database: " << error.what();
        }
    }

    std::string dsn() const {
        std::string dsn = server_dsn();
        const std::string old = "dbname=stele_test";
        return dsn.replace(dsn.rfind(old), old.size(), "dbname=" + name_);
    }

private:
    void execute(const std::string& sql) { server_.bare().execute(Statement(Sql(sql))); }

    Server server_;
    std::string name_;
};

}  // namespace stele::test
