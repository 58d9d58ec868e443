// What HttpEmbedder does when the server or the way to it fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <future>

#include "embedding_server.hpp"
#include "stele/http_embedder.hpp"
#include "support/environment.hpp"

namespace stele {
namespace {

using namespace stele::testing;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

EmbeddingServer::Handler always(int status, std::string body, httplib::Headers headers = {}) {
    return [=](const httplib::Request&, httplib::Response& response) {
        response.status = status;
        for (const auto& [name, value] : headers) response.set_header(name.c_str(), value.c_str());
        response.set_content(body, "application/json");
    };
}

// Answers `failures` times with `status`, then well.
struct Recovering {
    int status;
    int failures;
    httplib::Headers headers = {};
    std::atomic<int> seen = 0;

    EmbeddingServer::Handler handler() {
        return [this](const httplib::Request& request, httplib::Response& response) {
            if (seen++ < failures)
                always(status, R"({"error": {"message": "not now"}})", headers)(request, response);
            else
                EmbeddingServer::answer(request, response);
        };
    }
};

Error failure_against(EmbeddingServer& server, const HttpEmbedderOptions& options,
                      Deadline deadline = Deadline::after(30s)) {
    static_cast<void>(server);
    HttpEmbedder embedder(options);
    return error_of([&] { embed(embedder, {"1", "2"}, deadline); });
}

class PassingStatus : public ::testing::TestWithParam<int> {};

TEST_P(PassingStatus, is_tried_again_until_it_has_passed) {
    Recovering recovering{GetParam(), 4};
    EmbeddingServer server(recovering.handler());
    HttpEmbedder embedder(server.options());
    expect_vectors_of(embed(embedder, {"1", "2"}), {"1", "2"});
    EXPECT_EQ(server.requests, 5);
}

TEST_P(PassingStatus, fails_with_advice_to_call_again_when_it_does_not_pass) {
    EmbeddingServer server(always(GetParam(), R"({"error": {"message": "not now"}})"));
    const Error error = failure_against(server, server.options());
    EXPECT_EQ(error.code(), ErrorCode::embedder_failed);
    EXPECT_EQ(error.retry(), Retry::call);
    EXPECT_EQ(error.server_message(), "not now");
    EXPECT_THAT(error.what(), AllOf(HasSubstr("HTTP " + std::to_string(GetParam())), HasSubstr("after 5 attempts"),
                                    HasSubstr("inputs 0 to 1"), HasSubstr(server.url() + "/embeddings")));
    EXPECT_EQ(server.requests, 5);
}

INSTANTIATE_TEST_SUITE_P(HttpEmbedder, PassingStatus, ::testing::Values(408, 429, 500, 502, 503, 504));

TEST(HttpEmbedderFailure, retry_after_is_obeyed) {
    Recovering recovering{429, 1, {{"Retry-After", "1"}}};
    EmbeddingServer server(recovering.handler());
    HttpEmbedder embedder(server.options());
    const auto start = std::chrono::steady_clock::now();
    expect_vectors_of(embed(embedder, {"1"}), {"1"});
    EXPECT_GE(std::chrono::steady_clock::now() - start, 1s);
    EXPECT_EQ(server.requests, 2);
}

TEST(HttpEmbedderFailure, a_retry_after_behind_the_deadline_fails_at_once) {
    for (const char* value : {"3600", "Fri, 01 Jan 2100 00:00:00 GMT"}) {
        EmbeddingServer server(always(429, "{}", {{"Retry-After", value}}));
        const Error error = failure_against(server, server.options(), Deadline::after(60s));
        EXPECT_EQ(error.code(), ErrorCode::embedder_failed);
        EXPECT_EQ(error.retry(), Retry::call);
        EXPECT_THAT(error.what(),
                    AllOf(HasSubstr("HTTP 429, to be asked again after "), HasSubstr("no time for another")));
        EXPECT_EQ(server.requests, 1);
    }
}

TEST(HttpEmbedderFailure, a_server_that_hangs_costs_the_deadline_and_no_more) {
    std::promise<void> end;
    const std::shared_future<void> ended = end.get_future().share();
    EmbeddingServer server([&](const httplib::Request&, httplib::Response&) { ended.wait(); });
    {
        const Error error = failure_against(server, server.options(), Deadline::after(100ms));
        EXPECT_EQ(error.code(), ErrorCode::deadline_exceeded);
        EXPECT_EQ(error.retry(), Retry::call);
        EXPECT_THAT(error.what(), HasSubstr(server.url()));
    }
    EXPECT_LE(server.requests, 1);
    end.set_value();
}

TEST(HttpEmbedderFailure, a_hanging_attempt_is_cut_at_the_timeout_and_tried_again) {
    std::promise<void> end;
    const std::shared_future<void> ended = end.get_future().share();
    std::atomic<int> seen = 0;
    EmbeddingServer server([&](const httplib::Request& request, httplib::Response& response) {
        if (seen++ == 0) return ended.wait();
        EmbeddingServer::answer(request, response);
    });
    HttpEmbedderOptions options = server.options();
    options.timeout = 500ms;
    HttpEmbedder embedder(options);
    expect_vectors_of(embed(embedder, {"1"}), {"1"});
    EXPECT_GE(server.requests, 2);
    end.set_value();
}

TEST(HttpEmbedderFailure, an_expired_deadline_sends_nothing) {
    EmbeddingServer server;
    const Error error = failure_against(server, server.options(), Deadline::after(0s));
    EXPECT_EQ(error.code(), ErrorCode::deadline_exceeded);
    EXPECT_EQ(server.requests, 0);
}

TEST(HttpEmbedderFailure, a_refused_connection_is_tried_again_and_named) {
    // Bound but not listening: nobody else can get the port.
    const int reserved = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = RawServer::loopback();
    socklen_t length = sizeof(address);
    ASSERT_EQ(bind(reserved, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    ASSERT_EQ(getsockname(reserved, reinterpret_cast<sockaddr*>(&address), &length), 0);
    EmbeddingServer unused;
    HttpEmbedderOptions options = unused.options();
    const std::string place = "127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/v1";
    options.url = "http://user:hidden-password@" + place + "?api_key=hidden-query";
    const Error error = failure_against(unused, options);
    EXPECT_EQ(error.code(), ErrorCode::embedder_failed);
    EXPECT_EQ(error.retry(), Retry::call);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("http://" + place + "/embeddings"), HasSubstr("after 5 attempts"),
                                    Not(HasSubstr("hidden")), Not(HasSubstr("user"))));
    close(reserved);
}

const std::string kWholeAnswer = [] {
    const std::string body = R"({"data": [{"embedding": [2, 100, 0, 0]}]})";
    return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}();

class DyingServer : public ::testing::TestWithParam<std::size_t> {};

// Wherever the answer breaks off, the request is sent again.
TEST_P(DyingServer, is_asked_again) {
    RawServer server({kWholeAnswer.substr(0, GetParam()), kWholeAnswer});
    EmbeddingServer unused;
    HttpEmbedderOptions options = unused.options();
    options.url = server.url();
    HttpEmbedder embedder(options);
    expect_vectors_of(embed(embedder, {"1"}), {"1"});
}

INSTANTIATE_TEST_SUITE_P(HttpEmbedder, DyingServer,
                         ::testing::Values(0, 3, 17, 40, kWholeAnswer.find("\r\n\r\n") + 4, kWholeAnswer.size() - 1));

TEST(HttpEmbedderFailure, a_server_that_always_dies_is_given_up) {
    RawServer server(std::vector<std::string>(5, kWholeAnswer.substr(0, kWholeAnswer.size() - 1)));
    EmbeddingServer unused;
    HttpEmbedderOptions options = unused.options();
    options.url = server.url();
    const Error error = failure_against(unused, options);
    EXPECT_EQ(error.code(), ErrorCode::embedder_failed);
    EXPECT_EQ(error.retry(), Retry::call);
}

TEST(HttpEmbedderFailure, a_connection_closed_while_sending_raises_no_signal) {
    auto* const before = std::signal(SIGPIPE, SIG_DFL);
    RawServer server(std::vector<std::string>(3, ""), RawServer::Reading::nothing);
    EmbeddingServer unused;
    std::signal(SIGPIPE, SIG_DFL);
    HttpEmbedderOptions options = unused.options();
    options.url = server.url();
    options.max_attempts = 3;
    HttpEmbedder embedder(options);
    const Error error = error_of([&] { embed(embedder, {std::string(16u << 20, 'x')}); });
    EXPECT_EQ(error.code(), ErrorCode::embedder_failed);
    std::signal(SIGPIPE, before);
}

struct BadAnswer {
    const char* name;
    const char* body;
    const char* message;
};

class UnusableAnswer : public ::testing::TestWithParam<BadAnswer> {};

TEST_P(UnusableAnswer, is_an_error_that_says_what_is_wrong_and_is_not_asked_for_again) {
    EmbeddingServer server(always(200, GetParam().body));
    const Error error = failure_against(server, server.options());
    EXPECT_EQ(error.code(), ErrorCode::embedder_failed);
    EXPECT_EQ(error.retry(), Retry::no);
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
    EXPECT_EQ(server.requests, 1);
}

INSTANTIATE_TEST_SUITE_P(
    HttpEmbedder, UnusableAnswer,
    ::testing::Values(
        BadAnswer{"dimension", R"({"data": [{"embedding": [1, 2, 3, 4]}, {"embedding": [1, 2, 3]}]})",
                  "input 1: 3 elements instead of 4"},
        BadAnswer{"nan", R"({"data": [{"embedding": [1, 2, 3, NaN]}, {"embedding": [1, 2, 3, 4]}]})",
                  "input 0: element 3 is not a finite number"},
        BadAnswer{"infinity", R"({"data": [{"embedding": [1, 2, 3, 4]}, {"embedding": [1, 1e999, 3, 4]}]})",
                  "input 1: element 1 is not a finite number"},
        BadAnswer{"zero", R"({"data": [{"embedding": [0, 0, 0, 0]}, {"embedding": [1, 2, 3, 4]}]})",
                  "input 0: it is zero"},
        BadAnswer{"too_few", R"({"data": [{"embedding": [1, 2, 3, 4]}]})", "1 vectors for 2 inputs"},
        BadAnswer{
            "too_many",
            R"({"data": [{"embedding": [1, 2, 3, 4]}, {"embedding": [1, 2, 3, 4]}, {"embedding": [1, 2, 3, 4]}]})",
            "index 2, for 2 inputs"},
        BadAnswer{"twice",
                  R"({"data": [{"index": 1, "embedding": [1, 2, 3, 4]}, {"index": 1, "embedding": [1, 2, 3, 4]}]})",
                  "input 1: it came twice"},
        BadAnswer{"not_json", "<html>Welcome</html>", "unusable answer"},
        BadAnswer{"no_data", R"({"object": "list"})", "no array \"data\""}),
    [](const auto& instance) { return std::string(instance.param.name); });

TEST(HttpEmbedderFailure, the_input_at_fault_is_numbered_over_all_batches) {
    EmbeddingServer server([](const httplib::Request& request, httplib::Response& response) {
        auto body = answer_to(nlohmann::json::parse(request.body));
        if (nlohmann::json::parse(request.body).at("input").at(0) == "4") body["data"][1]["embedding"] = {0, 0, 0, 0};
        response.set_content(body.dump(), "application/json");
    });
    HttpEmbedderOptions options = server.options();
    options.max_batch = 2;
    HttpEmbedder embedder(options);
    EXPECT_THAT(error_of([&] { embed(embedder, numbers(8)); }).what(),
                AllOf(HasSubstr("inputs 4 to 5"), HasSubstr("the vector of input 5: it is zero")));
    // What was dropped does not disturb the next call.
    expect_vectors_of(embed(embedder, {"1", "2", "3"}), {"1", "2", "3"});
}

TEST(HttpEmbedderFailure, an_answer_over_the_limit_is_refused) {
    EmbeddingServer server(always(200, std::string(100'000, ' ')));
    HttpEmbedderOptions options = server.options();
    options.max_response_bytes = 1000;
    const Error error = failure_against(server, options);
    EXPECT_EQ(error.retry(), Retry::no);
    EXPECT_THAT(error.what(), HasSubstr("longer than 1000 bytes"));
    EXPECT_EQ(server.requests, 1);
}

TEST(HttpEmbedderFailure, an_error_with_a_huge_body_is_still_that_error) {
    EmbeddingServer server(always(400, std::string(1'000'000, 'x')));
    HttpEmbedderOptions options = server.options();
    options.max_response_bytes = 1000;
    const Error error = failure_against(server, options);
    EXPECT_THAT(error.what(), HasSubstr("HTTP 400"));
    EXPECT_LT(error.server_message().size(), 600U);
}

TEST(HttpEmbedderFailure, a_refused_request_is_not_repeated_and_brings_the_servers_words) {
    EmbeddingServer server(always(400, R"({"error": {"message": "input is too long"}})"));
    const Error error = failure_against(server, server.options());
    EXPECT_EQ(error.code(), ErrorCode::embedder_failed);
    EXPECT_EQ(error.retry(), Retry::no);
    EXPECT_EQ(error.server_message(), "input is too long");
    EXPECT_THAT(error.what(), AllOf(HasSubstr("HTTP 400"), HasSubstr("input is too long")));
    EXPECT_EQ(server.requests, 1);
}

TEST(HttpEmbedderFailure, a_missing_key_is_explained_by_the_name_of_the_variable) {
    EmbeddingServer server(always(401, R"({"error": {"message": "Missing bearer authentication"}})"));
    const Error error = failure_against(server, server.options());
    EXPECT_EQ(error.retry(), Retry::no);
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("HTTP 401"), HasSubstr(std::string("set the environment variable ") + kKeyVariable)));
    EXPECT_EQ(server.requests, 1);
}

void expect_no_secret(const Error& error) {
    for (const std::string& text : {std::string(error.what()), error.server_message(), error.info().message})
        EXPECT_THAT(text, AllOf(Not(HasSubstr(kKey)), Not(HasSubstr("hidden"))));
}

TEST(HttpEmbedderFailure, the_key_is_in_no_message_even_if_the_server_repeats_it) {
    const test::EnvironmentVariable key(kKeyVariable, kKey);
    for (const int status : {200, 302, 400, 401, 403, 404, 429, 500}) {
        for (const std::string& body :
             {R"({"error": {"message": "bad key )" + std::string(kKey) + " hidden-password\"}}",
              "<b>" + std::string(kKey) + "</b> hidden-password api_key=hidden-query"}) {
            EmbeddingServer server(always(status, body, {{"Location", "http://x.test/" + std::string(kKey)}}));
            HttpEmbedderOptions options = server.options();
            options.url.insert(std::string("http://").size(), "user:hidden-password@");
            options.url += "?api_key=hidden-query";
            const Error error = failure_against(server, options);
            EXPECT_EQ(error.code(), ErrorCode::embedder_failed);
            expect_no_secret(error);
            if (status == 401 || status == 403) {
                EXPECT_THAT(error.what(), HasSubstr(kKeyVariable));
            }
        }
    }
}

TEST(HttpEmbedderFailure, a_key_that_would_break_the_header_is_refused_without_showing_it) {
    for (const char* bad : {"hidden\r\nX-Evil: 1", "hidden ", "hidden\xc3\xa4"}) {
        const test::EnvironmentVariable key(kKeyVariable, bad);
        EmbeddingServer server;
        const Error error = error_of([&] { HttpEmbedder{server.options()}; });
        EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
        EXPECT_THAT(error.what(), HasSubstr(kKeyVariable));
        expect_no_secret(error);
    }
}

TEST(HttpEmbedderFailure, redirects_are_not_followed) {
    const test::EnvironmentVariable key(kKeyVariable, kKey);
    EmbeddingServer target;
    for (const int status : {301, 302, 303, 307, 308}) {
        EmbeddingServer server(always(status, "", {{"Location", target.url() + "/embeddings"}}));
        const Error error = failure_against(server, server.options());
        EXPECT_EQ(error.retry(), Retry::no);
        EXPECT_THAT(error.what(), AllOf(HasSubstr("HTTP " + std::to_string(status)), HasSubstr(target.url())));
        EXPECT_EQ(server.requests, 1);
    }
    EXPECT_EQ(target.requests, 0);
}

TEST(HttpEmbedderFailure, a_dimension_that_cannot_be_asked_for_fails_the_construction) {
    EmbeddingServer server(always(404, R"({"error": "model not found"})"));
    HttpEmbedderOptions options = server.options();
    options.dimension = 0;
    const Error error = error_of([&] { HttpEmbedder{options}; });
    EXPECT_EQ(error.code(), ErrorCode::embedder_failed);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("HTTP 404"), HasSubstr("test-model"), HasSubstr("model not found")));
}

}  // namespace
}  // namespace stele
