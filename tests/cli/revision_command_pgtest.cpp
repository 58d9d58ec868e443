// stele config and stele template, as far as they concern one identifier.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/server_run.hpp"
#include "stele/configuration.hpp"
#include "stele/templates.hpp"

namespace stele::test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct RevisionCommand : ::testing::Test {
    RevisionCommand() { server.open(); }

    std::string set(const std::string& identifier, const std::string& text, std::vector<std::string> more = {}) {
        std::vector<std::string> words = {"config", "set", identifier};
        words.insert(words.end(), more.begin(), more.end());
        return document_on(server, words, text).at("revision");
    }
    json history(const std::string& store, const std::string& identifier) {
        return document_on(server, {store, "history", identifier}).at("revisions");
    }

    Server server;
};

TEST_F(RevisionCommand, a_configuration_is_set_and_got_with_every_digit) {
    const std::string number = "0.12345678901234567890123";
    const json set = document_on(server, {"config", "set", "app", "-", "--author", "ada", "-m", "first"},
                                 R"({"b":)" + number + R"(,"a":[1]})");
    EXPECT_EQ(set.at("identifier"), "app");
    EXPECT_EQ(set.at("changed"), true);
    const std::string revision = set.at("revision");
    const Outcome plain = run_on(server, {"config", "get", "app"});
    EXPECT_EQ(plain.exit, 0) << plain.err;
    EXPECT_TRUE(same_value(Json::parse(plain.out), Json::parse(R"({"a":[1],"b":)" + number + "}"))) << plain.out;
    EXPECT_THAT(plain.err, AllOf(HasSubstr(revision), HasSubstr("by ada: first")));
    EXPECT_EQ(run_on(server, {"config", "get", "app", "--pretty"}).out,
              "{\n  \"a\": [\n    1\n  ],\n  \"b\": " + number + "\n}\n");
    const Outcome whole = run_on(server, {"config", "get", "app", "--json"});
    EXPECT_THAT(whole.out, HasSubstr(number));
    json document = whole.document();
    EXPECT_EQ(document.at("content").at("a"), json({1}));
    document.erase("content");
    EXPECT_EQ(document, json({{"identifier", "app"},
                              {"revision", revision},
                              {"author", "ada"},
                              {"message", "first"},
                              {"labels", json::array()}}));
}

TEST_F(RevisionCommand, the_same_content_in_another_order_adds_nothing) {
    set("app", R"({"a":1,"b":2})");
    const Outcome again = run_on(server, {"config", "set", "app"}, R"({"b":2.0,"a":1})");
    EXPECT_EQ(again.exit, 0);
    EXPECT_THAT(again.out, HasSubstr("unchanged"));
    EXPECT_EQ(document_on(server, {"config", "set", "app"}, R"({"b":2,"a":1})"),
              json({{"identifier", "app"}, {"changed", false}, {"revision", nullptr}}));
    EXPECT_EQ(history("config", "app").size(), 1U);
}

TEST_F(RevisionCommand, what_is_no_json_object_is_refused_with_the_place) {
    EXPECT_THAT(error_on(server, {"config", "set", "app"}, 2, "[1]").at("message").get<std::string>(),
                HasSubstr("JSON object"));
    EXPECT_THAT(error_on(server, {"config", "set", "app"}, 2, "{\n\"a\":}").at("message").get<std::string>(),
                HasSubstr("line 2"));
    EXPECT_THAT(error_on(server, {"config", "set", "app"}, 2, R"({"a":1,"a":2})").at("message").get<std::string>(),
                HasSubstr("'a' is given twice"));
    EXPECT_EQ(error_on(server, {"config", "get", "app"}, 1).at("code"), "not_found");
}

TEST_F(RevisionCommand, the_author_is_the_user_unless_one_is_named) {
    run_on(server, {"config", "set", "app"}, R"({"a":1})", {{"USER", "grace"}});
    run_on(server, {"config", "set", "app", "--author", "ada"}, R"({"a":2})", {{"USER", "grace"}});
    run_on(server, {"config", "set", "app", "--author", ""}, R"({"a":3})", {{"USER", "grace"}});
    const json revisions = history("config", "app");
    EXPECT_EQ(revisions.at(2).at("author"), "grace");
    EXPECT_EQ(revisions.at(1).at("author"), "ada");
    EXPECT_EQ(revisions.at(0).at("author"), nullptr);
}

