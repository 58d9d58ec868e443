#include "base/json_diff.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>

#include "base/generators.hpp"
#include "stele/error.hpp"

namespace stele {
namespace {

std::vector<JsonChange> diff(const char* before, const char* after) {
    return json_diff(Json::trusted(before), Json::trusted(after));
}
std::string diff_text(const char* before, const char* after) {
    return to_text(diff(before, after));
}

TEST(JsonDiff, lists_what_was_changed_added_and_removed_by_path) {
    const auto changes = diff(R"({"model":"small","limits":{"daily":5,"hourly":1},"old":null})",
                              R"({"model":"large","limits":{"daily":5,"weekly":[2]}})");
    const std::vector<JsonChange> expected = {
        {"limits.hourly", Json::trusted("1"), std::nullopt},
        {"limits.weekly", std::nullopt, Json::trusted("[2]")},
        {"model", Json::trusted(R"("small")"), Json::trusted(R"("large")")},
        {"old", Json::trusted("null"), std::nullopt},
    };
    EXPECT_EQ(changes, expected);
}

TEST(JsonDiff, reads_as_lines_of_before_and_after) {
    EXPECT_EQ(diff_text(R"({"model":"small","tags":["a"],"old":{"x":1}})", R"({"tags":["a","b"],"model":"large"})"),
              "- model: \"small\"\n"
              "+ model: \"large\"\n"
              "- old: {\"x\":1}\n"
              "+ tags[1]: \"b\"\n");
    EXPECT_EQ(diff_text("{}", "{}"), "");
}

TEST(JsonDiff, compares_the_items_of_arrays_by_their_index) {
    EXPECT_EQ(diff_text(R"([{"name":"a"},{"name":"b"},3])", R"([{"name":"a"},{"name":"c"}])"),
              "- [1].name: \"b\"\n+ [1].name: \"c\"\n- [2]: 3\n");
    EXPECT_EQ(diff_text("[[1]]", "[[1,[2]]]"), "+ [0][1]: [2]\n");
}

TEST(JsonDiff, writes_keys_that_are_no_names_as_keys_of_a_map) {
    EXPECT_EQ(diff_text(R"({"a":{"two words":1,"x.y":1,"":1,"9":1,"ok-1":1}})", R"({"a":{}})"),
              "- a[]: 1\n- a[9]: 1\n- a.ok-1: 1\n- a[two words]: 1\n- a[x.y]: 1\n");
}

TEST(JsonDiff, keeps_a_change_on_its_line_whatever_the_key_is) {
    EXPECT_EQ(diff_text(R"({"a\n+ b: 1":1})", R"({})"), "- \"[a\\n+ b: 1]\": 1\n");
    EXPECT_EQ(diff_text(R"({"a":"b"})", R"({"a":"b\nc"})"), "- a: \"b\"\n+ a: \"b\\nc\"\n");
}

TEST(JsonDiff, names_the_whole_document_when_there_is_nothing_inside_to_name) {
    EXPECT_EQ(diff_text("1", "2"), "- the value: 1\n+ the value: 2\n");
    EXPECT_EQ(diff_text("[]", "{}"), "- the value: []\n+ the value: {}\n");
}

TEST(JsonDiff, tells_values_of_different_kinds_apart) {
    const char* values[] = {"null", "true", "false", "0", "1", R"("")", R"("1")", R"("true")", "[]", "{}"};
    for (const char* before : values) {
        for (const char* after : values) EXPECT_EQ(diff(before, after).size(), before == after ? 0U : 1U);
    }
}

TEST(JsonDiff, finds_nothing_where_only_the_spelling_differs) {
    const std::pair<const char*, const char*> alike[] = {
        {R"({"a":1,"b":{"c":2,"d":3}})", R"( { "b": {"d":3, "c":2}, "a":1 } )"},
        {R"("\u0041\u00e9")", "\"A\u00e9\""},
        {R"({"a":1,"a":2})", R"({"a":2})"},
        {"1", "1.0"},
        {"1", "10e-1"},
        {"100", "1E+2"},
        {"-0.0", "0"},
        {"0e5", "0"},
        {"1.50", "0.15e1"},
        {"0.001", "1e-3"},
        {"12345678901234567890123456789", "12345678901234567890123456789.000"},
    };
    for (const auto& [before, after] : alike) {
        EXPECT_EQ(diff_text(before, after), "");
        EXPECT_EQ(diff_text(after, before), "");
    }
}

TEST(JsonDiff, finds_numbers_that_differ_in_the_last_digit) {
    const std::pair<const char*, const char*> different[] = {
        {"12345678901234567890123456789", "12345678901234567890123456780"},
        {"0.1", "0.10000000000000000001"},
        {"1", "-1"},
        {"1", "10"},
        {"0.1", "0.01"},
        {"1e-999999999999999999999", "1e-999999999999999999998"},
        {"0.1e-9223372036854775808", "0.1e-9223372036854775807"},
    };
    for (const auto& [before, after] : different) EXPECT_EQ(diff(before, after).size(), 1U) << before;
}

TEST(JsonDiff, refuses_what_is_not_json) {
    EXPECT_THROW(diff("{", "{}"), Error);
    EXPECT_THROW(diff("{}", "nul"), Error);
}

RC_GTEST_PROP(JsonDiff, a_random_document_equals_itself_and_only_itself, ()) {
    const nlohmann::json before = rapid::json_value(3), after = rapid::json_value(3);
    const auto changes = json_diff(Json::trusted(before.dump()), Json::trusted(after.dump()));
    RC_ASSERT(changes.empty() == (before == after));
    RC_ASSERT(json_diff(Json::trusted(before.dump(2)), Json::trusted(before.dump())).empty());
}

RC_GTEST_PROP(JsonDiff, a_single_change_is_found_where_it_was_made, ()) {
    nlohmann::json before = nlohmann::json::object();
    before["kept"] = rapid::json_value(2);
    before["list"] = nlohmann::json::array({rapid::json_value(2), rapid::json_value(2)});
    nlohmann::json after = before;
    after["list"][1] = "another, " + rapid::text();
    RC_PRE(after != before);
    const auto changes = json_diff(Json::trusted(before.dump()), Json::trusted(after.dump()));
    RC_ASSERT(changes.size() == 1U);
    RC_ASSERT(changes[0].path == "list[1]");
    RC_ASSERT(nlohmann::json::parse(changes[0].before->text()) == before["list"][1]);
    RC_ASSERT(nlohmann::json::parse(changes[0].after->text()) == after["list"][1]);
}

}  // namespace
}  // namespace stele
