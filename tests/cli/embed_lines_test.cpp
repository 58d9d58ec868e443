#include "embed_lines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "stele/hashing_embedder.hpp"
#include "support/server.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;
using stele::test::error_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Counts what it is asked for; texts with an X are too long for it, and one with "fail" is too much.
class WatchedEmbedder final : public Embedder {
public:
    std::size_t dimension() const override { return hashing_.dimension(); }
    const std::string& fingerprint() const override { return hashing_.fingerprint(); }
    std::vector<Embedding> embed(std::span<const std::string_view> texts, Deadline deadline) override {
        batches.push_back(texts.size());
        std::vector<Embedding> embeddings = hashing_.embed(texts, deadline);
        for (std::size_t i = 0; i < texts.size(); ++i) {
            embeddings[i].truncated = texts[i].find('X') != std::string_view::npos;
            if (texts[i] != "fail") continue;
            ErrorInfo info;
            info.code = ErrorCode::embedder_failed;
            info.message = "no vector today";
            throw Error(std::move(info));
        }
        return embeddings;
    }

    std::vector<std::size_t> batches;

private:
    HashingEmbedder hashing_{16};
};

class EmbedLines : public ::testing::Test {
protected:
    EmbedCounts run(const std::string& text, const EmbedLimits& limits = {}) {
        std::istringstream in(text);
        EmbedPorts ports;
        ports.deadline = Deadline::never;
        ports.write = [this](std::string_view line) { out.emplace_back(line); };
        ports.flush = [this] { flushed = out.size(); };
        return embed_lines(in, "in.jsonl", embedder, ports, limits);
    }
    std::string refusal_of(const std::string& text, const EmbedLimits& limits = {}) {
        const ErrorInfo error = error_of([&] { run(text, limits); });
        EXPECT_EQ(error.code, ErrorCode::invalid_argument);
        return error.message;
    }
    std::vector<float> vector_of(std::string_view text) {
        return HashingEmbedder(16).embed_one(text, Deadline::never()).vector;
    }

    WatchedEmbedder embedder;
    std::vector<std::string> out;
    std::size_t flushed = 0;
};

TEST_F(EmbedLines, a_string_and_an_object_with_a_text_get_the_same_vector) {
    const EmbedCounts counts = run("\"tea\"\n{\"id\": 7, \"text\": \"tea\"}\n");
    EXPECT_EQ(counts.lines, 2U);
    ASSERT_EQ(out.size(), 2U);
    const json first = json::parse(out[0]);
    EXPECT_EQ(first.size(), 3U);
    EXPECT_EQ(first.at("text"), "tea");
    EXPECT_EQ(first.at("truncated"), false);
    EXPECT_EQ(first.at("vector").get<std::vector<float>>(), vector_of("tea"));
    EXPECT_EQ(json::parse(out[1]).at("vector").get<std::vector<float>>(), vector_of("tea"));
}

TEST_F(EmbedLines, two_texts_get_their_similarity) {
    run(R"({"a": "green tea", "b": "green tea"})"
        "\n"
        R"({"b": "coffee", "a": "green tea"})");
    ASSERT_EQ(out.size(), 2U);
    EXPECT_FLOAT_EQ(json::parse(out[0]).at("similarity").get<float>(), 1.0F);
    EXPECT_LT(json::parse(out[1]).at("similarity").get<float>(), 0.9F);
    EXPECT_FALSE(json::parse(out[1]).contains("vector"));
}

TEST_F(EmbedLines, other_members_are_passed_through_to_the_last_digit) {
    run("  {\"id\":12345678901234567890123, \"text\":\"tea\", \"more\": {\"x\": [1.50, null]} } \r\n");
    ASSERT_EQ(out.size(), 1U);
    EXPECT_THAT(out[0], StartsWith(R"({"id":12345678901234567890123, "text":"tea", "more": {"x": [1.50, null]} ,)"));
    EXPECT_TRUE(json::accept(out[0]));
}

TEST_F(EmbedLines, what_an_earlier_run_added_is_replaced) {
    run(R"({"vector":[1,2],"truncated":true,"text":"tea"})");
    ASSERT_EQ(out.size(), 1U);
    EXPECT_THAT(out[0], StartsWith(R"({"text":"tea","truncated":false,"vector":[)"));
}

