// A cache of Stele's, and mneme in another process, on the same tables.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "cache/any_cache.hpp"
#include "interop/mneme.hpp"

namespace stele::test {

class BesideMneme : public ::testing::Test {
protected:
    using Json = nlohmann::json;

    SemanticCache open(SemanticCacheOptions options = {}) {
        return SemanticCache(database, embedder, std::move(options));
    }
    Mneme mneme(const Json& options = {{"multi_process_mode", "stale-tolerant"}}) {
        return Mneme(server, embedder, options);
    }
    /// A question is like another one.
    void similar(const std::string& text, const std::string& base, float cosine = 0.95f) {
        embedder->similar(normalized_query(text), normalized_query(base), cosine);
    }
    /// So much time passes for what is stored: no clock can be moved.
    void pass(std::chrono::seconds time) {
        database.execute(Statement("UPDATE " + server.schema() + ".entries SET created_at = created_at - $1",
                                   std::int64_t{time.count()}));
        settle(database);
    }
    std::int64_t number(const std::string& sql) { return database.query(Statement(Sql(sql)))[0].get<std::int64_t>(0); }
    std::int64_t entries() { return number("SELECT count(*) FROM " + server.schema() + ".entries"); }

    Server server;
    Database database = Database::open(undisturbed(server.options()));
    std::shared_ptr<testing::FakeEmbedder> embedder = std::make_shared<testing::FakeEmbedder>();
};

inline std::string answer_of(const nlohmann::json& hit) {
    return hit.is_null() ? "a miss" : hit["response"].get<std::string>();
}
inline std::string answer_of(const std::optional<Hit>& hit) {
    return hit ? hit->response : "a miss";
}

}  // namespace stele::test
