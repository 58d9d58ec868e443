// The scripts as the shells take them: bash is there everywhere, the others are checked by their text.
#include "completion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "cli/stele_command.hpp"

namespace stele::test {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

const std::string& bash_script() {
    static const std::string script = run_stele({"completion", "bash"}).out;
    return script;
}

/// What bash offers after these words, the last being completed.
std::vector<std::string> offered(const std::string& words, int at) {
    const Outcome run = run_program({"bash", "--norc", "-c",
                                     bash_script() + "COMP_WORDS=(" + words + "); COMP_CWORD=" + std::to_string(at) +
                                         "; _stele; printf '%s\\n' \"${COMPREPLY[@]}\""});
    EXPECT_EQ(run.err, "");
    std::vector<std::string> all;
    std::istringstream lines(run.out);
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty()) all.push_back(line);
    }
    return all;
}

TEST(BashCompletion, is_accepted_by_bash) {
    const Outcome run = run_program({"bash", "-n"}, {}, bash_script());
    EXPECT_EQ(run.exit, 0) << run.err;
    EXPECT_THAT(bash_script(), HasSubstr("complete -F _stele stele"));
}

TEST(BashCompletion, commands_and_options_are_offered_where_they_belong) {
    EXPECT_THAT(offered("stele ca", 1), UnorderedElementsAre("cache"));
    EXPECT_THAT(offered("stele cache ''", 2), Contains("get"));
    EXPECT_THAT(offered("stele cache ''", 2), Not(Contains("up")));
    EXPECT_THAT(offered("stele cache get --thr", 3), UnorderedElementsAre("--threshold"));
    EXPECT_THAT(offered("stele cache get --js", 3), UnorderedElementsAre("--json"));
    EXPECT_THAT(offered("stele up --thr", 2), IsEmpty());
    EXPECT_THAT(offered("stele config his", 2), UnorderedElementsAre("history"));
    EXPECT_THAT(offered("stele config ren", 2), IsEmpty());
    EXPECT_THAT(offered("stele template ren", 2), UnorderedElementsAre("render"));
    EXPECT_THAT(offered("stele label m", 2), UnorderedElementsAre("move"));
    EXPECT_THAT(offered("stele template set --grammar ''", 4), UnorderedElementsAre("e3", "e1"));
}

TEST(BashCompletion, the_value_of_an_option_is_no_command) {
    EXPECT_THAT(offered("stele --schema cache ''", 3), Contains("doctor"));
    EXPECT_THAT(offered("stele --schema = cache ''", 4), Contains("doctor"));
    EXPECT_THAT(offered("stele --schema ''", 2), IsEmpty());
}

TEST(BashCompletion, choices_are_offered) {
    EXPECT_THAT(offered("stele completion ''", 2), Contains("fish"));
    EXPECT_THAT(offered("stele cache get --embedder ''", 4), UnorderedElementsAre("local", "hashing", "none"));
    EXPECT_THAT(offered("stele cache get --embedder = h", 5), UnorderedElementsAre("hashing"));
    EXPECT_THAT(offered("stele --data-dir /et", 2), Each(StartsWith("/et")));
}

cli::CommandInfo small_tree() {
    cli::CommandInfo root;
    root.path = root.name = "stele";
    cli::CommandInfo below;
    below.path = "stele look";
    below.name = "look";
    below.description = "It's a look: at 'it'";
    cli::OptionInfo option;
    option.names = {"-k", "--kind"};
    option.value = "near|far";
    option.description = "How far";
    below.options.push_back(option);
    root.commands.push_back(below);
    return root;
}

TEST(ZshCompletion, quotes_what_it_describes) {
    const std::string script = zsh_completion(small_tree());
    EXPECT_THAT(script, StartsWith("#compdef stele\n"));
    EXPECT_THAT(script, HasSubstr(R"('look:It'\''s a look: at '\''it'\''')"));
    EXPECT_THAT(script, HasSubstr("-k|--kind) compadd -- near far; return ;;"));
}

TEST(FishCompletion, quotes_what_it_describes) {
    const std::string script = fish_completion(small_tree());
    EXPECT_THAT(script, HasSubstr(R"(complete -c stele -n '__stele_at' -a look -d 'It\'s a look: at \'it\'')"));
    EXPECT_THAT(script, HasSubstr("-n '__stele_in look' -s k -l kind -x -a 'near far' -d 'How far'"));
}

}  // namespace
}  // namespace stele::test
