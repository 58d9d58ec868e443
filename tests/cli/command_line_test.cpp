// The command as it is run, as far as it needs no server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "cli/stele_command.hpp"

namespace stele::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Nobody listens there, so a command that gets as far as connecting fails at once.
const std::vector<std::string> kNowhere = {"--dsn", "postgres://app:Top-Secret@127.0.0.1:1/shop", "--deadline", "5"};

std::vector<std::string> nowhere(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), kNowhere.begin(), kNowhere.end());
    return arguments;
}

TEST(Help, is_what_was_reviewed) {
    std::ifstream file(STELE_SOURCE_DIR "/tests/cli/golden/help.txt");
    std::ostringstream golden;
    golden << file.rdbuf();
    const Outcome run = run_stele({"--help-all"});
    EXPECT_EQ(run.exit, 0);
    EXPECT_EQ(run.out, golden.str()) << "If the change is wanted: stele --help-all > tests/cli/golden/help.txt";
}

TEST(Help, every_command_has_examples) {
    const std::string help = run_stele({"--help-all"}).out;
    std::size_t commands = 0, examples = 0;
    for (std::size_t at = 0; (at = help.find("\n# stele", at)) != std::string::npos; ++at) ++commands;
    for (std::size_t at = 0; (at = help.find("\nExamples:\n", at)) != std::string::npos; ++at) ++examples;
    EXPECT_GT(commands, 10U);
    EXPECT_EQ(examples, commands + 1);  // the root stands at the very beginning
}

TEST(Help, of_one_command_is_its_own) {
    const Outcome run = run_stele({"cache", "get", "--help"});
    EXPECT_EQ(run.exit, 0);
    EXPECT_THAT(run.out, HasSubstr("Usage: stele cache get [OPTIONS] QUERY\n"));
    EXPECT_THAT(run.out, Not(HasSubstr("Usage: stele [OPTIONS] COMMAND")));
    EXPECT_EQ(run.err, "");
}

TEST(Version, is_printed_in_both_modes) {
    EXPECT_EQ(run_stele({"--version"}).out, "stele " STELE_VERSION "\n");
    EXPECT_EQ(run_stele({"--version", "--json"}).document().at("version"), STELE_VERSION);
}

TEST(Usage, no_command_or_an_unknown_one_ends_with_2) {
    EXPECT_EQ(run_stele({}).exit, 2);
    EXPECT_EQ(run_stele({"cache"}).exit, 2);
    const Outcome run = run_stele({"frobnicate"});
    EXPECT_EQ(run.exit, 2);
    EXPECT_THAT(run.err, AllOf(StartsWith("stele: "), HasSubstr("stele --help")));
    EXPECT_EQ(run.out, "");
}

TEST(Usage, the_hint_names_the_command_s_own_help) {
    const Outcome run = run_stele({"cache", "put", "only a question"});
    EXPECT_EQ(run.exit, 2);
    EXPECT_THAT(run.err, HasSubstr("`stele cache put --help`"));
}

TEST(Usage, a_wrong_line_is_reported_in_json_too) {
    const Outcome run = run_stele({"cache", "get", "--json"});
    EXPECT_EQ(run.exit, 2);
    EXPECT_EQ(run.error().at("code"), "usage");
    EXPECT_EQ(run.error().at("retry"), "no");
    EXPECT_EQ(run.out, "");
}

