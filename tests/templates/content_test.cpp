#include "stele/content.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <nlohmann/json.hpp>

#include "base/generators.hpp"
#include "support/server.hpp"

namespace noted {
struct Note {
    std::string author;
    stele::Content said;
};
STELE_DESCRIBE(Note, (author), (said))
}  // namespace noted

namespace stele {
namespace {

using testing::HasSubstr;

Json json(std::string_view text) {
    return Json::parse(text);
}

std::vector<std::byte> bytes(std::string_view text) {
    std::vector<std::byte> bytes;
    for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
    return bytes;
}

Content one_of_each() {
    return Content("Look: ")
        .append(TextContent{"Ada", json(R"({"tone":"warm"})")})
        .append(ResourceReference{"https://example.org/a.png", "image/png"})
        .append(ResourceContent{bytes("\xFB\xEF\xFF"), "image/png"})
        .append(ArtifactContent{"Weather", json(R"({"degrees":21.50})"), true});
}

constexpr const char* kOneOfEach =
    R"({"type":"content","parts":[{"text":"Look: ","meta":{}},{"text":"Ada","meta":{"tone":"warm"}},)"
    R"({"uri":"https://example.org/a.png","mime_type":"image/png","meta":{}},)"
    R"({"data":"++//","mime_type":"image/png","meta":{}},)"
    R"({"category":"Weather","artifact":{"degrees":21.50},"hidden":true,"meta":{}}]})";

std::string refusal_to_read(std::string_view text, const FromJsonOptions& options = {}) {
    const ErrorInfo error = test::error_of([&] { from_json<Content>(json(text), options); });
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    return error.message;
}

std::string refusal_to_write(const Content& content) {
    const ErrorInfo error = test::error_of([&] { to_json(content); });
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    return error.message;
}

TEST(ContentJson, has_the_shapes_of_draive) {
    EXPECT_EQ(to_json(one_of_each()).text(), kOneOfEach);
    EXPECT_EQ(from_json<Content>(json(kOneOfEach)), one_of_each());
    EXPECT_EQ(to_json(Content()).text(), R"({"type":"content","parts":[]})");
}

TEST(ContentJson, draive_098_nulls_and_defaults_are_written_and_unknown_keys_are_ignored) {
    EXPECT_EQ(to_json(Content(ResourceReference{"file:a", {}})).text(),
              R"({"type":"content","parts":[{"uri":"file:a","mime_type":null,"meta":{}}]})");
    EXPECT_EQ(from_json<Content>(json(R"({"newer":1,"parts":[{"newer":2,"text":"a"}]})")), Content("a"));
    EXPECT_EQ(refusal_to_read(R"({"parts":[{"newer":2,"text":"a"}]})", {.refuse_unknown = true}),
              "cannot read content from JSON: parts[0].newer is unknown");
}

TEST(ContentJson, a_reference_made_as_draive_does_says_its_name_and_description_even_if_it_has_none) {
    EXPECT_EQ(ResourceReference::of("file:a", "text/plain", "A").meta.text(), R"({"name":"A","description":null})");
}

TEST(ContentJson, keys_decide_what_a_part_is_in_a_fixed_order) {
    const auto part = [](std::string_view text) {
        return from_json<Content>(json(R"({"parts":[)" + std::string(text) + "]}")).parts().at(0);
    };
    EXPECT_EQ(part(R"({"uri":"u","text":"t","data":"","mime_type":"m"})"), ContentPart(TextContent{"t"}));
    EXPECT_EQ(part(R"({"uri":"u","data":"","mime_type":"m"})"), ContentPart(ResourceReference{"u", "m"}));
    EXPECT_EQ(part(R"({"artifact":{},"category":"c","data":"Zg","mime_type":"m"})"),
              ContentPart(ResourceContent{bytes("f"), "m"}));
    EXPECT_EQ(part(R"({"artifact":{},"category":"c","data":"Zg"})"), ContentPart(ArtifactContent{"c"}));
}

TEST(ContentJson, what_may_be_left_out_may_also_be_null) {
    const Content content = from_json<Content>(
        json(R"({"type":"content","parts":[{"text":"a","meta":null},{"uri":"u","mime_type":null},{"uri":"v"}]})"));
    EXPECT_EQ(content, Content::of_parts({TextContent{"a"}, ResourceReference{"u", {}}, ResourceReference{"v", {}}}));
}

TEST(ContentJson, names_the_path_of_what_it_cannot_read) {
    const std::string cannot = "cannot read content from JSON: ";
    EXPECT_EQ(refusal_to_read("[]"), cannot + "the value is an array where an object is expected");
    EXPECT_EQ(refusal_to_read("{}"), cannot + "parts is missing");
    EXPECT_EQ(refusal_to_read(R"({"type":"model_input","parts":[]})"),
              cannot + "type is \"model_input\", not one of: content");
    EXPECT_EQ(refusal_to_read(R"({"parts":{}})"), cannot + "parts is an object where an array is expected");
    EXPECT_EQ(refusal_to_read(R"({"parts":[{"text":"a"},7]})"),
              cannot + "parts[1] is a number where an object is expected");
    EXPECT_EQ(refusal_to_read(R"({"parts":[{"text":null}]})"),
              cannot + "parts[0].text is null where a string is expected");
    EXPECT_EQ(refusal_to_read(R"({"parts":[{"text":"a","meta":[]}]})"),
              cannot + "parts[0].meta is an array where an object is expected");
    EXPECT_EQ(refusal_to_read(R"({"parts":[{"uri":"a","mime_type":1}]})"),
              cannot + "parts[0].mime_type is a number where a string is expected");
    EXPECT_EQ(refusal_to_read(R"({"parts":[{"data":"a*","mime_type":"m"}]})"), cannot + "parts[0].data is not base64");
    EXPECT_EQ(refusal_to_read(R"({"parts":[{"data":"","mime_type":null}]})"),
              cannot + "parts[0].mime_type is null where a string is expected");
    EXPECT_EQ(refusal_to_read(R"({"parts":[{"category":"c","artifact":"a"}]})"),
              cannot + "parts[0].artifact is a string where an object is expected");
    EXPECT_EQ(refusal_to_read(R"({"parts":[{"category":"c","artifact":{},"hidden":0}]})"),
              cannot + "parts[0].hidden is a number where a boolean is expected");
    EXPECT_EQ(refusal_to_read(R"({"parts":[{"data":"Zg==","meta":{}}]})"),
              cannot +
                  "parts[0] is no part: it has neither text, nor uri, nor data and mime_type, nor category and "
                  "artifact");
}

TEST(ContentJson, draive_099_refuses_with_the_path_what_postgresql_cannot_store) {
    const std::string cannot = "cannot write content as JSON: ";
    EXPECT_EQ(refusal_to_write(Content("x").append(TextContent{std::string("a\0b", 3), json(R"({"a":1})")})),
              cannot + "parts[1].text has a NUL (U+0000) at byte 1, which PostgreSQL cannot store");
    EXPECT_EQ(refusal_to_write("\xED\xA0\x80"), cannot + "parts[0].text is not UTF-8 at byte 0");  // U+D800
    EXPECT_EQ(refusal_to_write(ResourceReference{"u\xFF", {}}), cannot + "parts[0].uri is not UTF-8 at byte 1");
    EXPECT_EQ(refusal_to_write(ResourceReference{"u", "\xFF"}), cannot + "parts[0].mime_type is not UTF-8 at byte 0");
    EXPECT_EQ(refusal_to_write(ArtifactContent{"\xFF"}), cannot + "parts[0].category is not UTF-8 at byte 0");
    EXPECT_EQ(refusal_to_write(TextContent{"a", Json()}), cannot + "parts[0].meta is null where an object is expected");
    EXPECT_THAT(refusal_to_write(ArtifactContent{"c", Json::trusted(R"({"degrees":NaN})")}),
                HasSubstr(cannot + "parts[0].artifact is not valid JSON at byte 11 "));
    EXPECT_THAT(refusal_to_write(TextContent{"a", Json::trusted(R"({"a":"\u0000"})")}),
                HasSubstr("parts[0].meta is not valid JSON at byte 6 (line 1, column 7): U+0000"));
    EXPECT_THAT(refusal_to_write(TextContent{"a", Json::trusted(R"({"a":"\ud800"})")}),
                HasSubstr("parts[0].meta is not valid JSON at byte "));
}

TEST(ContentJson, is_a_member_of_a_described_type_like_any_other) {
    const noted::Note note{"Ada", Content("hi")};
    const std::string text = R"({"author":"Ada","said":{"type":"content","parts":[{"text":"hi","meta":{}}]}})";
    EXPECT_EQ(to_json(note).text(), text);
    EXPECT_EQ(from_json<noted::Note>(json(text)).said, note.said);
    EXPECT_EQ(test::error_of([] {
                  from_json<noted::Note>(json(R"({"author":"","said":{"parts":[{}]}})"));
              }).message.find("cannot read noted::Note from JSON: said.parts[0] is no part"),
              0U);
    EXPECT_THAT(json_schema<noted::Note>(), HasSubstr(R"("contentEncoding":"base64")"));
    EXPECT_NO_THROW(Json::parse(json_schema<Content>()));
}

TEST(ContentJson, reads_back_what_it_writes) {
    EXPECT_TRUE(rc::check("from_json(to_json(x)) == x", [] {
        std::vector<ContentPart> parts;
        for (int count = *rc::gen::inRange(0, 5); count > 0; --count) {
            const Json meta = json(nlohmann::json{{rapid::text(), rapid::json_value(2)}}.dump());
            switch (*rc::gen::inRange(0, 4)) {
                case 0: parts.emplace_back(TextContent{rapid::text(), meta}); break;
                case 1: parts.emplace_back(ResourceReference{rapid::text(), rapid::text(), meta}); break;
                case 2: parts.emplace_back(ResourceContent{bytes(rapid::text()), rapid::text(), meta}); break;
                default: parts.emplace_back(ArtifactContent{rapid::text(), meta, *rc::gen::arbitrary<bool>(), meta});
            }
        }
        const Content content = Content::of_parts(std::move(parts));
        RC_ASSERT(from_json<Content>(to_json(content), {.refuse_unknown = true}) == content);
    }));
}

TEST(Content, draive_046_texts_with_equal_meta_become_one_and_others_stay_apart) {
    const Json warm = json(R"({"tone":"warm","n":1})");
    EXPECT_EQ(Content("a").append("b").parts(), (std::vector<ContentPart>{TextContent{"ab"}}));
    EXPECT_EQ(Content("Hi ").append(TextContent{"Ada", warm}).append("!").parts().size(), 3U);
    EXPECT_EQ(Content(TextContent{"a", warm}).append(TextContent{"b", json(R"({"n":1.0, "tone":"warm"})")}).parts(),
              (std::vector<ContentPart>{TextContent{"ab", warm}}));
    EXPECT_EQ(Content("a").append(ResourceReference{"u", {}}).append("b").parts().size(), 3U);
}

TEST(Content, merges_what_it_is_given_but_not_what_it_reads) {
    const std::string stored = R"({"type":"content","parts":[{"text":"a","meta":{}},{"text":"b","meta":{}}]})";
    const Content content = from_json<Content>(json(stored));
    EXPECT_EQ(content.parts().size(), 2U);
    EXPECT_EQ(to_json(content).text(), stored);
    EXPECT_EQ(Content().append(content).parts().size(), 1U);
}

TEST(Content, an_empty_text_adds_nothing_unless_it_has_a_meta) {
    EXPECT_TRUE(Content("").empty());
    EXPECT_TRUE(Content(TextContent{"", json(" { } ")}).empty());
    EXPECT_EQ(Content(TextContent{"", json(R"({"a":1})")}).parts().size(), 1U);
}

TEST(Content, appends_itself) {
    Content content = one_of_each();
    content.append(content);
    EXPECT_EQ(content.parts().size(), 10U);
    EXPECT_EQ(content, one_of_each().append(one_of_each()));
}

TEST(ContentText, draive_048_hidden_artifacts_are_nothing_and_data_is_never_shown) {
    EXPECT_EQ(Content("a").append(ArtifactContent{"c", json(R"({"x":1})"), true}).append("b").text(), "ab");
    EXPECT_EQ(Content("a").append(ResourceContent{bytes("secret"), "image/png"}).text(), "a![image]()");
    EXPECT_EQ(Content(ResourceContent{{}, "audio/wav"}).text(), "![audio]()");
    EXPECT_EQ(Content(ResourceContent{{}, "video/mp4"}).text(), "![video]()");
    EXPECT_EQ(Content(ResourceContent{bytes("secret")}).text(), "![]()");
}

TEST(ContentText, artifacts_and_references_are_json_indented_by_two) {
    EXPECT_EQ(Content(ArtifactContent{"c", json(R"({"x":[1.50],"ö":{}})")}).text(),
              "{\n  \"x\": [\n    1.50\n  ],\n  \"ö\": {}\n}");
    EXPECT_EQ(Content(ResourceReference{"u", {}}).text(),
              "{\n  \"uri\": \"u\",\n  \"mime_type\": null,\n  \"meta\": {}\n}");
}

TEST(Content, draive_100_equality_is_of_values) {
    EXPECT_EQ(Content(ArtifactContent{"c", json(R"({"a":1,"b":2})")}),
              Content(ArtifactContent{"c", json(R"({"b": 2.0, "a": 1})")}));
    EXPECT_NE(Content(ArtifactContent{"c", json(R"({"a":1})")}), Content(ArtifactContent{"c", json(R"({"a":2})")}));
    EXPECT_NE(Content(ResourceReference{"u", {}}), Content(ResourceReference{"u", ""}));
    EXPECT_NE(Content(ResourceContent{bytes("a"), "m"}), Content(ResourceContent{bytes("b"), "m"}));
    EXPECT_NE(Content(TextContent{"a"}), Content(TextContent{"a", json(R"({"a":1})")}));
}

}  // namespace
}  // namespace stele
