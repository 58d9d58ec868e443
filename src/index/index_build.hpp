// Building the indexes of a table while others read and write it.
#pragma once

#include <string>
#include <vector>

#include "index/index_table.hpp"
#include "stele/database.hpp"

namespace stele {

/// For one thread.
class IndexBuild {
public:
    /// `table` must outlive it. Throws Error(schema_missing) when it is not there.
    IndexBuild(Database database, const IndexTable& table, const IndexBuildOptions& options);

    /// What is missing, or was left unfinished. Their names.
    std::vector<std::string> build();
    /// All of them again, and what is missing.
    std::vector<std::string> rebuild();

private:
    /// What lies about unfinished, by those who were interrupted: an index that nobody uses and every writer keeps up.
    void drop_unfinished();
    void run(const std::string& sql, const std::string& index);
    void tell(const std::string& index);
    void finish(const std::string& index);
    std::string qualified(const std::string& index) const;

    Database database_;
    const IndexTable& table_;
    const IndexBuildOptions& options_;
    Deadline deadline_;
    TableFacts facts_;
    std::vector<WantedIndex> wanted_;
    std::size_t number_ = 0, of_ = 0;
};

}  // namespace stele