TEST(Usage, unusable_values_are_refused_before_anything_is_done) {
    const std::vector<std::vector<std::string>> lines = {
        {"cache", "get", "q", "--attribute", "novalue"},
        {"cache", "get", "q", "--embedder", "magic"},
        {"cache", "get", "q", "--model", "m", "--embedder", "none"},
        {"cache", "get", "q", "--dimension", "64"},
        {"cache", "get", "q", "--precision", "int4"},
        {"cache", "put", "q", "r", "--embedder", "local", "--dimension", "64"},
        {"cache", "get", "q", "--threshold", "high"},
        {"cache", "put", "q", "r", "--ttl", "soon"},
        {"cache", "put", "q", "r", "--metadata", "{broken"},
        {"cache", "list", "--limit", "0"},
        {"config", "get", "c", "--at", "yesterday"},
        {"config", "get", "c", "--at", "2026-01-31T10:20:30Z", "--label", "production"},
        {"config", "diff", "c", "before"},
        {"config", "restore", "c", "1"},
        {"config", "prune"},
        {"config", "prune", "--older-than", "soon"},
        {"config", "label", "c", "--remove"},
        {"config", "set", "c", "/nowhere/c.json"},
        {"config", "import", "/nowhere"},
        {"config", "render", "c"},
        {"template", "render"},
        {"template", "render", "t", "--body", "-"},
        {"template", "render", "t", "--arg", "novalue"},
        {"template", "render", "t", "--arg", "a=1", "--arg", "a=2"},
        {"template", "set", "t", "--grammar", "e2"},
        {"label", "move", "production", "support"},
        {"label", "remove", "production", "config:support@2026-01-31T10:20:30Z"},
        {"index", "search", "t", "q", "--where", "a b"},
        {"index", "search", "t", "q", "--embedder", "none"},
        {"index", "search", "t", "q", "--limit", "0"},
        {"index", "search", "t", "q", "--show", "a..b"},
        {"index", "count", "t", "--where", ""},
        {"index", "list", "--where", "a = 1"},
        {"index", "list", "t", "--after", "yesterday"},
        {"index", "remove", "t"},
        {"index", "remove", "t", "--id", "7"},
        {"index", "create", "t", "--ann", "kdtree"},
        {"index", "add", "t", "--prune"},
        {"index", "add", "t", "--text", "a.", "--embedder", "hashing"},
        {"demo", "--documents", "--limit", "3"},
        {"migrate", "--plan", "--status"},
        {"completion", "powershell"},
        {"up"},
        {"status"},
        {"doctor", "--data-dir", "/tmp"},
        {"doctor", "--deadline", "-3"},
        {"doctor", "--schema", "no spaces"},
        {"doctor", "--deadline", "0"},
        {"doctor", "--deadline", "soon"},
        {"config", "prune", "--older-than", "90"},
        {"config", "label", "support", "production", "--revision", ""},
        {"config", "label", "support", ""},
        {"config", "get", "support", "--label", ""},
        {"config", "get", "support", "--at", ""},
        {"config", "get", "support", "--revision", ""},
        {"config", "list", "-l", ""},
        {"config", "history", "support", "--before", ""},
        {"config", "diff", "support", ""},
        {"config", "list", "--data-dir", ""},
        {"config", "list", "--deadline", ""},
        {"label", "list", ""},
        {"template", "set", "t", "/dev/null"},
        {"template", "render", "--body", "-", "--arg-file", "a=-"},
        {"template", "render", "t", "--arg-file", "a=-", "--arg-file", "b=-"},
        {"template", "render", "--body", "/dev/null", "--label", "x"},
        {"template", "render", "t", "--arg", "a=\xFF"},
    };
    for (const auto& line : lines) {
        const Outcome run = run_stele(nowhere(line));
        EXPECT_EQ(run.exit, 2) << ::testing::PrintToString(line) << run.out << run.err;
        EXPECT_THAT(run.err, Not(HasSubstr("Top-Secret")));
    }
}

TEST(Usage, an_empty_dsn_is_not_taken_for_none) {
    const std::vector<std::vector<std::string>> lines = {{"--dsn", "", "config", "list"}, {"config", "list", "--dsn="}};
    for (const auto& line : lines) {
        const Outcome run = run_stele(line, {{"STELE_DATA_DIR", "/proc/nowhere"}});
        EXPECT_EQ(run.exit, 2) << run.err;
        EXPECT_THAT(run.err, HasSubstr("--dsn"));
    }
}

TEST(Usage, an_empty_text_is_one) {
    EXPECT_EQ(run_stele(nowhere({"config", "remove", "c"})).exit, 3);
    EXPECT_EQ(run_stele(nowhere({"cache", "put", "q", ""})).exit, run_stele(nowhere({"cache", "put", "q", "r"})).exit);
    EXPECT_EQ(run_stele(nowhere({"config", "label", "c", "live", "-m", ""})).exit, 3);
}

TEST(Usage, a_misspelt_word_is_named_with_the_nearest_one) {
    EXPECT_THAT(run_stele({"config", "histroy", "support"}).err,
                StartsWith("stele: there is no command 'histroy'; did you mean `history`?"));
    EXPECT_THAT(run_stele({"confg", "list"}).err, HasSubstr("'confg'; did you mean `config`?"));
    EXPECT_THAT(run_stele({"label", "mv", "a", "b"}).err, HasSubstr("'mv'; did you mean `move`?"));
    EXPECT_THAT(run_stele({"frobnicate"}).err, StartsWith("stele: there is no command 'frobnicate'; see"));
    EXPECT_THAT(run_stele({"config", "get", "support", "--lable", "x"}).err,
                HasSubstr("there is no option --lable; did you mean `--label`?"));
    EXPECT_THAT(run_stele({"config", "get", "a", "b", "c"}).err, HasSubstr("not expected: b c"));
    EXPECT_THAT(run_stele({"config"}).err, HasSubstr("required"));
}

