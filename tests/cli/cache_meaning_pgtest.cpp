// `stele cache` with the real model. Needs minilm, which scripts/setup installs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/server_run.hpp"

namespace stele::test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kStored = "How do I reset my password?";
constexpr const char* kAsked = "how can I reset the password";

TEST(MiniLmCache, a_question_in_other_words_finds_the_answer) {
    const Server server;
    server.open();
    const Outcome put = run_on(server, {"cache", "put", kStored, "Click Forgot.", "--model", "minilm", "--json"});
    ASSERT_EQ(put.exit, 0) << put.err;
    EXPECT_EQ(put.document().at("layers"), json({"exact", "semantic"}));

    const Outcome get = run_on(server, {"cache", "get", kAsked, "--model", "minilm", "--json"});
    ASSERT_EQ(get.exit, 0) << get.out << get.err;
    EXPECT_EQ(get.document().at("layer"), "semantic");
    EXPECT_EQ(get.document().at("query"), kStored);
    EXPECT_EQ(get.document().at("response"), "Click Forgot.");

    const Outcome other = run_on(server, {"cache", "get", "Do you sell tea?", "--model", "minilm", "--json"});
    EXPECT_EQ(other.exit, 1);
    EXPECT_EQ(other.document(),
              json({{"hit", false}, {"searched", {"exact", "semantic"}}, {"reason", "below_threshold"}}));
    const Outcome strict =
        run_on(server, {"cache", "get", kAsked, "--model", "minilm", "--threshold", "0.999", "--json"});
    EXPECT_EQ(strict.exit, 1) << "a threshold that is given is the one that counts";
}

TEST(MiniLmCache, on_a_named_server_nothing_is_embedded_unless_it_is_asked_for) {
    const Server server;
    server.open();
    ASSERT_EQ(run_on(server, {"cache", "put", kStored, "Click Forgot.", "--embedder", "local"}).exit, 0);
    for (const std::vector<std::string>& options : {std::vector<std::string>{}, {"--embedder", "none"}}) {
        std::vector<std::string> words = {"cache", "get", kAsked, "--json"};
        words.insert(words.end(), options.begin(), options.end());
        const Outcome get = run_on(server, words);
        EXPECT_EQ(get.exit, 1);
        EXPECT_EQ(get.document().at("searched"), json({"exact"}));
    }
}

TEST(MiniLmCache, a_question_that_the_model_cannot_read_to_its_end_is_found_by_its_wording_only) {
    const Server server;
    server.open();
    std::string shared;
    for (int i = 0; i < 400; ++i) shared += "word ";
    const Outcome put = run_on(server, {"cache", "put", shared + "one", "r", "--embedder", "local", "--json"});
    EXPECT_EQ(put.document().at("layers"), json({"exact"}));
    const Outcome same = run_on(server, {"cache", "get", shared + "ONE", "--embedder", "local", "--json"});
    EXPECT_EQ(same.exit, 0) << same.err;
    const Outcome other = run_on(server, {"cache", "get", shared + "two", "--embedder", "local", "--json"});
    EXPECT_EQ(other.exit, 1);
    EXPECT_EQ(other.document().at("searched"), json({"exact"}));
    EXPECT_THAT(run_on(server, {"cache", "get", shared + "two", "--embedder", "local"}).err,
                HasSubstr("longer than the model reads"));
}

TEST(MiniLmCache, another_precision_is_another_embedder_and_the_error_names_the_options) {
    const Server server;
    server.open();
    ASSERT_EQ(run_on(server, {"cache", "put", "q", "r", "--embedder", "local"}).exit, 0);
    const Outcome get = run_on(server, {"cache", "get", "q", "--precision", "float32", "--json"});
    EXPECT_EQ(get.exit, 4);
    EXPECT_EQ(get.error().at("code"), "fingerprint_mismatch");
    EXPECT_THAT(get.error().at("message").get<std::string>(),
                AllOf(HasSubstr("`--model minilm`"), HasSubstr("--schema"), HasSubstr("--embedder none")));
}

}  // namespace
}  // namespace stele::test