TEST_F(RevisionCommand, an_older_revision_is_got_by_time_by_name_and_by_label) {
    const std::string first = set("app", R"({"n":1})");
    const std::string second = set("app", R"({"n":2})");
    const auto n = [&](const char* option, const std::string& value) {
        return document_on(server, {"config", "get", "app", option, value}).at("content").at("n");
    };
    EXPECT_EQ(n("--revision", first), 1);
    EXPECT_EQ(n("--at", first), 1);
    EXPECT_EQ(n("--at", second), 2);
    EXPECT_EQ(n("--at", "2999-01-01T00:00:00Z"), 2);
    document_on(server, {"config", "label", "app", "live", "--revision", first});
    EXPECT_EQ(n("--label", "live"), 1);
    EXPECT_EQ(error_on(server, {"config", "get", "app", "--label", "none"}, 1).at("code"), "not_found");
    EXPECT_THAT(
        error_on(server, {"config", "get", "app", "--at", "2001-01-01T00:00:00Z"}, 1).at("message").get<std::string>(),
        HasSubstr("no revision yet"));
    EXPECT_THAT(error_on(server, {"config", "get", "app", "--revision", "2001-01-01T00:00:00Z"}, 1)
                    .at("message")
                    .get<std::string>(),
                HasSubstr("stele config history app"));
}

TEST_F(RevisionCommand, history_goes_page_by_page_and_knows_labels) {
    const std::string first = set("app", R"({"n":1})");
    const std::string second = set("app", R"({"n":2})", {"-m", "more"});
    document_on(server, {"config", "label", "app", "live", "--revision", second});
    const json page = document_on(server, {"config", "history", "app", "--limit", "1"});
    EXPECT_EQ(page.at("identifier"), "app");
    ASSERT_EQ(page.at("revisions").size(), 1U);
    EXPECT_EQ(page.at("revisions").at(0).at("revision"), second);
    EXPECT_EQ(page.at("revisions").at(0).at("message"), "more");
    EXPECT_EQ(page.at("revisions").at(0).at("labels"), json({"live"}));
    EXPECT_EQ(page.at("next_before"), second);
    const json rest = document_on(server, {"config", "history", "app", "--before", second});
    ASSERT_EQ(rest.at("revisions").size(), 1U);
    EXPECT_EQ(rest.at("revisions").at(0).at("revision"), first);
    EXPECT_EQ(rest.at("next_before"), nullptr);
    EXPECT_EQ(document_on(server, {"config", "history", "app", "--before", first}).at("revisions"), json::array());
    EXPECT_EQ(error_on(server, {"config", "history", "none"}, 1).at("code"), "not_found");
}

TEST_F(RevisionCommand, a_diff_is_of_the_last_change_unless_told_otherwise) {
    const std::string first = set("app", R"({"n":1})");
    EXPECT_THAT(error_on(server, {"config", "diff", "app"}, 1).at("message").get<std::string>(),
                HasSubstr("one revision only"));
    const std::string second = set("app", R"({"n":2})");
    const std::string third = set("app", R"({"n":3})");
    EXPECT_EQ(run_on(server, {"config", "diff", "app"}).out, "- n: 2\n+ n: 3\n");
    EXPECT_EQ(run_on(server, {"config", "diff", "app", first}).out, "- n: 1\n+ n: 3\n");
    document_on(server, {"config", "label", "app", "live", "--revision", first});
    EXPECT_EQ(document_on(server, {"config", "diff", "app", "label:live", second}),
              json({{"identifier", "app"}, {"from", first}, {"to", second}, {"diff", "- n: 1\n+ n: 2\n"}}));
    const Outcome none = run_on(server, {"config", "diff", "app", third, "newest"});
    EXPECT_EQ(none.out, "");
    EXPECT_THAT(none.err, HasSubstr("no difference"));
    EXPECT_EQ(none.exit, 0);
}

TEST_F(RevisionCommand, an_older_content_is_restored_as_a_new_revision) {
    const std::string first = set("app", R"({"n":1})");
    set("app", R"({"n":2})");
    const json restored = document_on(server, {"config", "restore", "app", first, "-m", "back"});
    EXPECT_EQ(restored.at("changed"), true);
    const json revisions = history("config", "app");
    ASSERT_EQ(revisions.size(), 3U);
    EXPECT_EQ(revisions.at(0).at("message"), "back");
    EXPECT_EQ(document_on(server, {"config", "get", "app"}).at("content"), json({{"n", 1}}));
    EXPECT_EQ(document_on(server, {"config", "restore", "app", first}).at("changed"), false);
    EXPECT_EQ(error_on(server, {"config", "restore", "app", "2001-01-01T00:00:00Z"}, 1).at("code"), "not_found");
}

TEST_F(RevisionCommand, a_label_keeps_a_configuration_from_being_removed) {
    set("app", R"({"n":1})");
    set("app", R"({"n":2})");
    document_on(server, {"config", "label", "app", "live"});
    const json refused = error_on(server, {"config", "remove", "app"}, 5);
    EXPECT_EQ(refused.at("code"), "constraint_violation");
    EXPECT_THAT(refused.at("message").get<std::string>(), HasSubstr("it has the label live; first `stele config label "
                                                                    "app live --remove`"));
    EXPECT_EQ(document_on(server, {"config", "label", "app", "live", "--remove"}),
              json({{"removed", 1}, {"missing", json::array()}}));
    EXPECT_EQ(document_on(server, {"config", "remove", "app"}), json({{"identifier", "app"}, {"removed", 2}}));
    const Outcome again = run_on(server, {"config", "remove", "app", "--json"});
    EXPECT_EQ(again.exit, 1);
    EXPECT_EQ(again.document().at("removed"), 0);
}

