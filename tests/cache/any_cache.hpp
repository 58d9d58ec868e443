// A cache on a database, and its twin in memory: what is true of both.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "postgres/database_impl.hpp"
#include "stele/semantic_cache.hpp"
#include "stele/testing.hpp"
#include "support/server.hpp"

namespace stele::test {

enum class On { database, memory };

/// What was committed by now is known to all caches of this database.
inline void settle(const Database& database) {
    database.impl().changes->catch_up(Deadline::after(std::chrono::seconds(10)));
}

/// Of a database whose caches ask and say nothing between calls, and know all that was committed before settle().
inline DatabaseOptions undisturbed(DatabaseOptions options) {
    options.max_staleness = std::chrono::minutes(10);
    options.change_hints = false;
    return options;
}

class AnyCache : public ::testing::TestWithParam<On> {
protected:
    AnyCache() {
        if (GetParam() == On::database) database = server.open();
    }
    SemanticCache open(SemanticCacheOptions options = {}) { return open(embedder, options); }
    /// With another embedder, or none; of the same entries.
    SemanticCache open(std::shared_ptr<Embedder> other, SemanticCacheOptions options = {}) {
        return database ? SemanticCache(*database, std::move(other), options)
                        : SemanticCache::in_memory(memory, std::move(other), options);
    }
    void pass(std::chrono::seconds time) {
        clock.advance(time);
        if (!database) return;
        // the server's clock cannot be moved: what is stored moves into the past
        database->execute(Statement("UPDATE " + server.schema() +
                                        ".entries SET created_at = created_at - $1,"
                                        " last_accessed_at = last_accessed_at - $1",
                                    std::int64_t{time.count()}));
        settle(*database);
    }
    /// A hit, whose time is stored when this returns, and not again later.
    void use(SemanticCache& cache, const std::string& query, const Scope& scope = {}) {
        if (!database) {
            ASSERT_TRUE(cache.get(query, scope)) << query;
            return;
        }
        SemanticCache notes(*database, nullptr, {.access_times = AccessTimes::within_call});
        ASSERT_TRUE(notes.get(query, scope)) << query;
    }

    Server server;
    std::optional<Database> database;
    testing::FakeClock clock;
    MemoryDatabase memory{clock};
    std::shared_ptr<testing::FakeEmbedder> embedder = std::make_shared<testing::FakeEmbedder>();
};

inline std::string name_of(const ::testing::TestParamInfo<On>& which) {
    return which.param == On::database ? "on_a_database" : "in_memory";
}

}  // namespace stele::test
