// A role of a test's own.
#pragma once

#include <string>

#include "stele/database.hpp"

namespace stele::test {

/// Assumed by the connections made with assumed(); gone at the end.
class Role {
public:
    Role(Database& database, const std::string& name) : database_(database), name_(name) {
        execute("CREATE ROLE " + name_);
    }
    ~Role() {
        execute("DROP OWNED BY " + name_ + " CASCADE");
        execute("DROP ROLE " + name_);
    }
    Role(const Role&) = delete;
    Role& operator=(const Role&) = delete;
    void execute(const std::string& sql) { database_.execute(Statement(Sql(sql))); }
    const std::string& name() const { return name_; }

    DatabaseOptions assumed(DatabaseOptions options) const {
        const bool is_uri = options.dsn.find("://") != std::string::npos;
        const bool has_query = options.dsn.find('?') != std::string::npos;
        options.dsn +=
            is_uri ? (has_query ? "&" : "?") + ("options=-c%20role%3D" + name_) : " options='-c role=" + name_ + "'";
        return options;
    }

private:
    Database& database_;
    std::string name_;
};

}  // namespace stele::test
