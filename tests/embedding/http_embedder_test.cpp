#include "stele/http_embedder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "embedding_server.hpp"
#include "support/environment.hpp"
#include "support/in_threads.hpp"

namespace stele {
namespace {

using namespace stele::testing;
using namespace std::chrono_literals;
using ::testing::ElementsAre;

TEST(HttpEmbedder, gives_one_unit_vector_a_text_in_their_order) {
    EmbeddingServer server;
    HttpEmbedder embedder(server.options());
    const auto texts = numbers(10);
    expect_vectors_of(embed(embedder, texts), texts);
    EXPECT_EQ(server.requests, 1);
}

TEST(HttpEmbedder, no_texts_give_no_embeddings_and_no_request) {
    EmbeddingServer server;
    HttpEmbedder embedder(server.options());
    EXPECT_TRUE(embed(embedder, {}).empty());
    EXPECT_EQ(server.requests, 0);
}

TEST(HttpEmbedder, splits_the_texts_into_batches) {
    std::mutex mutex;
    std::multiset<std::size_t> sizes;
    EmbeddingServer server([&](const httplib::Request& request, httplib::Response& response) {
        const auto body = nlohmann::json::parse(request.body);
        {
            const std::lock_guard lock(mutex);
            sizes.insert(body.at("input").size());
        }
        EXPECT_EQ(body.at("model"), "test-model");
        EXPECT_EQ(body.at("encoding_format"), "float");
        EXPECT_EQ(request.get_header_value("Content-Type"), "application/json");
        EmbeddingServer::answer(request, response);
    });
    HttpEmbedderOptions options = server.options();
    options.max_batch = 4;
    HttpEmbedder embedder(options);
    const auto texts = numbers(10);
    expect_vectors_of(embed(embedder, texts), texts);
    const std::lock_guard lock(mutex);
    EXPECT_THAT(sizes, ElementsAre(2, 4, 4));
}

TEST(HttpEmbedder, a_vector_finds_its_text_whatever_order_the_answer_has) {
    EmbeddingServer server([](const httplib::Request& request, httplib::Response& response) {
        auto body = answer_to(nlohmann::json::parse(request.body));
        std::reverse(body["data"].begin(), body["data"].end());
        response.set_content(body.dump(), "application/json");
    });
    HttpEmbedder embedder(server.options());
    const auto texts = numbers(10);
    expect_vectors_of(embed(embedder, texts), texts);
}

TEST(HttpEmbedder, the_order_is_kept_when_the_first_batch_is_answered_last) {
    std::mutex mutex;
    std::condition_variable changed;
    int others = 0;
    EmbeddingServer server([&](const httplib::Request& request, httplib::Response& response) {
        std::unique_lock lock(mutex);
        if (nlohmann::json::parse(request.body).at("input").at(0) == "0") {
            EXPECT_TRUE(changed.wait_for(lock, 20s, [&] { return others == 2; }));
        } else {
            ++others;
            changed.notify_all();
        }
        EmbeddingServer::answer(request, response);
    });
    HttpEmbedderOptions options = server.options();
    options.max_batch = 1;
    options.max_concurrent = 3;
    HttpEmbedder embedder(options);
    const auto texts = numbers(3);
    expect_vectors_of(embed(embedder, texts), texts);
}

TEST(HttpEmbedder, the_limit_of_requests_at_once_is_reached_and_never_passed_over_all_threads) {
    std::mutex mutex;
    std::condition_variable changed;
    int under_way = 0;
    int most = 0;
    EmbeddingServer server([&](const httplib::Request& request, httplib::Response& response) {
        std::unique_lock lock(mutex);
        most = std::max(most, ++under_way);
        changed.notify_all();
        // Nobody is answered before the limit was reached once.
        EXPECT_TRUE(changed.wait_for(lock, 20s, [&] { return most >= 3; }));
        EmbeddingServer::answer(request, response);
        --under_way;
    });
    HttpEmbedderOptions options = server.options();
    options.max_batch = 1;
    options.max_concurrent = 3;
    HttpEmbedder embedder(options);
    test::in_threads(4, [&](int) {
        const auto texts = numbers(10);
        expect_vectors_of(embed(embedder, texts), texts);
    });
    const std::lock_guard lock(mutex);
    EXPECT_EQ(most, 3);
    EXPECT_EQ(server.requests, 40);
}

TEST(HttpEmbedder, a_caller_waits_for_its_turn_no_longer_than_its_deadline) {
    std::mutex mutex;
    std::condition_variable changed;
    bool arrived = false;
    bool released = false;
    EmbeddingServer server([&](const httplib::Request& request, httplib::Response& response) {
        std::unique_lock lock(mutex);
        arrived = true;
        changed.notify_all();
        EXPECT_TRUE(changed.wait_for(lock, 20s, [&] { return released; }));
        EmbeddingServer::answer(request, response);
    });
    HttpEmbedderOptions options = server.options();
    options.max_concurrent = 1;
    HttpEmbedder embedder(options);
    std::thread holder([&] { expect_vectors_of(embed(embedder, {"1"}), {"1"}); });
    {
        std::unique_lock lock(mutex);
        EXPECT_TRUE(changed.wait_for(lock, 20s, [&] { return arrived; }));
    }
    const Error error = error_of([&] { embed(embedder, {"2"}, Deadline::after(50ms)); });
    EXPECT_EQ(error.code(), ErrorCode::deadline_exceeded);
    {
        const std::lock_guard lock(mutex);
        released = true;
    }
    changed.notify_all();
    holder.join();
    EXPECT_EQ(server.requests, 1);
}

TEST(HttpEmbedder, many_threads_share_one_embedder) {
    EmbeddingServer server;
    HttpEmbedderOptions options = server.options();
    options.max_batch = 3;
    HttpEmbedder embedder(options);
    test::in_threads(8, [&](int i) {
        for (int round = 0; round < 5; ++round) {
            const auto texts = numbers(i + round + 1);
            expect_vectors_of(embed(embedder, texts), texts);
        }
    });
}

TEST(HttpEmbedder, the_dimension_is_asked_for_once_when_it_is_not_given) {
    EmbeddingServer server([](const httplib::Request&, httplib::Response& response) {
        response.set_content(R"({"data": [{"embedding": [1, 2, 3, 4, 5]}]})", "application/json");
    });
    HttpEmbedderOptions options = server.options();
    options.dimension = 0;
    HttpEmbedder embedder(options);
    EXPECT_EQ(embedder.dimension(), 5U);
    EXPECT_EQ(embedder.fingerprint(), "openai:test-model:5");
    EXPECT_EQ(server.requests, 1);
    EXPECT_EQ(embed(embedder, {"1"}).at(0).vector.size(), 5U);
    EXPECT_EQ(server.requests, 2);
}

TEST(HttpEmbedder, a_given_dimension_costs_no_request_and_the_fingerprint_names_no_host) {
    EmbeddingServer server;
    HttpEmbedder embedder(server.options());
    EXPECT_EQ(embedder.dimension(), 4U);
    EXPECT_EQ(embedder.fingerprint(), "openai:test-model:4");
    EXPECT_EQ(server.requests, 0);
}

TEST(HttpEmbedder, the_key_of_the_environment_is_sent_as_bearer_token_and_wins_over_a_password) {
    const test::EnvironmentVariable key(kKeyVariable, kKey);
    EmbeddingServer server([](const httplib::Request& request, httplib::Response& response) {
        EXPECT_EQ(request.get_header_value_count("Authorization"), 1U);
        EXPECT_EQ(request.get_header_value("Authorization"), std::string("Bearer ") + kKey);
        EmbeddingServer::answer(request, response);
    });
    HttpEmbedderOptions options = server.options();
    HttpEmbedder plain(options);
    expect_vectors_of(embed(plain, {"1"}), {"1"});
    options.url.insert(std::string("http://").size(), "user:password@");
    HttpEmbedder with_password(options);
    expect_vectors_of(embed(with_password, {"1"}), {"1"});
}

TEST(HttpEmbedder, without_a_key_no_authorization_is_sent) {
    EmbeddingServer server([](const httplib::Request& request, httplib::Response& response) {
        EXPECT_FALSE(request.has_header("Authorization"));
        EmbeddingServer::answer(request, response);
    });
    HttpEmbedderOptions options = server.options();
    HttpEmbedder unset(options);
    expect_vectors_of(embed(unset, {"1"}), {"1"});
    options.key_variable.clear();
    HttpEmbedder unnamed(options);
    expect_vectors_of(embed(unnamed, {"1"}), {"1"});
}

TEST(HttpEmbedder, connections_are_kept_between_calls) {
    std::mutex mutex;
    std::set<int> client_ports;
    EmbeddingServer server([&](const httplib::Request& request, httplib::Response& response) {
        const std::lock_guard lock(mutex);
        client_ports.insert(request.remote_port);
        EmbeddingServer::answer(request, response);
    });
    HttpEmbedder embedder(server.options());
    for (int i = 0; i < 5; ++i) expect_vectors_of(embed(embedder, {"1"}), {"1"});
    const std::lock_guard lock(mutex);
    EXPECT_EQ(client_ports.size(), 1U);
}

TEST(HttpEmbedder, a_large_request_is_sent_whole) {
    EmbeddingServer server([](const httplib::Request& request, httplib::Response& response) {
        EXPECT_FALSE(request.has_header("Expect"));
        EXPECT_EQ(nlohmann::json::parse(request.body).at("input").at(0).get<std::string>().size(), 4u << 20);
        response.set_content(R"({"data": [{"embedding": [1, 2, 3, 4]}]})", "application/json");
    });
    HttpEmbedder embedder(server.options());
    EXPECT_EQ(embed(embedder, {std::string(4u << 20, '\n')}).size(), 1U);
}

TEST(HttpEmbedder, unusable_options_are_refused) {
    EmbeddingServer server;
    const auto refused = [&](auto change) {
        HttpEmbedderOptions options = server.options();
        change(options);
        return error_of([&] { HttpEmbedder{options}; }).code() == ErrorCode::invalid_argument;
    };
    EXPECT_TRUE(refused([](HttpEmbedderOptions& options) { options.url = "127.0.0.1:1"; }));
    EXPECT_TRUE(refused([](HttpEmbedderOptions& options) { options.model.clear(); }));
    EXPECT_TRUE(refused([](HttpEmbedderOptions& options) { options.max_batch = 0; }));
    EXPECT_TRUE(refused([](HttpEmbedderOptions& options) { options.max_concurrent = 0; }));
    EXPECT_TRUE(refused([](HttpEmbedderOptions& options) { options.max_concurrent = 1025; }));
    EXPECT_TRUE(refused([](HttpEmbedderOptions& options) { options.max_attempts = 0; }));
    EXPECT_TRUE(refused([](HttpEmbedderOptions& options) { options.first_backoff = -1ms; }));
    EXPECT_TRUE(refused([](HttpEmbedderOptions& options) { options.max_backoff = 25h; }));
    EXPECT_TRUE(refused([](HttpEmbedderOptions& options) { options.timeout = 0ms; }));
    EXPECT_TRUE(refused([](HttpEmbedderOptions& options) { options.max_response_bytes = 0; }));
    EXPECT_EQ(server.requests, 0);
}

}  // namespace
}  // namespace stele
