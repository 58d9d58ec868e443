// mneme, the Python package, in a process of its own on a test's schema: drives mneme_process.py.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coherence/process.hpp"
#include "stele/semantic_cache.hpp"
#include "stele/testing.hpp"
#include "support/server.hpp"

namespace stele::test {

/// With the vectors of a FakeEmbedder that both sides share. For one thread. What mneme raises is thrown as
/// std::runtime_error with its name.
class Mneme {
public:
    using Json = nlohmann::json;

    /// `options`: of mneme's SemanticCache.
    explicit Mneme(const Server& server, std::shared_ptr<testing::FakeEmbedder> embedder,
                   const Json& options = {{"multi_process_mode", "stale-tolerant"}})
        : embedder_(std::move(embedder)),
          process_(STELE_MNEME_PROCESS, server_dsn(), server.schema(), {STELE_MNEME_PACKAGES}) {
        open(options);
    }
    void open(const Json& options = {{"multi_process_mode", "stale-tolerant"}}) {
        ask("open", {{"dim", embedder_->dimension()}, {"fingerprint", embedder_->fingerprint()}, {"options", options}});
    }
    void close() { ask("close"); }

    /// Null: a miss.
    Json get(const std::string& query, const std::string& name_space = "default") {
        return ask("get", {{"query", query}, {"vector", vector(query)}, {"namespace", name_space}});
    }
    /// `more`: metadata, ttl.
    void put(const std::string& query, const std::string& response, const std::string& name_space = "default",
             Json more = Json::object()) {
        more["query"] = query;
        more["response"] = response;
        more["vector"] = vector(query);
        more["namespace"] = name_space;
        ask("put", std::move(more));
    }
    bool remove(const std::string& query, const std::string& name_space = "default") {
        return ask("delete", {{"query", query}, {"namespace", name_space}}).get<bool>();
    }
    /// The stored row; null: there is none.
    Json entry(const std::string& query, const std::string& name_space = "default") {
        return ask("entry", {{"query", query}, {"namespace", name_space}});
    }
    Json ask(const char* what, Json with = Json::object()) {
        with["do"] = what;
        return Json::parse(process_.ask(with.dump()));
    }
    std::vector<float> vector(const std::string& query) const {
        const std::string text = normalized_query(query);
        const std::string_view texts[] = {text};
        return embedder_->embed(texts, {}).front().vector;
    }

private:
    const std::shared_ptr<testing::FakeEmbedder> embedder_;
    Process process_;
};

}  // namespace stele::test
