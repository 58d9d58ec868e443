#include "stele/template_body.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "stele/template.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr TemplateGrammar kE1 = TemplateGrammar::e1;
constexpr TemplateGrammar kE3 = TemplateGrammar::e3;

/// With each name in angle brackets.
std::string shown(std::string_view text, TemplateGrammar grammar) {
    std::string shown;
    for (const auto& segment : TemplateBody::parse(text, grammar).segments()) {
        shown += segment.kind == TemplateBody::Segment::Kind::text ? segment.text : '<' + segment.text + '>';
    }
    return shown;
}

void expect_in_both(std::string_view text, std::string_view expected) {
    EXPECT_EQ(shown(text, kE3), expected) << "E3";
    EXPECT_EQ(shown(text, kE1), expected) << "E1";
}

TEST(TemplateBody, draive_039_only_a_name_between_the_brackets_is_a_variable) {
    expect_in_both("Hi {%name%}!", "Hi <name>!");
    for (const char* text : {"{% name %}", "{%name %}", "{%\tname%}", "{%\xC2\xA0name%}", "{%a\xE3\x80\x80%}", "{%%}",
                             "{%}", "{{name}}", "{%name", "{%name%", "name%}", "{ %name%}", "{%na\nme%}", "{%"}) {
        expect_in_both(text, text);
    }
}

TEST(TemplateBody, draive_040_adjacent_repeated_non_ascii_and_symbol_names_work) {
    expect_in_both("{%a%}{%b%}{%a%}", "<a><b><a>");
    expect_in_both("{%größe%}{%名前%}{%😀%}", "<größe><名前><😀>");
    expect_in_both("{%a.b-c[0]/{}$}%}", "<a.b-c[0]/{}$}>");
    expect_in_both("{{%a%}}", "{<a>}");
    expect_in_both("{%}%}", "<}>");
}

TEST(TemplateBody, draive_041_a_percent_sign_in_a_name_is_for_e1_only) {
    EXPECT_EQ(shown("{%a%b%}", kE1), "<a%b>");
    EXPECT_EQ(shown("{%a%b%}", kE3), "{%a%b%}");
    EXPECT_EQ(shown("{%{%k%}", kE1), "<{%k>");
    EXPECT_EQ(shown("{%{%k%}", kE3), "{%<k>");
    EXPECT_EQ(shown("{%%name%%}", kE1), "<%name%>");
    EXPECT_EQ(shown("{%%name%%}", kE3), "{%%name%%}");
}

TEST(TemplateBody, draive_042_what_is_no_name_takes_its_closing_bracket_with_it_in_e1_only) {
    EXPECT_EQ(shown("{%x {%b%}", kE1), "{%x {%b%}");
    EXPECT_EQ(shown("{%x {%b%}", kE3), "{%x <b>");
    EXPECT_EQ(shown("{%x {%b%}{%c%}", kE1), "{%x {%b%}<c>");
    EXPECT_EQ(shown("{%%}{%c%}", kE1), "{%%}<c>");
}

TEST(TemplateBody, names_its_variables_once_in_the_order_of_their_first_use) {
    EXPECT_THAT(TemplateBody::parse("{%b%} {%a%} {%b%}").variables(), ElementsAre("b", "a"));
    EXPECT_THAT(TemplateBody::parse("plain").variables(), IsEmpty());
}

TEST(TemplateBody, keeps_the_text_that_it_came_from) {
    const std::string text = "a {%b%} {%%}c%}";
    EXPECT_EQ(TemplateBody::parse(text).text(), text);
    EXPECT_EQ(TemplateBody::parse(text).grammar(), kE3);
    EXPECT_THAT(TemplateBody::parse("").segments(), IsEmpty());
}

TEST(TemplateBody, draive_099_refuses_what_postgresql_cannot_store) {
    const auto refusal = [](std::string_view text) {
        const ErrorInfo error = test::error_of([&] { TemplateBody::parse(text); });
        EXPECT_EQ(error.code, ErrorCode::invalid_argument);
        return error.message;
    };
    EXPECT_EQ(refusal(std::string_view("ab\0", 3)),
              "the template has a NUL (U+0000) at byte 2, which PostgreSQL cannot store");
    EXPECT_EQ(refusal("a\xED\xA0\x80"), "the template is not UTF-8 at byte 1");
}

