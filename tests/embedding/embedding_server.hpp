// Servers for the tests of HttpEmbedder, on 127.0.0.1 and a port of their own.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "stele/error.hpp"
#include "stele/http_embedder.hpp"

namespace stele::testing {

constexpr const char* kKeyVariable = "STELE_TEST_EMBEDDER_KEY";
constexpr const char* kKey = "sk-test-0123456789abcdef";

/// The vector that the test servers give a text that is a number: another direction for every number.
inline std::vector<float> raw_vector(const std::string& text) {
    return {std::stof(text) + 1.0F, 100.0F, 0.0F, 0.0F};
}

inline std::vector<float> unit_vector(const std::string& text) {
    std::vector<float> vector = raw_vector(text);
    const float length = std::sqrt(vector[0] * vector[0] + vector[1] * vector[1]);
    for (float& element : vector) element /= length;
    return vector;
}

inline nlohmann::json answer_to(const nlohmann::json& request) {
    nlohmann::json data = nlohmann::json::array();
    for (const auto& text : request.at("input"))
        data.push_back({{"object", "embedding"}, {"index", data.size()}, {"embedding", raw_vector(text)}});
    return {{"object", "list"}, {"data", data}, {"model", request.at("model")}};
}

/// A real HTTP server whose answers are made by `handler`, on up to 32 threads at once.
class EmbeddingServer {
public:
    using Handler = std::function<void(const httplib::Request&, httplib::Response&)>;

    /// Answers as a good server does.
    EmbeddingServer()
        : EmbeddingServer(
              [](const httplib::Request& request, httplib::Response& response) { answer(request, response); }) {}

    explicit EmbeddingServer(Handler handler) {
        // A proxy of the environment must not come between.
        setenv("no_proxy", "127.0.0.1", 1);
        server_.new_task_queue = [] { return new httplib::ThreadPool(32); };
        server_.set_keep_alive_timeout(1);
        server_.set_keep_alive_max_count(1000);
        server_.Post("/v1/embeddings", [this, handler = std::move(handler)](const httplib::Request& request,
                                                                            httplib::Response& response) {
            ++requests;
            handler(request, response);
        });
        port_ = server_.bind_to_any_port("127.0.0.1");
        thread_ = std::thread([this] { server_.listen_after_bind(); });
        while (!server_.is_running()) std::this_thread::yield();
    }
    ~EmbeddingServer() {
        server_.stop();
        thread_.join();
    }
    EmbeddingServer(const EmbeddingServer&) = delete;
    EmbeddingServer& operator=(const EmbeddingServer&) = delete;

    static void answer(const httplib::Request& request, httplib::Response& response) {
        response.set_content(answer_to(nlohmann::json::parse(request.body)).dump(), "application/json");
    }

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }

    /// Options that reach this server and retry fast.
    HttpEmbedderOptions options() const {
        HttpEmbedderOptions options;
        options.url = url();
        options.model = "test-model";
        options.dimension = 4;
        options.key_variable = kKeyVariable;
        options.first_backoff = std::chrono::milliseconds(1);
        options.max_backoff = std::chrono::milliseconds(5);
        return options;
    }

    std::atomic<int> requests = 0;

private:
    httplib::Server server_;
    int port_ = 0;
    std::thread thread_;
};

/// Sends fixed bytes to one connection after another and closes each: what a dying server does.
class RawServer {
public:
    enum class Reading { whole_request, nothing };

    explicit RawServer(std::vector<std::string> replies, Reading reading = Reading::whole_request)
        : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
        setenv("no_proxy", "127.0.0.1", 1);
        sockaddr_in address = loopback();
        socklen_t length = sizeof(address);
        EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
        listen(listener_, 8);
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this, replies = std::move(replies), reading] {
            for (const std::string& reply : replies) serve(reply, reading);
        });
    }
    ~RawServer() {
        shutdown(listener_, SHUT_RDWR);  // wakes the thread if connections are still to come
        thread_.join();
        close(listener_);
    }
    RawServer(const RawServer&) = delete;
    RawServer& operator=(const RawServer&) = delete;

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }

    static sockaddr_in loopback() {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return address;
    }

private:
    void serve(const std::string& reply, Reading reading) const {
        const int connection = accept(listener_, nullptr, nullptr);
        if (connection < 0) return;
        if (reading == Reading::whole_request) {
            read_request(connection);
            send(connection, reply.data(), reply.size(), MSG_NOSIGNAL);
        } else {
            const linger reset{1, 0};
            setsockopt(connection, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        }
        close(connection);
    }

    static void read_request(int connection) {
        std::string text;
        char buffer[4096];
        for (;;) {
            const std::size_t head = text.find("\r\n\r\n");
            if (head != std::string::npos) {
                const std::size_t field = text.find("Content-Length: ");
                if (text.size() >= head + 4 + std::stoul(text.substr(field + 16))) return;
            }
            const ssize_t count = recv(connection, buffer, sizeof(buffer), 0);
            if (count <= 0) return;
            text.append(buffer, static_cast<std::size_t>(count));
        }
    }

    const int listener_;
    int port_ = 0;
    std::thread thread_;
};

inline std::vector<std::string> numbers(int count) {
    std::vector<std::string> texts;
    texts.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) texts.push_back(std::to_string(i));
    return texts;
}

inline std::vector<Embedding> embed(Embedder& embedder, const std::vector<std::string>& texts,
                                    Deadline deadline = Deadline::after(std::chrono::seconds(30))) {
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    return embedder.embed(views, deadline);
}

inline void expect_vectors_of(const std::vector<Embedding>& found, const std::vector<std::string>& texts) {
    ASSERT_EQ(found.size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const std::vector<float> expected = unit_vector(texts[i]);
        ASSERT_EQ(found[i].vector.size(), expected.size());
        for (std::size_t j = 0; j < expected.size(); ++j)
            EXPECT_NEAR(found[i].vector[j], expected[j], 1e-6) << "text " << texts[i] << ", element " << j;
    }
}

/// The Error that `action` throws.
template <class Action>
Error error_of(Action&& action) {
    try {
        action();
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return Error(ErrorInfo{});
}

}  // namespace stele::testing
