// A table to copy into and out of, whose name has to be quoted.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "stele/copy.hpp"
#include "support/server.hpp"

namespace stele::test {

/// The table is not created yet.
class Copy : public testing::Test {
protected:
    void create(const std::string& columns) {
        database.execute(Statement(Sql("CREATE TABLE " + quoted + " (" + columns + ")")));
    }
    std::int64_t count(Executor& executor) {
        return executor.query(Statement(Sql("SELECT count(*) FROM " + quoted)))[0].get<std::int64_t>(0);
    }
    std::int64_t count() { return count(database); }
    CopyTable columns(std::vector<std::string> names = {}) const {
        return {"it's a \"table\"", std::move(names), server.schema()};
    }
    Sql all() const { return Sql("SELECT * FROM " + quoted); }

    Server server;
    Database database = server.open();
    Connection connection = database.connect();
    std::string quoted = server.schema() + R"(."it's a ""table""")";
};

}  // namespace stele::test
