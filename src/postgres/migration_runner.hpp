// Applies migrations, under the lock that keeps others from doing the same. migrate() and adopt() share it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "postgres/migration_plan.hpp"
#include "stele/migrations.hpp"

namespace stele {

inline Deadline migration_deadline(std::optional<Deadline> deadline) {
    return deadline ? *deadline : Deadline::after(std::chrono::minutes(5));
}

/// Nothing when the schema has no table of migrations. One statement, no lock and no right but to read.
std::optional<std::vector<AppliedMigration>> find_applied(Database& database, Deadline deadline);
/// In a transaction that knows that the table is there.
std::vector<AppliedMigration> read_applied(const Database& database, Executor& executor, Deadline deadline);

class MigrationRunner {
public:
    /// `lock_timeout`: how long a statement waits for a table that another session has locked; 0: until the deadline.
    MigrationRunner(Database& database, Deadline deadline, const std::vector<Migration>& all,
                    std::chrono::milliseconds lock_timeout = {})
        : database_(database), deadline_(deadline), all_(all), lock_timeout_(lock_timeout) {}

    /// What is pending, in order, each in a transaction of its own. Returns the numbers.
    std::vector<int> run();
    /// What is pending, in the given transaction, up to the first that must run outside of one. Returns the numbers.
    std::vector<int> run_in(Transaction& transaction);
    /// A transaction that holds the lock, with its timeouts set.
    Transaction begin_locked();

    /// Does `work` again when somebody without the lock created the same thing at the same moment, or a deadlock ended
    /// it.
    template <class Work>
    static auto patiently(const Work& work) {
        for (int attempt = 1;; ++attempt) {
            try {
                return work();
            } catch (const Error& error) {
                if (!should_run_again(error, attempt)) throw;
            }
        }
    }

private:
    static bool should_run_again(const Error& error, int attempt);
    [[noreturn]] void raise_from(const Error& error, const Migration& migration) const;
    bool apply(const Migration& migration);
    void apply_in(Transaction& transaction, const Migration& migration, const std::vector<std::string>& statements);
    bool create_table(Transaction& transaction);
    void note(Transaction& transaction, const Migration& migration);
    void run_outside(const Migration& migration, const std::vector<std::string>& statements);
    void drop_unfinished_indexes(Database& outside, const Migration& migration);

    Database& database_;
    Deadline deadline_;
    const std::vector<Migration>& all_;
    std::chrono::milliseconds lock_timeout_;
};

}  // namespace stele
