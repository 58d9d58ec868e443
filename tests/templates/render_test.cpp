#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stele/template.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using testing::ElementsAre;

constexpr TemplateGrammar kBoth[] = {TemplateGrammar::e3, TemplateGrammar::e1};

TemplateBody body(std::string_view text) {
    return TemplateBody::parse(text);
}

/// Stored bodies, and who asked for them.
class Shelf {
public:
    Shelf(std::initializer_list<std::pair<const std::string, std::string>> bodies) : bodies_(bodies) {}

    TemplateLoader loader() {
        return [this](const std::string& identifier) -> std::optional<TemplateBody> {
            asked_.push_back(identifier);
            const auto found = bodies_.find(identifier);
            return found == bodies_.end() ? std::nullopt : std::optional(body(found->second));
        };
    }
    const std::vector<std::string>& asked() const { return asked_; }

private:
    std::map<std::string, std::string> bodies_;
    std::vector<std::string> asked_;
};

template <class Call>
std::string refusal(ErrorCode code, Call call) {
    const ErrorInfo error = test::error_of(call);
    EXPECT_EQ(error.code, code) << error.message;
    return error.message;
}

TEST(Render, draive_043_a_missing_argument_is_named_and_others_are_ignored) {
    EXPECT_EQ(refusal(ErrorCode::invalid_argument, [] { render(body("{%name%}"), {{"other", "x"}}); }),
              "the template needs arguments that were not given: \"name\"");
    Shelf shelf{{"greeting", "{%b%} {%a%} {%b%} {%c%}"}};
    EXPECT_EQ(
        refusal(ErrorCode::invalid_argument, [&] { render(Template{"greeting", {{"a", "x"}}}, {}, shelf.loader()); }),
        "template \"greeting\" needs arguments that were not given: \"b\", \"c\"");
    EXPECT_EQ(render_text(body("Hi {%name%}"), {{"name", "Ada"}, {"other", "x"}}), "Hi Ada");
}

TEST(Render, draive_044_arguments_of_the_call_win_over_those_of_the_template) {
    for (const TemplateGrammar grammar : kBoth) {
        const TemplateLoader load = [&](const std::string&) { return TemplateBody::parse("{%a%}{%b%}", grammar); };
        EXPECT_EQ(render_text(Template{"t", {{"a", "own"}, {"b", "own"}}}, {{"a", "call"}}, load), "callown");
    }
}

TEST(Render, draive_046_keeps_the_meta_of_parts_and_merges_neighbours_of_the_same) {
    const Json tone = Json::parse(R"({"tone":"warm"})");
    EXPECT_EQ(render(body("Hi {%name%}!"), {{"name", TextContent{"Ada", tone}}}).parts(),
              (std::vector<ContentPart>{TextContent{"Hi "}, TextContent{"Ada", tone}, TextContent{"!"}}));
    EXPECT_EQ(render(body("{%a%}{%b%}"), {{"a", TextContent{"A", tone}}, {"b", TextContent{"B", tone}}}).parts(),
              (std::vector<ContentPart>{TextContent{"AB", tone}}));
    EXPECT_EQ(render(body("Hi {%name%}!"), {{"name", "Ada"}}).parts(),
              (std::vector<ContentPart>{TextContent{"Hi Ada!"}}));
}

TEST(Render, draive_047_an_empty_body_gives_empty_content_and_empty_text) {
    EXPECT_TRUE(render(body("")).empty());
    EXPECT_EQ(render_text(body("")), "");
}

TEST(Render, draive_048_as_text_it_leaves_out_hidden_artifacts_and_data) {
    const TemplateArguments arguments = {{"image", ResourceContent{std::vector<std::byte>(9), "image/png"}},
                                         {"hidden", ArtifactContent{"c", Json::parse(R"({"a":1})"), true}},
                                         {"seen", ArtifactContent{"c", Json::parse(R"({"a":1})")}}};
    EXPECT_EQ(render_text(body("{%image%}|{%hidden%}|{%seen%}"), arguments), "![image]()||{\n  \"a\": 1\n}");
    EXPECT_EQ(render(body("{%image%}|{%hidden%}|{%seen%}"), arguments).parts().size(), 5U);
}

TEST(Render, draive_049_a_raw_string_is_rendered_with_the_same_grammar_by_both_calls) {
    EXPECT_EQ(render(body("Hi {%n%}, {n} {{n}} {%%}n%}"), {{"n", "Ada"}}), Content("Hi Ada, {n} {{n}} {%n%}"));
    EXPECT_EQ(render_text(body("Hi {%n%}, {n}"), {{"n", "Ada"}}), "Hi Ada, {n}");
}

TEST(Render, never_searches_arguments_for_places) {
    EXPECT_EQ(render_text(body("{%a%}{%b%}"), {{"a", "{%b%}{%"}, {"b", "c%}"}}), "{%b%}{%c%}");
}

