// Stores on a database or in memory, for tests of what both must do.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "stele/configuration.hpp"
#include "stele/labels.hpp"
#include "stele/templates.hpp"
#include "support/server.hpp"

namespace stele::test {

inline Json n(int value) {
    return Json::parse("{\"n\":" + std::to_string(value) + "}");
}

enum class On { database, memory };

class AnyStores : public ::testing::TestWithParam<On> {
protected:
    AnyStores() {
        if (GetParam() == On::database) database_ = server_.open();
    }
    ConfigurationRepository configurations() {
        return database_ ? ConfigurationRepository(*database_) : ConfigurationRepository::in_memory(memory_);
    }
    TemplatesRepository templates() {
        return database_ ? TemplatesRepository(*database_) : TemplatesRepository::in_memory(memory_);
    }
    Labels labels() { return database_ ? Labels(*database_) : Labels(memory_); }

    Server server_;
    std::optional<Database> database_;
    MemoryDatabase memory_;
};

inline const auto kBoth = ::testing::Values(On::database, On::memory);
inline std::string name_of(const ::testing::TestParamInfo<On>& which) {
    return which.param == On::database ? "on_a_database" : "in_memory";
}

}  // namespace stele::test