TEST_F(EmbedLines, texts_that_were_cut_are_marked_and_counted) {
    const EmbedCounts counts = run("\"X\"\n\"y\"\n{\"a\":\"y\",\"b\":\"X\"}\n");
    EXPECT_EQ(counts.truncated, 2U);
    EXPECT_EQ(json::parse(out.at(0)).at("truncated"), true);
    EXPECT_EQ(json::parse(out.at(1)).at("truncated"), false);
    EXPECT_EQ(json::parse(out.at(2)).at("truncated"), true);
}

TEST_F(EmbedLines, are_embedded_in_batches_and_answered_in_order) {
    std::string text;
    for (int i = 0; i < 7; ++i) text += "{\"id\":" + std::to_string(i) + ",\"text\":\"t\"}\n";
    text += "{\"id\":7,\"a\":\"t\",\"b\":\"t\"}\n{\"id\":8,\"text\":\"t\"}\n";
    EmbedLimits limits;
    limits.batch_texts = 4;
    run(text, limits);
    EXPECT_THAT(embedder.batches, ElementsAre(4, 5, 1));
    ASSERT_EQ(out.size(), 9U);
    for (int i = 0; i < 9; ++i) EXPECT_EQ(json::parse(out[static_cast<std::size_t>(i)]).at("id"), i);
}

TEST_F(EmbedLines, long_texts_make_small_batches) {
    EmbedLimits limits;
    limits.batch_bytes = 10;
    run("\"0123456789\"\n\"012345\"\n\"012345\"\n\"0\"\n", limits);
    EXPECT_THAT(embedder.batches, ElementsAre(1, 2, 1));
}

TEST_F(EmbedLines, a_bad_line_is_named_after_all_before_it_were_written) {
    const std::string before = "\"one\"\n\n\"two\"\n";
    const std::vector<std::pair<std::string, std::string>> bad = {
        {"{\"text\":", "not valid JSON"},
        {"\"\xFF\"", "not valid JSON"},
        {"7", "neither a string nor an object"},
        {"{\"a\":\"x\"}", "neither a string nor an object"},
        {"{\"text\":3}", "\"text\" is number"},
        {"{\"a\":\"x\",\"b\":null}", "\"b\" is null"},
        {"{\"text\":\"x\",\"a\":\"x\",\"b\":\"x\"}", "either \"text\" or both"},
    };
    for (const auto& [line, reason] : bad) {
        out.clear();
        EXPECT_THAT(refusal_of(before + line + "\n\"never\"\n"),
                    AllOf(StartsWith("in.jsonl, line 4: "), HasSubstr(reason)));
        EXPECT_EQ(out.size(), 2U) << line;
        EXPECT_EQ(flushed, 2U) << line;
    }
}

TEST_F(EmbedLines, a_line_without_end_does_not_fill_the_memory) {
    EmbedLimits limits;
    limits.line_bytes = 8;
    EXPECT_EQ(refusal_of("\"012345\"\n\"0123456\"\n", limits), "in.jsonl, line 2: longer than 8 bytes");
    EXPECT_EQ(out.size(), 1U);
}

TEST_F(EmbedLines, a_failure_of_the_embedder_names_the_lines_of_its_batch) {
    EmbedLimits limits;
    limits.batch_texts = 2;
    const ErrorInfo error = error_of([&] { run("\"a\"\n\"b\"\n\"c\"\n\"fail\"\n\"e\"\n", limits); });
    EXPECT_EQ(error.code, ErrorCode::embedder_failed);
    EXPECT_EQ(error.message, "in.jsonl, lines 3 to 4: no vector today");
    EXPECT_EQ(out.size(), 2U);
}

TEST_F(EmbedLines, nothing_gives_nothing) {
    EXPECT_EQ(run("").lines, 0U);
    EXPECT_EQ(run("\n  \r\n").lines, 0U);
    EXPECT_TRUE(embedder.batches.empty());
}

}  // namespace
}  // namespace stele::cli
