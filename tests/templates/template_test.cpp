#include "stele/template.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/server.hpp"

namespace stele {
namespace {

using testing::HasSubstr;

std::string refusal(const TemplateDeclaration& declaration, const TemplateBody& body) {
    const ErrorInfo error = test::error_of([&] { check_declaration(declaration, body); });
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    return error.message;
}

TEST(Template, takes_more_arguments_of_which_the_new_win) {
    const Template handle{"t", {{"a", "1"}, {"b", "2"}}};
    const Template more = handle.with_arguments({{"b", "3"}, {"c", "4"}});
    EXPECT_EQ(more.identifier, "t");
    EXPECT_EQ(more.arguments.size(), 3U);
    EXPECT_EQ(more.arguments.at("a").content(), Content("1"));
    EXPECT_EQ(more.arguments.at("b").content(), Content("3"));
    EXPECT_EQ(handle.arguments.at("b").content(), Content("2"));
    EXPECT_EQ(handle.with_arguments({}).arguments.size(), 2U);
}

TEST(Template, takes_another_meta) {
    const Template handle{"t", {{"a", "1"}}};
    EXPECT_EQ(handle.with_meta(Json::parse(R"({"x":1})")).meta.text(), R"({"x":1})");
    EXPECT_EQ(handle.meta.text(), "{}");
}

TEST(TemplateArgument, is_text_a_part_content_or_a_template) {
    const std::string text = "a";
    EXPECT_EQ(TemplateArgument(text).content(), Content("a"));
    EXPECT_EQ(TemplateArgument(std::string_view("a")).content(), Content("a"));
    EXPECT_EQ(TemplateArgument(ResourceReference{"u", {}}).content(), Content(ResourceReference{"u", {}}));
    EXPECT_EQ(TemplateArgument("a").nested(), nullptr);
    const TemplateArgument nested = Template{"t"};
    ASSERT_NE(nested.nested(), nullptr);
    EXPECT_EQ(nested.nested()->identifier, "t");
    static_assert(!std::constructible_from<TemplateArgument, std::nullptr_t>);
}

TEST(TemplateDeclaration, draive_052_declared_variables_are_those_of_the_body_in_e3) {
    const TemplateBody body = TemplateBody::parse("{%a%} {%b%} {%a%} {%%}shown%}");
    EXPECT_NO_THROW(check_declaration({"t", {}, {{"b", "second"}, {"a", ""}}}, body));
    EXPECT_EQ(refusal({"t", {}, {{"a", ""}}}, body),
              "template \"t\": its body uses variables that are not declared: \"b\"");
    EXPECT_EQ(refusal({"t", {}, {{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}}}, body),
              "template \"t\": variables are declared that its body does not use: \"c\", \"d\"");
    EXPECT_EQ(
        refusal({"t", {}, {{"a", ""}, {"c", ""}}}, body),
        "template \"t\": its body uses variables that are not declared: \"b\"; and does not use what is declared: "
        "\"c\"");
    EXPECT_NO_THROW(check_declaration({"t"}, TemplateBody()));
}

TEST(TemplateDeclaration, draive_052_any_variables_go_with_any_body_in_e1) {
    const TemplateBody body = TemplateBody::parse("{%a%}", TemplateGrammar::e1);
    EXPECT_NO_THROW(check_declaration({"t", {}, {{"c", ""}}}, body));
}

TEST(TemplateDeclaration, draive_099_refuses_with_the_path_what_cannot_be_stored) {
    const TemplateBody body = TemplateBody::parse("{%a%}");
    EXPECT_EQ(refusal({""}, body), "the template's identifier is empty");
    EXPECT_EQ(refusal({"\xFF"}, body), "the template's identifier is not UTF-8 at byte 0");
    EXPECT_EQ(refusal({"t", "\xFF"}, body), "template \"t\": description is not UTF-8 at byte 0");
    EXPECT_EQ(refusal({"t", {}, {{"\xFF", ""}}}, body),
              "template \"t\": the name of variables[0] is not UTF-8 at byte 0");
    EXPECT_EQ(refusal({"t", {}, {{"a", std::string(1, '\0')}}}, body),
              "template \"t\": variables[a] has a NUL (U+0000) at byte 0, which PostgreSQL cannot store");
    EXPECT_EQ(refusal({"t", {}, {{"a", ""}, {"a", ""}}}, body), "template \"t\": variables[a] is declared twice");
    EXPECT_EQ(refusal({"t", {}, {{"a", ""}}, Json()}, body),
              "template \"t\": meta is null where an object is expected");
    EXPECT_THAT(refusal({"t", {}, {{"a", ""}}, Json::trusted("{\"a\":NaN}")}, body),
                HasSubstr("template \"t\": meta is not valid JSON at byte 5"));
}

}  // namespace
}  // namespace stele