TEST_F(RevisionCommand, an_empty_body_is_stored_only_when_it_is_meant) {
    EXPECT_THAT(error_on(server, {"template", "set", "t"}, 2).at("message").get<std::string>(), HasSubstr("--empty"));
    EXPECT_EQ(error_on(server, {"template", "get", "t"}, 1).at("code"), "not_found");
    EXPECT_EQ(document_on(server, {"template", "set", "t", "--empty"}).at("changed"), true);
    EXPECT_EQ(document_on(server, {"template", "get", "t"}).at("body"), "");
}

TEST_F(RevisionCommand, prune_says_what_would_go_and_lets_it_go) {
    const std::string first = set("app", R"({"n":1})");
    const std::string second = set("app", R"({"n":2})");
    set("app", R"({"n":3})");
    set("other", R"({"n":1})");
    document_on(server, {"config", "label", "app", "live", "--revision", first});
    const json gone = {{{"identifier", "app"}, {"revision", second}}};
    EXPECT_EQ(document_on(server, {"config", "prune", "--keep", "1", "--dry-run"}),
              json({{"dry_run", true}, {"revisions", gone}, {"labelled", 1}}));
    EXPECT_EQ(document_on(server, {"config", "prune", "--keep", "1", "--older-than", "90d"}).at("revisions"),
              json::array());
    EXPECT_EQ(document_on(server, {"config", "prune", "other", "--keep", "1"}).at("revisions"), json::array());
    EXPECT_EQ(error_on(server, {"config", "prune", "none", "--keep", "1"}, 1).at("code"), "not_found");
    EXPECT_EQ(history("config", "app").size(), 3U);
    const Outcome text = run_on(server, {"config", "prune", "--keep", "1"});
    EXPECT_THAT(text.out, HasSubstr("1 revision removed"));
    EXPECT_THAT(text.err, HasSubstr("1 more stays because of a label"));
    EXPECT_EQ(history("config", "app").size(), 2U);
}

TEST_F(RevisionCommand, lists_are_of_all_or_of_those_with_a_label) {
    EXPECT_THAT(run_on(server, {"config", "list"}).err, HasSubstr("no configurations yet"));
    set("a", R"({"n":1})");
    const std::string revision = set("b", R"({"n":1})");
    EXPECT_EQ(run_on(server, {"config", "list"}).out, "a\nb\n");
    EXPECT_EQ(document_on(server, {"config", "list"}),
              json({{"configurations", {{{"identifier", "a"}}, {{"identifier", "b"}}}}}));
    document_on(server, {"config", "label", "b", "live"});
    EXPECT_EQ(document_on(server, {"config", "list", "--label", "live"}),
              json({{"configurations", {{{"identifier", "b"}, {"revision", revision}}}}}));
}

TEST_F(RevisionCommand, templates_are_listed_page_by_page_with_their_variables) {
    document_on(server, {"template", "set", "a", "--description", "one"}, "Hi {%x%}{%y%}");
    document_on(server, {"template", "set", "b"}, "plain");
    const json first = document_on(server, {"template", "list", "--limit", "1"});
    EXPECT_EQ(
        first,
        json({{"templates", {{{"identifier", "a"}, {"description", "one"}, {"variables", {{"x", ""}, {"y", ""}}}}}},
              {"next_after", "a"}}));
    const json second = document_on(server, {"template", "list", "--after", "a"});
    EXPECT_EQ(second.at("templates").at(0).at("identifier"), "b");
    EXPECT_EQ(second.at("next_after"), nullptr);
    document_on(server, {"template", "label", "a", "live"});
    document_on(server, {"template", "set", "a", "--description", "two"}, "changed");
    const json labelled = document_on(server, {"template", "list", "--label", "live"}).at("templates");
    ASSERT_EQ(labelled.size(), 1U);
    EXPECT_EQ(labelled.at(0).at("description"), "one");
    EXPECT_THAT(run_on(server, {"template", "list"}).out, AllOf(HasSubstr("two"), HasSubstr("variables")));
}

TEST_F(RevisionCommand, a_body_is_kept_byte_for_byte) {
    for (const std::string body : {"no newline", "one\n", "two\n\n", "", "K\xC3\xB6ln \xF0\x9F\x8C\x8D\r\n"}) {
        ASSERT_EQ(run_on(server, {"template", "set", "t", "--empty"}, body).exit, 0);
        EXPECT_EQ(run_on(server, {"template", "get", "t"}).out, body);
    }
}