TEST(TemplateEscape, shows_a_place_instead_of_filling_it) {
    expect_in_both("Write {%%}name%} for {%name%}.", "Write {%name%} for <name>.");
    expect_in_both("{%%}a%}{%%}b%}{%c%}", "{%a%}{%b%}<c>");
    expect_in_both("{{%%}a%}}", "{{%a%}}");
    expect_in_both("{%%}}x%}", "{%}x%}");
    EXPECT_THAT(TemplateBody::parse("{%%}name%}").variables(), IsEmpty());
    EXPECT_EQ(TemplateBody::parse("a {%%}b%} c").segments().size(), 1U);
}

TEST(TemplateEscape, can_itself_be_escaped) {
    expect_in_both("{%%}%}name%}", "{%%}name%}");
    expect_in_both("{%%}%}%}name%}", "{%%}%}name%}");
}

TEST(TemplateEscape, is_nothing_without_a_name_and_its_closing_bracket) {
    for (const char* text : {"{%%}", "{%%}%}", "{%%} name%}", "{%%}na me%}", "{%%}name", "{%%}%}%}", "{%%}name%"}) {
        expect_in_both(text, text);
    }
    expect_in_both("{%%}name {%a%}", "{%%}name <a>");
    expect_in_both("{%%}name{%a%}", "{%%}name<a>");
    expect_in_both("{%%}{%%}name%}", "{%%}{%name%}");
}

TEST(TemplateEscape, takes_the_names_of_its_dialect) {
    EXPECT_EQ(shown("{%%}a%b%}", kE1), "{%a%b%}");
    EXPECT_EQ(shown("{%%}a%b%}", kE3), "{%%}a%b%}");
    EXPECT_EQ(shown("{%%}%name%%}", kE1), "{%%name%%}");
}

TEST(TemplateEscape, never_hides_a_place_that_other_readers_see) {
    expect_in_both("{%%}x{%}y%}", "{%%}x<}y>");
    expect_in_both("{%%}x{%k%}", "{%%}x<k>");
}

/// The rules of section "E1" and "E3" of the header without the escape, as plainly as they can be put.
std::vector<std::string> names_for_draive(std::string_view text, TemplateGrammar grammar) {
    const auto is_blank = [](char c) { return c == ' ' || c == '\n'; };
    std::vector<std::string> names;
    std::size_t at = 0;
    while ((at = text.find("{%", at)) != std::string_view::npos) {
        const std::size_t end = text.find("%}", at + 2);
        if (end == std::string_view::npos) break;
        const std::string_view name = text.substr(at + 2, end - at - 2);
        bool good = !name.empty() && std::none_of(name.begin(), name.end(), is_blank);
        if (grammar == kE3) good = good && name.find('%') == std::string_view::npos;
        if (good) names.emplace_back(name);
        at = good || grammar == kE1 ? end + 2 : at + 1;
    }
    return names;
}

std::string near_templates() {
    std::string text;
    for (const auto& piece : *rc::gen::container<std::vector<std::string>>(
             rc::gen::element<std::string>("{", "%", "}", "{%", "%}", "a", "b", " "))) {
        text += piece;
    }
    return text;
}

TEST(TemplateBody, has_the_variables_that_the_readers_of_draive_see_whatever_is_escaped) {
    EXPECT_TRUE(rc::check("same names", [] {
        const std::string text = near_templates();
        for (const TemplateGrammar grammar : {kE1, kE3}) {
            std::vector<std::string> names;
            for (const auto& segment : TemplateBody::parse(text, grammar).segments()) {
                if (segment.kind == TemplateBody::Segment::Kind::variable) names.push_back(segment.text);
            }
            RC_ASSERT(names == names_for_draive(text, grammar));
        }
    }));
}

TEST(TemplateBody, shows_every_other_text_byte_for_byte) {
    EXPECT_TRUE(rc::check("its places put back give the body, unless something is escaped", [] {
        const std::string text = near_templates();
        RC_PRE(text.find("{%%}") == std::string::npos);
        for (const TemplateGrammar grammar : {kE1, kE3}) {
            const TemplateBody body = TemplateBody::parse(text, grammar);
            TemplateArguments places;
            for (const std::string& name : body.variables()) places.emplace(name, "{%" + name + "%}");
            RC_ASSERT(render_text(body, places) == text);
        }
    }));
}

}  // namespace
}  // namespace stele
