// What is typed into a search box, as the twin of a hybrid search reads it. What PostgreSQL makes of the same is
// compared in hybrid_random_pgtest.cpp.
#include "index/web_query.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json_tree.hpp"

namespace stele {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TextWords words_at(std::string_view json, const std::vector<detail::FilterPath>& paths) {
    return {parse_json(json), paths};
}
TextWords words(const std::string& text) {
    return words_at(Json::string(text).text(), {{}});
}
bool finds(std::string_view query, const std::string& text) {
    return WebQuery(query).matches(words(text));
}

TEST(TextWords, are_runs_of_letters_and_digits_in_lower_case) {
    EXPECT_THAT(simple_words("The RESET-button's, no_2: \xC3\x84pfel"),
                ElementsAre("the", "reset", "button", "s", "no", "2", "\xC3\xA4pfel"));
    EXPECT_THAT(simple_words("  ...  "), IsEmpty());
}

TEST(TextWords, are_of_all_texts_inside_of_the_members_with_a_gap_between_two_texts) {
    const std::string json =
        R"({"title":"one two","tags":["three",7,null,["four"]],"map":{"bb":"six","a":"five"},"other":"no"})";
    const TextWords found = words_at(json, {{{"title", {}}}, {{"missing", {}}}, {{"tags", {}}}, {{"map", {}}}});
    EXPECT_THAT(found.places("two"), ElementsAre(2));
    EXPECT_THAT(found.places("three"), ElementsAre(4));
    EXPECT_THAT(found.places("four"), ElementsAre(6));
    EXPECT_THAT(found.places("five"), ElementsAre(8)) << "shorter keys come first";
    EXPECT_THAT(found.places("six"), ElementsAre(10));
    EXPECT_THAT(found.places("no"), IsEmpty());
    EXPECT_THAT(found.places("7"), IsEmpty());
}

TEST(WebQuery, finds_all_words_phrases_alternatives_and_what_lacks_a_word) {
    EXPECT_TRUE(finds("Button reset", "press the reset button"));
    EXPECT_FALSE(finds("button restart", "press the reset button"));
    EXPECT_TRUE(finds("\"reset button\"", "press the reset button"));
    EXPECT_FALSE(finds("\"button reset\"", "press the reset button"));
    EXPECT_TRUE(finds("restart or button", "press the reset button"));
    EXPECT_TRUE(finds("press -restart", "press the reset button"));
    EXPECT_FALSE(finds("press -\"reset button\"", "press the reset button"));
    EXPECT_TRUE(finds("-factory", "press the reset button"));
    EXPECT_TRUE(finds("nothing or press OR \"", "press the reset button"));
    EXPECT_TRUE(finds("press the or factory reset", "press the button")) << "and binds closer than or";
}

TEST(WebQuery, takes_any_text_and_finds_nothing_by_none) {
    for (const char* none : {"", "   ", "\"\"", "- -", "!&|()", "\"", "--\"...\""}) {
        EXPECT_FALSE(finds(none, "press the reset button")) << none;
        EXPECT_EQ(WebQuery(none).rank(words("press")), 0) << none;
    }
    EXPECT_TRUE(finds("or press", "press it or not")) << "an operand is due, so it is a word";
    EXPECT_FALSE(finds("or press", "press it"));
    EXPECT_TRUE(finds("press -", "press it"));
    EXPECT_TRUE(finds("reset_button", "the reset button")) << "one operand, so a phrase";
    EXPECT_FALSE(finds("reset_button", "button, reset"));
    EXPECT_TRUE(finds("reset|button", "button, reset"));
    EXPECT_TRUE(finds("restart (or button)", "a button")) << "parentheses mean nothing";
    EXPECT_TRUE(finds("--press", "press it"));
}

TEST(WebQuery, ranks_by_how_often_and_how_near) {
    const auto rank = [](std::string_view query, const std::string& text) { return WebQuery(query).rank(words(text)); };
    EXPECT_FLOAT_EQ(rank("cat", "a cat"), 0.06079271F) << "as ts_rank says";
    EXPECT_FLOAT_EQ(rank("cat", "a cat, a cat"), 0.07599089F);
    EXPECT_FLOAT_EQ(rank("cat dog", "cat dog"), 0.09910322F);
    EXPECT_FLOAT_EQ(rank("cat or dog", "cat"), 0.030396355F);
    EXPECT_GT(rank("cat dog", "cat dog"), rank("cat dog", "cat and a dog"));
    EXPECT_FLOAT_EQ(rank("-dog", "cat"), 0);
}

}  // namespace
}  // namespace stele
