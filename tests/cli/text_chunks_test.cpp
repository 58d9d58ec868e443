#include "text_chunks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stele::cli {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

FitsEmbedder bytes(std::size_t most) {
    return [most](std::string_view text) { return text.size() <= most; };
}

std::vector<std::string> texts(std::string_view text, std::size_t most, TextFormat format = TextFormat::markdown) {
    std::vector<std::string> all;
    for (const TextChunk& chunk : cut_text(text, format, bytes(most))) all.push_back(chunk.whole());
    return all;
}

TEST(TextChunks, stand_under_their_headings) {
    EXPECT_THAT(texts("intro\n\n# A\n\none\n\n## B ##\ntwo\n\n### C#\n## D\n\nthree\n# E\nfour\n", 100),
                ElementsAre("intro", "A\n\none", "A > B\n\ntwo", "A > D\n\nthree", "E\n\nfour"));
}

TEST(TextChunks, hold_as_many_paragraphs_as_fit) {
    EXPECT_THAT(texts("aaaa\n\nbbbb\n\n\n\ncccc\n", 10), ElementsAre("aaaa\n\nbbbb", "cccc"));
    EXPECT_THAT(texts("# H\naaaa\n\nbbbb\n", 12), ElementsAre("H\n\naaaa", "H\n\nbbbb"));
}

TEST(TextChunks, take_a_block_of_code_for_one_paragraph_without_headings) {
    EXPECT_THAT(texts("```sh\n# not a heading\n\nb\n```\nc\n", 100),
                ElementsAre("```sh\n# not a heading\n\nb\n```\nc"));
    EXPECT_THAT(texts("~~~\n```\n# no\n~~~\n# yes\nx\n", 100), ElementsAre("~~~\n```\n# no\n~~~", "yes\n\nx"));
}

TEST(TextChunks, of_a_plain_text_have_no_headings) {
    EXPECT_THAT(texts("# a\n\nb\n", 100, TextFormat::plain), ElementsAre("# a\n\nb"));
}

TEST(TextChunks, that_are_too_long_are_cut_at_lines_then_sentences_then_words) {
    const std::string line(40, 'x');
    EXPECT_THAT(texts(line + "\n" + line + "\n", 70), ElementsAre(line, line));
    const std::string sentence = std::string(38, 'y') + ".";
    EXPECT_THAT(texts(sentence + " " + sentence, 70), ElementsAre(sentence, sentence));
    EXPECT_THAT(texts(line + " " + line, 70), ElementsAre(line, line));
}

TEST(TextChunks, lose_nothing_of_a_text_without_any_break) {
    std::string text;
    for (int i = 0; i < 300; ++i) text += "\xC3\x9F";
    const auto all = texts(text, 100, TextFormat::plain);
    std::string joined;
    for (const std::string& each : all) joined += each;
    EXPECT_EQ(joined, text);
    EXPECT_THAT(all, Each(SizeIs(::testing::Le(100U))));
}

TEST(TextChunks, are_made_even_where_nothing_fits) {
    const auto chunks = cut_text("# A long heading\n\nsome text\n", TextFormat::markdown, bytes(3));
    ASSERT_EQ(chunks.size(), 1U);
    EXPECT_EQ(chunks[0].text, "some text");
}

TEST(TextChunks, of_nothing_are_none) {
    EXPECT_THAT(texts("", 10), IsEmpty());
    EXPECT_THAT(texts("# only\n## headings\n\n \n", 10), IsEmpty());
}

}  // namespace
}  // namespace stele::cli