TEST(RenderNested, draive_050_templates_among_the_arguments_are_rendered_and_see_the_arguments_around_them) {
    Shelf shelf{{"letter", "{%greeting%} {%body%}"}, {"greeting", "Dear {%name%},"}};
    EXPECT_EQ(render_text(Template{"letter", {{"greeting", Template{"greeting"}}}}, {{"name", "Ada"}, {"body", "hi"}},
                          shelf.loader()),
              "Dear Ada, hi");
    EXPECT_THAT(shelf.asked(), ElementsAre("letter", "greeting"));
}

TEST(RenderNested, draive_050_arguments_around_a_template_win_over_its_own) {
    Shelf shelf{{"t", "{%a%}{%b%}"}};
    EXPECT_EQ(render_text(body("{%x%}"), {{"x", Template{"t", {{"a", "own"}, {"b", "own"}}}}, {"a", "outer"}},
                          shelf.loader()),
              "outerown");
}

TEST(RenderNested, draive_050_what_is_not_used_is_not_loaded) {
    Shelf shelf{};
    EXPECT_EQ(render_text(body("plain"), {{"unused", Template{"missing"}}}, shelf.loader()), "plain");
    EXPECT_THAT(shelf.asked(), ElementsAre());
}

TEST(RenderNested, draive_050_a_circle_is_refused_and_printed) {
    Shelf shelf{{"self", "[{%x%}]"}, {"ping", "{%y%}"}, {"pong", "{%x%}"}, {"root", "{%x%}"}};
    EXPECT_EQ(
        refusal(ErrorCode::invalid_argument, [&] { render(body("{%x%}"), {{"x", Template{"self"}}}, shelf.loader()); }),
        "arguments that are templates need one another in a circle: \"x\" (template \"self\") -> \"x\"");
    EXPECT_EQ(
        refusal(
            ErrorCode::invalid_argument,
            [&] { render(Template{"root", {{"x", Template{"ping"}}, {"y", Template{"pong"}}}}, {}, shelf.loader()); }),
        "arguments that are templates need one another in a circle: \"x\" (template \"ping\") -> \"y\" (template "
        "\"pong\") -> \"x\"");
}

TEST(RenderNested, draive_050_the_same_template_twice_is_no_circle) {
    Shelf shelf{{"box", "[{%inner%}]"}, {"name", "Ada"}};
    EXPECT_EQ(render_text(Template{"box", {{"inner", Template{"box", {{"inner", Template{"box", {{"inner", "x"}}}}}}}}},
                          {}, shelf.loader()),
              "[[[x]]]");
    EXPECT_EQ(render_text(body("{%a%}{%a%}{%b%}"), {{"a", Template{"name"}}, {"b", Template{"name"}}}, shelf.loader()),
              "AdaAdaAda");
    EXPECT_THAT(shelf.asked(), ElementsAre("box", "name"));
}

TEST(RenderNested, what_hides_a_name_ends_a_circle) {
    Shelf shelf{{"ping", "{%y%}"}, {"pong", "{%x%}"}};
    EXPECT_EQ(
        render_text(body("{%x%}"), {{"x", Template{"ping", {{"x", "end"}}}}, {"y", Template{"pong"}}}, shelf.loader()),
        "end");
}

TEST(RenderNested, says_which_template_is_missing_and_what_names_it) {
    Shelf shelf{{"letter", "{%greeting%}"}};
    EXPECT_EQ(refusal(ErrorCode::not_found, [&] { render(Template{"nowhere"}, {}, shelf.loader()); }),
              "there is no template \"nowhere\"");
    EXPECT_EQ(refusal(ErrorCode::not_found,
                      [&] { render(Template{"letter"}, {{"greeting", Template{"nowhere"}}}, shelf.loader()); }),
              "there is no template \"nowhere\" (the argument \"greeting\")");
}

TEST(RenderNested, says_which_template_lacks_an_argument) {
    Shelf shelf{{"greeting", "Dear {%name%},"}};
    EXPECT_EQ(refusal(ErrorCode::invalid_argument,
                      [&] { render(body("{%g%}"), {{"g", Template{"greeting"}}}, shelf.loader()); }),
              "template \"greeting\" (the argument \"g\") needs arguments that were not given: \"name\"");
}

TEST(RenderNested, is_refused_where_nothing_can_load_it) {
    EXPECT_EQ(refusal(ErrorCode::invalid_argument, [] { render(body("{%g%}"), {{"g", Template{"greeting"}}}); }),
              "template \"greeting\" is needed, and nothing was given to load it with");
}

TEST(RenderNested, keeps_the_parts_of_what_is_nested) {
    Shelf shelf{{"card", "<{%picture%}>"}};
    const ResourceReference picture{"https://example.org/a.png", "image/png"};
    EXPECT_EQ(render(body("a{%card%}b"), {{"card", Template{"card"}}, {"picture", picture}}, shelf.loader()),
              Content("a<").append(picture).append(">b"));
}

}  // namespace
}  // namespace stele