TEST(Usage, a_question_that_is_a_command_s_name_is_a_question) {
    for (const char* query : {"list", "up", "demo", "cache"}) {
        EXPECT_EQ(run_stele(nowhere({"cache", "get", query})).exit, 3) << query;
    }
    EXPECT_EQ(run_stele(nowhere({"cache", "get", "--namespace", "acme", "-a", "lang=de", "really?"})).exit, 3);
}

TEST(Unreachable, ends_with_3_and_shows_no_password) {
    const Outcome run = run_stele(nowhere({"cache", "get", "q"}));
    EXPECT_EQ(run.exit, 3);
    EXPECT_THAT(run.err, AllOf(HasSubstr("app@127.0.0.1:1/shop"), Not(HasSubstr("Top-Secret"))));
    EXPECT_EQ(run.out, "");
}

TEST(Unreachable, says_in_json_that_the_call_may_be_made_again) {
    const Outcome run = run_stele(nowhere({"cache", "stats", "--json", "--verbose"}));
    EXPECT_EQ(run.exit, 3);
    // log lines may stand before it
    std::string last;
    std::istringstream lines(run.err);
    for (std::string line; std::getline(lines, line);) last = line;
    const auto error = nlohmann::json::parse(last).at("error");
    EXPECT_EQ(error.at("code"), "unavailable");
    EXPECT_EQ(error.at("retry"), "call");
    EXPECT_THAT(run.err, Not(HasSubstr("Top-Secret")));
}

TEST(Unreachable, is_a_finding_with_a_fix_for_the_doctor) {
    const Outcome run = run_stele(nowhere({"doctor", "--json"}));
    EXPECT_EQ(run.exit, 1);
    const auto document = run.document();
    EXPECT_EQ(document.at("healthy"), false);
    ASSERT_EQ(document.at("findings").size(), 1U);
    const auto& finding = document.at("findings").at(0);
    EXPECT_EQ(finding.at("check"), "connection");
    EXPECT_EQ(finding.at("status"), "failure");
    EXPECT_EQ(finding.at("fix"), "see whether the server answers: pg_isready -h 127.0.0.1 -p 1 -U app");
    EXPECT_THAT(run.out, Not(HasSubstr("Top-Secret")));
}

TEST(Embedder, one_that_cannot_be_reached_is_no_miss) {
    const Outcome run =
        run_stele({"cache", "get", "q", "--embedder-url", "http://u:Top-Secret@127.0.0.1:1/v1", "--model", "m",
                   "--json", "--dsn", "postgres://app@127.0.0.1:1/shop", "--deadline", "1"});
    EXPECT_EQ(run.exit, 3) << run.err;
    // the last attempt may begin just before the deadline
    EXPECT_THAT(run.error().at("code").get<std::string>(),
                ::testing::AnyOf(std::string("embedder_failed"), std::string("deadline_exceeded")));
    EXPECT_THAT(run.err, Not(HasSubstr("Top-Secret")));
}

TEST(Output, a_reader_that_has_gone_ends_it_quietly) {
    const Outcome run =
        run_program({"bash", "-c", "exec 3> >(:); wait $!; \"$0\" --help-all >&3; echo $?", STELE_COMMAND});
    EXPECT_EQ(run.out, "141\n");
    EXPECT_EQ(run.err, "");
}

TEST(Output, a_full_disk_is_reported) {
    const Outcome run = run_program({"bash", "-c", "\"$0\" --help-all > /dev/full", STELE_COMMAND});
    EXPECT_EQ(run.exit, 5);
    EXPECT_THAT(run.err, HasSubstr("the output cannot be written"));
}

TEST(Output, closed_standard_files_do_no_harm) {
    EXPECT_EQ(run_program({"bash", "-c", "\"$0\" --help <&- >&- 2>&-", STELE_COMMAND}).exit, 0);
}

TEST(Output, has_no_colours_where_there_is_no_terminal) {
    EXPECT_THAT(run_stele(nowhere({"doctor"})).out, Not(HasSubstr("\033")));
}

}  // namespace
}  // namespace stele::test
