// The command on the test server, in a schema of the test's own.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/stele_command.hpp"
#include "support/server.hpp"

namespace stele::test {

inline Outcome run_on(const Server& server, std::vector<std::string> arguments, const std::string& input = {},
                      const Environment& environment = {}) {
    arguments.insert(arguments.end(), {"--dsn", server_dsn(), "--schema", server.schema()});
    return run_stele(arguments, environment, input);
}

/// The same with --json, for a command that must succeed.
inline nlohmann::json document_on(const Server& server, std::vector<std::string> arguments,
                                  const std::string& input = {}) {
    arguments.emplace_back("--json");
    const Outcome run = run_on(server, std::move(arguments), input);
    EXPECT_EQ(run.exit, 0) << run.err;
    return run.exit == 0 ? run.document() : nlohmann::json();
}

/// Its error with --json, for one that must end with this status.
inline nlohmann::json error_on(const Server& server, std::vector<std::string> arguments, int exit,
                               const std::string& input = {}) {
    arguments.emplace_back("--json");
    const Outcome run = run_on(server, std::move(arguments), input);
    EXPECT_EQ(run.exit, exit) << run.out << run.err;
    EXPECT_EQ(run.out, "");
    return run.error();
}

}  // namespace stele::test
