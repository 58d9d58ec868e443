#include "revision_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "json_layout.hpp"

namespace stele::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr auto kE1 = TemplateGrammar::e1;
constexpr auto kE3 = TemplateGrammar::e3;

RevisionContent template_content(const std::string& identifier, std::string body,
                                 std::vector<TemplateVariable> variables, std::optional<std::string> description = {},
                                 const std::string& meta = "{}") {
    return {std::move(body),
            TemplateDeclaration{identifier, std::move(description), std::move(variables), Json::parse(meta)}};
}

std::map<std::string, std::string> variables_of(const RevisionContent& content) {
    std::map<std::string, std::string> named;
    for (const TemplateVariable& variable : content.about->variables) named[variable.name] = variable.description;
    return named;
}

void expect_same(const Contents& a, const Contents& b) {
    ASSERT_EQ(a.size(), b.size());
    for (const auto& [identifier, content] : a) {
        ASSERT_TRUE(b.contains(identifier)) << identifier;
        const RevisionContent& other = b.at(identifier);
        ASSERT_EQ(content.about.has_value(), other.about.has_value());
        if (!content.about) {
            EXPECT_TRUE(same_value(Json::parse(content.text), Json::parse(other.text))) << other.text;
            continue;
        }
        EXPECT_EQ(content.text, other.text);
        EXPECT_EQ(content.about->description, other.about->description);
        EXPECT_EQ(variables_of(content), variables_of(other));
        EXPECT_TRUE(same_value(content.about->meta, other.about->meta));
    }
}

std::string refusal_of(const StoreKind& kind, const Files& files) {
    try {
        contents_of(kind, files, kE3);
        return "";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
        return error.what();
    }
}

TEST(JsonLayout, sorts_keys_and_keeps_every_digit) {
    EXPECT_EQ(indented(Json::parse(R"({"b":[1.10,{"y":[],"x":{}}],"a":"\u00e4 \n","aa":1e300})")),
              "{\n  \"a\": \"\xC3\xA4 \\n\",\n  \"aa\": 1e300,\n  \"b\": [\n    1.10,\n    {\n      \"x\": {},\n      "
              "\"y\": []\n    }\n  ]\n}");
    EXPECT_EQ(indented(Json::parse(" 12345678901234567890123 ")), "12345678901234567890123");
}

TEST(RevisionFiles, of_a_configuration_are_indented_json_with_a_newline) {
    const Contents contents = {{"app/a", {R"({"b":1,"a":0.1000})"}}};
    EXPECT_THAT(files_of(kConfigurations, contents, kE3),
                ElementsAre(Pair("app/a.json", "{\n  \"a\": 0.1000,\n  \"b\": 1\n}\n")));
}

TEST(RevisionFiles, of_a_template_are_its_body_and_what_is_not_to_be_seen_in_it) {
    const Contents plain = {{"x", template_content("x", "Hi {%a%}", {{"a"}})}};
    EXPECT_THAT(files_of(kTemplates, plain, kE3), ElementsAre(Pair("x.txt", "Hi {%a%}")));
    const Contents full = {{"x", template_content("x", "{%a%}{%b%}\n", {{"a", "one"}, {"b"}}, "", R"({"k":[1]})")}};
    EXPECT_THAT(files_of(kTemplates, full, kE3),
                ElementsAre(Pair("x.json",
                                 "{\n  \"description\": \"\",\n  \"meta\": {\n    \"k\": [\n      1\n    ]\n  "
                                 "},\n  \"variables\": {\n    \"a\": \"one\"\n  }\n}\n"),
                            Pair("x.txt", "{%a%}{%b%}\n")));
}

