#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/server_run.hpp"
#include "support/temporary_directory.hpp"

namespace stele::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// The editor is a line of shell, in which $1 is the file.
struct RevisionEdit : ::testing::Test {
    RevisionEdit() { server.open(); }

    Outcome edit(const std::string& store, const std::string& identifier, const std::string& script,
                 const std::vector<std::string>& more = {}) {
        const fs::path editor = place.path() / "editor.sh";
        std::ofstream(editor) << script << "\n";
        fs::create_directories(temporary());
        std::vector<std::string> words = {store, "edit", identifier};
        words.insert(words.end(), more.begin(), more.end());
        return run_on(server, words, {}, {{"EDITOR", "sh " + editor.string()}, {"TMPDIR", temporary().string()}});
    }
    fs::path temporary() const { return place.path() / "tmp"; }
    /// What lies in the place for temporary files.
    std::vector<fs::path> left() const { return {fs::directory_iterator(temporary()), fs::directory_iterator()}; }
    json get(const std::string& store, const std::string& identifier) {
        return document_on(server, {store, "get", identifier});
    }
    static std::string content_of(const fs::path& file) {
        std::ostringstream text;
        text << std::ifstream(file).rdbuf();
        return text.str();
    }

    Server server;
    TemporaryDirectory place;
};

TEST_F(RevisionEdit, shows_indented_json_in_a_private_file_and_adds_what_is_saved) {
    document_on(server, {"config", "set", "app"}, R"({"b":1,"a":2})");
    const std::string seen = (place.path() / "seen").string();
    const Outcome run = edit("config", "app",
                             "cp \"$1\" " + seen + "; stat -c %a \"$1\" > " + seen +
                                 ".mode; sed -i 's/2/3/' \"$1\"; case \"$1\" in *.json) ;; *) exit 9 ;; esac",
                             {"--author", "ada", "-m", "why", "--json"});
    ASSERT_EQ(run.exit, 0) << run.err;
    EXPECT_EQ(content_of(seen), "{\n  \"a\": 2,\n  \"b\": 1\n}\n");
    EXPECT_EQ(content_of(seen + ".mode"), "600\n");
    EXPECT_EQ(run.document().at("changed"), true);
    const json now = get("config", "app");
    EXPECT_EQ(now.at("content"), json({{"a", 3}, {"b", 1}}));
    EXPECT_EQ(now.at("revision"), run.document().at("revision"));
    EXPECT_EQ(now.at("author"), "ada");
    EXPECT_EQ(now.at("message"), "why");
    EXPECT_THAT(left(), ::testing::IsEmpty());
}

TEST_F(RevisionEdit, that_leaves_a_body_empty_changes_nothing) {
    document_on(server, {"template", "set", "t"}, "Hi");
    const Outcome run = edit("template", "t", ": > \"$1\"");
    EXPECT_EQ(run.exit, 2);
    EXPECT_THAT(run.err, HasSubstr("stele template set t --empty"));
    EXPECT_EQ(get("template", "t").at("body"), "Hi");
}

TEST_F(RevisionEdit, begins_empty_and_adds_nothing_for_nothing) {
    EXPECT_EQ(edit("config", "app", "true").exit, 0);
    EXPECT_EQ(error_on(server, {"config", "get", "app"}, 1).at("code"), "not_found");
    EXPECT_EQ(edit("config", "app", "echo '{\"a\":1}' > \"$1\"").exit, 0);
    EXPECT_EQ(get("config", "app").at("content"), json({{"a", 1}}));
    const Outcome same = edit("config", "app", "echo ' { \"a\" : 1.0 } ' > \"$1\"");
    EXPECT_THAT(same.out, HasSubstr("unchanged"));
    EXPECT_THAT(left(), ::testing::IsEmpty());
}

TEST_F(RevisionEdit, of_a_template_keeps_its_declaration_and_its_missing_newline) {
    document_on(server, {"template", "set", "t", "--variable", "name=of the user"}, "Hi {%name%}");
    // as most editors do: with a newline at the end
    EXPECT_EQ(edit("template", "t", "printf 'Hello {%%name%%}, {%%day%%}\\n' > \"$1\"").exit, 0);
    const json now = get("template", "t");
    EXPECT_EQ(now.at("body"), "Hello {%name%}, {%day%}");
    EXPECT_EQ(now.at("variables"), json({{"name", "of the user"}, {"day", ""}}));
}

TEST_F(RevisionEdit, keeps_what_cannot_be_stored) {
    document_on(server, {"config", "set", "app"}, R"({"a":1})");
    const Outcome run = edit("config", "app", "echo '{\"a\":' > \"$1\"");
    EXPECT_EQ(run.exit, 2);
    ASSERT_EQ(left().size(), 1U);
    EXPECT_THAT(run.err, AllOf(HasSubstr("not valid JSON"), HasSubstr(left().front().string())));
    EXPECT_EQ(content_of(left().front()), "{\"a\":\n");
    EXPECT_EQ(get("config", "app").at("content"), json({{"a", 1}}));
}

TEST_F(RevisionEdit, refuses_to_bury_what_somebody_else_wrote_meanwhile) {
    document_on(server, {"config", "set", "app"}, R"({"a":1})");
    const std::string other = std::string("echo '{\"a\":2}' | ") + STELE_COMMAND + " --schema " + server.schema() +
                              " --dsn '" + server_dsn() + "' config set app --author grace > /dev/null\n";
    const std::string mine = "echo '{\"a\":3}' > \"$1\"";
    const Outcome run = edit("config", "app", other + mine, {"--json"});
    EXPECT_EQ(run.exit, 5);
    EXPECT_EQ(run.error().at("code"), "constraint_violation");
    ASSERT_EQ(left().size(), 1U);
    EXPECT_THAT(run.error().at("message").get<std::string>(),
                AllOf(HasSubstr("changed meanwhile"), HasSubstr("by grace"), HasSubstr(left().front().string())));
    EXPECT_EQ(content_of(left().front()), "{\"a\":3}\n");
    EXPECT_EQ(get("config", "app").at("content"), json({{"a", 2}}));
    document_on(server, {"config", "set", "app"}, R"({"a":1})");
    EXPECT_EQ(edit("config", "app", other + mine, {"--force"}).exit, 0);
    EXPECT_EQ(get("config", "app").at("content"), json({{"a", 3}}));
}

TEST_F(RevisionEdit, changes_nothing_when_the_editor_fails) {
    document_on(server, {"config", "set", "app"}, R"({"a":1})");
    EXPECT_EQ(edit("config", "app", "exit 3").exit, 2);
    EXPECT_THAT(left(), ::testing::IsEmpty());
    const Outcome run = edit("config", "app", "echo '{}' > \"$1\"; exit 3");
    EXPECT_EQ(run.exit, 2);
    ASSERT_EQ(left().size(), 1U);
    EXPECT_THAT(run.err, AllOf(HasSubstr("exit status 3"), HasSubstr(left().front().string())));
    EXPECT_EQ(get("config", "app").at("content"), json({{"a", 1}}));
}

TEST_F(RevisionEdit, needs_an_editor) {
    const Outcome run = run_on(server, {"config", "edit", "app"}, {}, {{"EDITOR", ""}, {"VISUAL", ""}});
    EXPECT_EQ(run.exit, 2);
    EXPECT_THAT(run.err, HasSubstr("set VISUAL or EDITOR"));
}

}  // namespace
}  // namespace stele::test
