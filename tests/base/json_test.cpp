#include "stele/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json_tree.hpp"
#include "base/text.hpp"
#include "generators.hpp"
#include "stele/error.hpp"

namespace stele {
namespace {

using testing::HasSubstr;

std::string fault_of(std::string_view text) {
    try {
        Json::parse(text);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
        return error.what();
    }
    return "accepted";
}

TEST(JsonParse, keeps_the_text_as_it_is) {
    for (const char* text : {"null", " [1, 2.50]\n", R"({"b":1,"a":1e2,"b":2})", R"("\ud83d\ude00")", "-0.0",
                             "12345678901234567890123456789", R"("\\u0000")"}) {
        EXPECT_EQ(Json::parse(text).text(), text);
    }
}

TEST(JsonParse, refuses_what_the_grammar_does_not_know) {
    for (const char* text :
         {"",        " ",        "{",         "[1,]", "{\"a\":1,}", "{'a':1}",     "{a:1}",       "01",
          "+1",      ".5",       "1.",        "nul",  "NaN",        "Infinity",    "-Infinity",   "1 2",
          "// x\n1", "\"a\nb\"", "\"\\x41\"", "[1",   "]",          "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
          "True"}) {
        EXPECT_THAT(fault_of(text), HasSubstr("not valid JSON at byte ")) << text;
    }
}

TEST(JsonParse, says_where_and_why_but_not_what_was_read) {
    EXPECT_EQ(fault_of("{\"a\": 1,\n \"secret\" 2}"),
              "not valid JSON at byte 19 (line 2, column 11): syntax error while parsing object separator - unexpected "
              "number literal; expected ':'");
    EXPECT_THAT(fault_of("[\"secret\" x]"), testing::Not(HasSubstr("secret")));
    EXPECT_THAT(fault_of("[1, 2"), HasSubstr("not valid JSON at byte 5 (line 1, column 6): "));
}

TEST(JsonParse, refuses_what_postgresql_cannot_store_and_says_where) {
    EXPECT_EQ(fault_of(R"({"a":"b\\\u0000"})"),
              "not valid JSON at byte 9 (line 1, column 10): U+0000, which PostgreSQL cannot store");
    EXPECT_EQ(fault_of(R"({"\u0000":1})"),
              "not valid JSON at byte 2 (line 1, column 3): U+0000, which PostgreSQL cannot store");
    EXPECT_EQ(fault_of(std::string_view("{}\0", 3)), "not valid JSON at byte 2 (line 1, column 3): a NUL byte");
    EXPECT_EQ(fault_of("\"\xFF\""), "not valid JSON at byte 1 (line 1, column 2): not UTF-8");
    EXPECT_THAT(fault_of("[1e999]"), HasSubstr("a number that no double can hold"));
    EXPECT_EQ(fault_of("\xEF\xBB\xBF{}"), "not valid JSON at byte 0 (line 1, column 1): a byte order mark");
}

TEST(JsonParse, accepts_512_levels_and_refuses_the_next) {
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    EXPECT_NO_THROW(Json::parse(nested(512)));
    EXPECT_EQ(fault_of(nested(513)), "not valid JSON at byte 512 (line 1, column 513): nested deeper than 512");
    EXPECT_NO_THROW(Json::parse('[' + std::string(R"("[[[[{{{{\"[[")") + std::string(1000, ' ') + ']'));
    std::string wide = "[";
    for (int i = 0; i < 1000; ++i) wide += "[],";
    EXPECT_NO_THROW(Json::parse(wide + "0]"));
}

TEST(JsonParse, knows_what_kind_of_value_it_is) {
    EXPECT_TRUE(Json::parse("\n {}").is_object());
    EXPECT_TRUE(Json::parse(" []").is_array());
    EXPECT_TRUE(Json().is_null());
    EXPECT_FALSE(Json::parse("\"{}\"").is_object());
}

TEST(JsonString, escapes_what_must_be) {
    EXPECT_EQ(Json::string("say \"hi\"\n\\ \x01 \u00e9").text(), "\"say \\\"hi\\\"\\n\\\\ \\u0001 \u00e9\"");
    EXPECT_EQ(Json::string("").text(), "\"\"");
}

TEST(JsonString, is_read_back_as_it_was_whatever_its_bytes) {
    std::string all;
    for (char c = 1; c > 0 && c < 0x7F; ++c) {
        all += c;
        EXPECT_EQ(nlohmann::json::parse(Json::string(std::string(1, c)).text()), std::string(1, c));
        EXPECT_EQ(Json::string(all).text(), nlohmann::json(all).dump());
    }
    all += "\u00e9\u4e2d\U0001f600\x7F";
    EXPECT_EQ(Json::string(all).text(), nlohmann::json(all).dump());
}

TEST(JsonString, refuses_text_that_cannot_be_stored) {
    EXPECT_THROW(Json::string("\xC3"), Error);
    EXPECT_THROW(Json::string(std::string_view("a\0b", 3)), Error);
}

TEST(JsonTree, keeps_every_digit_and_the_last_of_equal_keys) {
    const JsonNode tree =
        parse_json(R"( {"n": 0.10000000000000000000001, "big": 123456789012345678901234567890, "n": 2} )");
    ASSERT_NE(tree.find("n"), nullptr);
    EXPECT_EQ(tree.find("n")->text, "2");
    EXPECT_EQ(tree.find("nothing"), nullptr);
    EXPECT_EQ(tree.to_text(), R"({"n":0.10000000000000000000001,"big":123456789012345678901234567890,"n":2})");
}

TEST(JsonTree, writes_what_another_parser_reads_as_the_same_value) {
    EXPECT_TRUE(rc::check("text -> tree -> text keeps the value", [] {
        const std::string text = rapid::json_value(4).dump();
        const std::string again = parse_json(text).to_text();
        RC_ASSERT(nlohmann::json::parse(again) == nlohmann::json::parse(text));
        RC_ASSERT(Json::parse(again).text() == again);
    }));
}

TEST(JsonTree, indents_by_two_and_leaves_empty_values_on_their_line) {
    EXPECT_EQ(parse_json(R"({"a":[1,{"b":null}],"c":{},"d":[]})").to_indented_text(),
              "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"c\": {},\n  \"d\": []\n}");
    EXPECT_EQ(parse_json("\"x\"").to_indented_text(), "\"x\"");
}

TEST(JsonSameValue, draive_100_is_about_values_not_texts) {
    const auto same = [](const char* a, const char* b) {
        const bool there = same_value(Json::parse(a), Json::parse(b));
        EXPECT_EQ(same_value(Json::parse(b), Json::parse(a)), there);
        return there;
    };
    for (const auto& [a, b] : std::initializer_list<std::pair<const char*, const char*>>{
             {R"({"a":1,"b":[2]})", R"( {"b": [2], "a": 1} )"},
             {R"({"a":1,"a":2})", R"({"a":2})"},
             {R"("\u0041")", R"("A")"},
             {"[1.0, 100, 0.001, 0]", "[1, 1e2, 1e-3, -0.00]"},
             {"12345678901234567890123e-3", "12345678901234567890.123"},
             {"0e99999999999999999999", "0"}}) {
        EXPECT_TRUE(same(a, b)) << a << " and " << b;
    }
    for (const auto& [a, b] : std::initializer_list<std::pair<const char*, const char*>>{
             {"{}", "null"},
             {"{}", "[]"},
             {R"({"a":null})", "{}"},
             {"[1,2]", "[2,1]"},
             {"[1]", "[1,1]"},
             {"1", "-1"},
             {"1", "\"1\""},
             {"true", "false"},
             {"12345678901234567890123", "12345678901234567890124"}}) {
        EXPECT_FALSE(same(a, b)) << a << " and " << b;
    }
}

}  // namespace
}  // namespace stele