TEST(RevisionFiles, come_back_as_what_they_were_made_of) {
    std::mt19937 random(7);
    const auto word = [&] {
        const std::string letters = "aB/.% \n\"\\\xC3\xA4";
        std::string text;
        for (std::size_t i = 0; i < 1 + random() % 6; ++i) {
            const char letter = letters[random() % (letters.size() - 1)];
            text += letter == '\xC3' ? std::string("\xC3\xA4") : std::string(1, letter);
        }
        return text;
    };
    for (int round = 0; round < 100; ++round) {
        Contents configurations, templates;
        for (int i = 0; i < 12; ++i) {
            const std::string text = "{" + Json::string(word()).text() + ":[" + std::to_string(random()) + ".50," +
                                     Json::string(word()).text() + "]}";
            configurations[word()] = {text};
            std::vector<TemplateVariable> variables;
            std::string body = word();
            for (const char* name : {"one", "two"}) {
                if (random() % 2 == 0) continue;
                body += std::string("{%") + name + "%}" + word();
                variables.push_back({name, random() % 2 == 0 ? word() : ""});
            }
            const std::string identifier = word();
            templates[identifier] =
                template_content(identifier, body, variables,
                                 random() % 2 == 0 ? std::optional(random() % 2 == 0 ? word() : "") : std::nullopt,
                                 random() % 2 == 0 ? "{}" : text);
        }
        expect_same(configurations, contents_of(kConfigurations, files_of(kConfigurations, configurations, kE3), kE3));
        expect_same(templates, contents_of(kTemplates, files_of(kTemplates, templates, kE3), kE3));
    }
}

TEST(RevisionFiles, keep_in_e1_what_is_declared_and_not_in_the_body) {
    const Contents contents = {{"x", template_content("x", "Hi {%a%}", {{"b", ""}})},
                               {"y", template_content("y", "Hi {%a%}", {})}};
    expect_same(contents, contents_of(kTemplates, files_of(kTemplates, contents, kE1), kE1));
}

TEST(RevisionFiles, get_the_variables_that_only_the_body_has) {
    const Contents contents =
        contents_of(kTemplates, {{"x.txt", "{%a%}{%b%}"}, {"x.json", R"({"variables":{"a":"one"}})"}}, kE3);
    EXPECT_EQ(variables_of(contents.at("x")), (std::map<std::string, std::string>{{"a", "one"}, {"b", ""}}));
}

TEST(RevisionFiles, with_a_fault_are_refused_by_name) {
    EXPECT_THAT(refusal_of(kConfigurations, {{"a.json", "[]"}}), AllOf(HasSubstr("a.json: "), HasSubstr("object")));
    EXPECT_THAT(refusal_of(kConfigurations, {{"b/a.json", "{\n\"x\" 1}"}}),
                AllOf(HasSubstr("b/a.json: "), HasSubstr("line 2")));
    EXPECT_THAT(refusal_of(kConfigurations, {{"a b.json", "{}"}}), HasSubstr("rename it to 'a%20b'"));
    EXPECT_THAT(refusal_of(kConfigurations, {{"A.json", "{}"}, {"a.json", "{}"}}), HasSubstr("differ in case only"));
    EXPECT_THAT(refusal_of(kConfigurations, {{"A.json", "{}"}, {"%41.json", "{}"}}), HasSubstr("of 'A', too"));
    EXPECT_THAT(refusal_of(kTemplates, {{"x.txt", "\xFF"}}), HasSubstr("x.txt: "));
    EXPECT_THAT(refusal_of(kTemplates, {{"x.txt", "a"}, {"x.json", R"({"variables":{"b":""}})"}}),
                AllOf(HasSubstr("x.json: "), HasSubstr("\"b\"")));
    EXPECT_THAT(refusal_of(kTemplates, {{"x.txt", "a"}, {"x.json", R"({"descripton":"d"})"}}),
                AllOf(HasSubstr("x.json: "), HasSubstr("descripton")));
}

TEST(RevisionFiles, of_the_other_store_are_refused) {
    EXPECT_THAT(refusal_of(kConfigurations, {{"x.txt", "a"}, {"x.json", "{}"}}), HasSubstr("belongs to a template"));
    EXPECT_THAT(refusal_of(kTemplates, {{"x.json", "{}"}}), HasSubstr("a folder of its own"));
    EXPECT_EQ(refusal_of(kConfigurations, {{"notes.txt", "a"}, {"x.json", "{}"}}), "");
    EXPECT_EQ(foreign_file(kConfigurations, {{"notes.txt", ""}}, {{"x.json", "{}"}}), std::nullopt);
    EXPECT_EQ(foreign_file(kConfigurations, {{"x.txt", ""}}, {{"x.json", "{}"}}), "x.txt");
    EXPECT_EQ(foreign_file(kConfigurations, {{"y.txt", ""}, {"y.json", "{}"}}, {}), "y.txt");
    EXPECT_EQ(foreign_file(kTemplates, {{"y.txt", ""}, {"y.json", "{}"}}, {}), std::nullopt);
    EXPECT_EQ(foreign_file(kTemplates, {{"y.json", "{}"}}, {}), "y.json");
}

}  // namespace
}  // namespace stele::cli
