// Where configurations are stored.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stele/deadline.hpp"
#include "stele/executor.hpp"
#include "stele/json.hpp"

namespace stele {

/// Thread-safe. Identifiers and content have been checked.
class Configurations {
public:
    virtual ~Configurations() = default;
    virtual std::vector<std::string> identifiers(Deadline deadline) = 0;
    virtual std::optional<Json> newest(std::string_view identifier, Deadline deadline) = 0;
    /// False: it has not changed.
    virtual bool define(std::string_view identifier, const Json& content, std::string_view name, Deadline deadline) = 0;
    virtual std::size_t remove(std::string_view identifier, Deadline deadline) = 0;
};

/// In memory, for tests of those who use the repository.
std::unique_ptr<Configurations> make_memory_configurations(bool append_unchanged);

/// On the table. `executor`, which runs all statements, must outlive it; `group` on a database, where writes of several
/// callers may share a commit.
std::unique_ptr<Configurations> make_postgres_configurations(Executor& executor, const std::string& quoted_schema,
                                                             bool append_unchanged, bool group);

}  // namespace stele
