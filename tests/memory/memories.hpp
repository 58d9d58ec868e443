// Memories on a database or in memory, for tests of what both must do.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "memory/elements.hpp"
#include "stele/model_memory.hpp"
#include "support/server.hpp"

namespace stele::test {

enum class On { database, memory };

class AnyMemory : public ::testing::TestWithParam<On> {
protected:
    AnyMemory() {
        if (GetParam() == On::database) database_ = server_.open();
    }
    ModelMemory memory(const std::string& identifier = "thread", ModelMemoryOptions options = {}) {
        return database_ ? ModelMemory(*database_, identifier, options)
                         : ModelMemory::in_memory(identifier, memory_, options);
    }

    Server server_;
    std::optional<Database> database_;
    MemoryDatabase memory_;
};

inline const auto kBoth = ::testing::Values(On::database, On::memory);
inline std::string name_of(const ::testing::TestParamInfo<On>& which) {
    return which.param == On::database ? "on_a_database" : "in_memory";
}

}  // namespace stele::test
