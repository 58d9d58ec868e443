#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stele/error.hpp"
#include "stele/memory_database.hpp"
#include "stele/testing.hpp"
#include "support/in_threads.hpp"

namespace stele {
namespace {

using testing::FakeClock;
using testing::FakeEmbedder;

float cosine(FakeEmbedder& embedder, std::string_view a, std::string_view b) {
    const std::string_view texts[] = {a, b};
    const std::vector<Embedding> both = embedder.embed(texts, {});
    float sum = 0;
    for (std::size_t i = 0; i < embedder.dimension(); ++i) sum += both[0].vector[i] * both[1].vector[i];
    return sum;
}

template <class Call>
ErrorCode code_of(Call call) {
    try {
        call();
    } catch (const Error& error) {
        return error.code();
    }
    ADD_FAILURE() << "no Error was thrown";
    return {};
}

TEST(FakeEmbedder, gives_a_text_the_same_unit_vector_whenever_and_whoever_it_is_and_others_a_different_one) {
    FakeEmbedder one, two;
    static_cast<void>(two.embed_one("something else first", {}));
    EXPECT_EQ(one.embed_one("a", {}).vector, two.embed_one("a", {}).vector);
    EXPECT_EQ(one.embed_one("a", {}).vector.size(), one.dimension());
    for (int i = 0; i < 200; ++i) {
        const std::string text = "text " + std::to_string(i);
        EXPECT_NEAR(cosine(one, text, text), 1.0F, 1e-5F);
        EXPECT_LT(std::abs(cosine(one, text, "text " + std::to_string(i + 1))), 0.6F);
    }
}

TEST(FakeEmbedder, gives_texts_the_cosine_that_they_were_told_to_have) {
    FakeEmbedder embedder({.dimension = 16});
    for (const float wanted : {1.0F, 0.95F, 0.3F, 0.0F, -0.5F, -1.0F}) {
        embedder.similar("b", "a", wanted);
        EXPECT_NEAR(cosine(embedder, "b", "a"), wanted, 1e-5F);
    }
    embedder.similar("c", "b", 0.9F);
    EXPECT_NEAR(cosine(embedder, "c", "b"), 0.9F, 1e-5F) << "also to one that was told";
}

TEST(FakeEmbedder, takes_vectors_as_they_are_but_for_their_length_and_refuses_what_has_no_direction) {
    FakeEmbedder embedder({.dimension = 2});
    embedder.set("text", {3, 4});
    EXPECT_EQ(embedder.embed_one("text", {}).vector, (std::vector<float>{0.6F, 0.8F}));
    EXPECT_EQ(code_of([&] { embedder.set("text", {1}); }), ErrorCode::dimension_mismatch);
    EXPECT_EQ(code_of([&] { embedder.set("text", {0, 0}); }), ErrorCode::invalid_argument);
    EXPECT_EQ(code_of([&] { embedder.similar("text", "b", 1.1F); }), ErrorCode::invalid_argument);
    EXPECT_EQ(code_of([] { FakeEmbedder({.dimension = 1}); }), ErrorCode::invalid_argument);
}

TEST(FakeEmbedder, fails_as_often_as_it_is_told_and_remembers_what_it_was_asked) {
    FakeEmbedder embedder;
    embedder.fail(2);
    EXPECT_EQ(code_of([&] { embedder.embed_one("a", {}); }), ErrorCode::embedder_failed);
    EXPECT_EQ(code_of([&] { embedder.embed_one("b", {}); }), ErrorCode::embedder_failed);
    EXPECT_NO_THROW(embedder.embed_one("c", {}));
    embedder.fail();
    for (int i = 0; i < 5; ++i) EXPECT_THROW(embedder.embed_one("d", {}), Error);
    embedder.fail(0);
    const std::string_view two[] = {"e", "f"};
    EXPECT_EQ(embedder.embed(two, {}).size(), 2u);
    EXPECT_EQ(embedder.calls(), 9u);
    EXPECT_THAT(embedder.texts(), ::testing::ElementsAre("a", "b", "c", "d", "d", "d", "d", "d", "e", "f"));
    embedder.cut_beyond(3);
    EXPECT_FALSE(embedder.embed_one("abc", {}).truncated);
    EXPECT_TRUE(embedder.embed_one("abcd", {}).truncated);
}

TEST(FakeClock, stands_still_until_it_is_moved_and_its_copies_with_it) {
    FakeClock clock;
    EXPECT_EQ(to_iso8601(clock.now()), "2026-01-01T12:00:00+00:00");
    const MemoryDatabase::Now now = clock;
    FakeClock copy = clock;
    clock.advance(std::chrono::hours(1));
    copy.advance(-std::chrono::microseconds(1));
    EXPECT_EQ(to_iso8601(clock.now()), "2026-01-01T12:59:59.999999+00:00");
    EXPECT_EQ(now(), clock.now());
    EXPECT_EQ(copy(), clock.now());
    EXPECT_EQ(FakeClock(Timestamp()).now(), Timestamp());
    const Timestamp before = clock.now();
    test::in_threads(4, [&](int) {
        for (int i = 0; i < 1'000; ++i) clock.advance(std::chrono::microseconds(1));
    });
    EXPECT_EQ(clock.now() - before, std::chrono::microseconds(4'000));
}

}  // namespace
}  // namespace stele