TEST_F(RevisionCommand, a_plain_set_of_a_template_keeps_what_was_known_of_it) {
    document_on(server,
                {"template", "set", "t", "--description", "A greeting", "--variable", "name=of the user", "--meta",
                 R"({"k":1})"},
                "Hi {%name%}{%x%}");
    const json changed = document_on(server, {"template", "set", "t"}, "Hello {%name%}, {%day%}!");
    EXPECT_EQ(changed.at("changed"), true);
    const json document = document_on(server, {"template", "get", "t"});
    EXPECT_EQ(document.at("description"), "A greeting");
    EXPECT_EQ(document.at("variables"), json({{"name", "of the user"}, {"day", ""}}));
    EXPECT_EQ(document.at("meta"), json({{"k", 1}}));
    EXPECT_EQ(document.at("body"), "Hello {%name%}, {%day%}!");
    const std::string first = history("template", "t").at(1).at("revision");
    const json before = document_on(server, {"template", "get", "t", "--revision", first});
    EXPECT_EQ(before.at("variables"), json({{"name", "of the user"}, {"x", ""}}));
    EXPECT_THAT(run_on(server, {"template", "diff", "t"}).out,
                AllOf(HasSubstr("-Hi {%name%}{%x%}"), HasSubstr("+Hello {%name%}, {%day%}!"),
                      HasSubstr("+ variables.day: \"\"")));
}

TEST_F(RevisionCommand, a_variable_that_the_body_lacks_is_refused_by_name) {
    const json error = error_on(server, {"template", "set", "t", "--variable", "nmae=typo"}, 2, "Hi {%name%}");
    EXPECT_THAT(error.at("message").get<std::string>(), HasSubstr("\"nmae\""));
    EXPECT_EQ(error_on(server, {"template", "set", "t", "--meta", "[]"}, 2, "Hi").at("code"), "invalid_argument");
    EXPECT_EQ(document_on(server, {"template", "list"}).at("templates"), json::array());
}

TEST_F(RevisionCommand, a_template_is_rendered_as_it_is_now_or_was) {
    document_on(server, {"template", "set", "t"}, "Hi {%name%}!\n");
    document_on(server, {"template", "label", "t", "live"});
    document_on(server, {"template", "set", "t"}, "Bye {%name%}: {%text%}");
    EXPECT_EQ(run_on(server, {"template", "render", "t", "--arg", "name=A=B", "--arg-file", "text=-"}, "x\n").out,
              "Bye A=B: x\n");
    EXPECT_EQ(run_on(server, {"template", "render", "t", "--label", "live", "--arg", "name=Ada"}).out, "Hi Ada!\n");
    EXPECT_EQ(document_on(server, {"template", "render", "t", "--label", "live", "--arg", "name=Ada"}),
              json({{"text", "Hi Ada!\n"}}));
    EXPECT_THAT(error_on(server, {"template", "render", "t", "--arg", "name=Ada"}, 2).at("message").get<std::string>(),
                HasSubstr("\"text\""));
    EXPECT_EQ(error_on(server, {"template", "render", "none"}, 1).at("code"), "not_found");
    EXPECT_EQ(error_on(server, {"template", "render", "t", "--label", "none"}, 1).at("code"), "not_found");
}

TEST(TemplateRender, of_a_body_in_a_file_needs_no_database) {
    const Outcome run = run_stele({"template", "render", "--body", "-", "--arg", "name=Ada", "--dsn",
                                   "postgres://app@127.0.0.1:1/shop", "--deadline", "5"},
                                  {}, "Hi {%name%}!");
    EXPECT_EQ(run.exit, 0) << run.err;
    EXPECT_EQ(run.out, "Hi Ada!");
}

TEST_F(RevisionCommand, stored_text_cannot_command_the_terminal_in_a_table) {
    const std::string evil = "\033]0;evil\a";
    ConfigurationRepository(server.open()).define(evil, Json::parse("{}"), {.author = evil, .message = evil});
    for (const auto& words : std::vector<std::vector<std::string>>{{"config", "list"}, {"config", "history", evil}}) {
        const Outcome run = run_on(server, words);
        EXPECT_EQ(run.exit, 0);
        EXPECT_THAT(run.out, Not(HasSubstr("\033")));
    }
}

TEST(RevisionCommandWithoutTables, are_not_made_in_passing) {
    const Server server;
    EXPECT_EQ(error_on(server, {"config", "list"}, 4).at("code"), "schema_missing");
    EXPECT_EQ(error_on(server, {"template", "list"}, 4).at("code"), "schema_missing");
    EXPECT_EQ(error_on(server, {"label", "list"}, 4).at("code"), "schema_missing");
}

}  // namespace
}  // namespace stele::test
