// `stele embed` as it is run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "cli/model_fixture.hpp"
#include "cli/stele_command.hpp"
#include "embedding/tiny_bert.hpp"

namespace stele::test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Outcome hashing(std::vector<std::string> arguments, const std::string& input = {}) {
    arguments.insert(arguments.begin(), "embed");
    arguments.insert(arguments.end(), {"--embedder", "hashing"});
    return run_stele(arguments, {}, input);
}

TEST(Embed, a_text_gives_its_vector) {
    const Outcome run = hashing({"Where is my order?", "--dimension", "16", "--json"});
    ASSERT_EQ(run.exit, 0) << run.err;
    const json document = run.document();
    EXPECT_EQ(document.at("embedder"), "stele-hashing-v1-16");
    EXPECT_EQ(document.at("dimension"), 16);
    ASSERT_EQ(document.at("embeddings").size(), 1U);
    EXPECT_EQ(document.at("embeddings").at(0).at("text"), "Where is my order?");
    EXPECT_EQ(document.at("embeddings").at(0).at("truncated"), false);
    EXPECT_EQ(document.at("embeddings").at(0).at("vector").size(), 16U);
    EXPECT_EQ(document.at("similarities"), nullptr);
}

TEST(Embed, several_texts_give_their_similarities_too) {
    const json rows = hashing({"green tea", "green tea!", "coffee", "--json"}).document().at("similarities");
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_EQ(rows.at(1).at(1), 1.0);
    EXPECT_EQ(rows.at(0).at(2), rows.at(2).at(0));
    EXPECT_GT(rows.at(0).at(1).get<double>(), rows.at(0).at(2).get<double>());
}

TEST(Embed, people_see_the_beginning_of_a_vector_and_a_table_of_similarities) {
    EXPECT_THAT(hashing({"tea"}).out, AllOf(HasSubstr("384"), HasSubstr("wording"), HasSubstr("\u2026"),
                                            HasSubstr("to the end"), Not(HasSubstr("similarity"))));
    EXPECT_THAT(hashing({"tea", "tea"}).out, AllOf(HasSubstr("similarity   1.000\n"), Not(HasSubstr("\u2026"))));
    EXPECT_THAT(hashing({"tea", "coffee", "tea"}).out, HasSubstr("1.000  tea\n2"));
    const std::string many = hashing({"a", "b", "c", "d", "e", "f", "g", "h", "same", "same"}).out;
    EXPECT_THAT(many, HasSubstr("similarity  text  and\n     1.000  same  same\n"));
}

TEST(Embed, a_text_comes_from_standard_input_where_a_dash_stands) {
    const json document = hashing({"-", "two", "--json"}, "one\n").document();
    EXPECT_EQ(document.at("embeddings").at(0).at("text"), "one");
    EXPECT_EQ(hashing({"-", "-"}, "one\n").exit, 2);
}

TEST(Embed, unusable_texts_are_refused) {
    const Outcome none = hashing({});
    EXPECT_EQ(none.exit, 2);
    EXPECT_THAT(none.err, HasSubstr("--jsonl FILE"));
    const Outcome broken = hashing({"tea", "\xFF", "--json"});
    EXPECT_EQ(broken.exit, 2);
    EXPECT_EQ(broken.error().at("message"), "text 2 is not UTF-8");
    EXPECT_EQ(hashing({"tea", "--jsonl", "-"}).exit, 2);
    EXPECT_EQ(run_stele({"embed", "tea", "--embedder", "none"}).exit, 2);
}

TEST(Embed, lines_come_from_a_file_or_from_standard_input) {
    const TemporaryDirectory directory;
    const std::string file = (directory.path() / "in.jsonl").string();
    write_text(file, "\"tea\"\n{\"id\":1,\"a\":\"tea\",\"b\":\"tea\"}\n");
    const Outcome from_file = hashing({"--jsonl", file});
    ASSERT_EQ(from_file.exit, 0) << from_file.err;
    std::istringstream lines(from_file.out);
    std::string first, second;
    std::getline(lines, first);
    std::getline(lines, second);
    EXPECT_EQ(json::parse(first).at("vector").size(), 384U);
    EXPECT_EQ(second, R"({"id":1,"a":"tea","b":"tea","truncated":false,"similarity":1})");
    EXPECT_THAT(from_file.err, HasSubstr("2 lines: hashing"));

    for (const std::vector<std::string>& words : {std::vector<std::string>{"--jsonl", "-"}, {"--jsonl"}}) {
        EXPECT_EQ(hashing(words, read_text(file)).out, from_file.out);
    }
    EXPECT_EQ(hashing({"--jsonl", file, "--json"}).err, "") << "JSON mode has no remarks";
}

TEST(Embed, files_that_cannot_be_read_are_refused) {
    const TemporaryDirectory directory;
    EXPECT_THAT(hashing({"--jsonl", "/nowhere/at.all"}).err, HasSubstr("No such file"));
    const Outcome folder = hashing({"--jsonl", directory.path().string(), "--json"});
    EXPECT_EQ(folder.exit, 2);
    EXPECT_THAT(folder.error().at("message").get<std::string>(), HasSubstr("it is a directory"));
}

TEST(Embed, a_bad_line_ends_it_after_those_before_it) {
    const Outcome run = hashing({"--jsonl", "--json"}, "\"tea\"\n{\"id\":7}\n");
    EXPECT_EQ(run.exit, 2);
    EXPECT_EQ(run.document().at("text"), "tea");
    EXPECT_EQ(run.error().at("code"), "invalid_argument");
    EXPECT_THAT(run.error().at("message").get<std::string>(), HasSubstr("standard input, line 2: "));
}

TEST(Embed, a_model_in_a_folder_cuts_what_is_too_long_or_reads_it_in_windows) {
    const TemporaryDirectory directory;
    const std::string model = (directory.path() / "tiny").string();
    stele::testing::TinyBert().write_to(model);
    const std::string text = "a word of so many letters that this model does not read its end";
    const json cut = run_stele({"embed", text, "--model", model, "--json"}).document();
    EXPECT_EQ(cut.at("dimension"), 64);
    EXPECT_EQ(cut.at("embeddings").at(0).at("truncated"), true);
    EXPECT_THAT(run_stele({"embed", text, "--model", model}).out, HasSubstr("--long-text windows"));
    EXPECT_THAT(run_stele({"embed", "--jsonl", "--model", model}, {}, '"' + text + '"').err,
                HasSubstr("1 of them was longer than the model reads"));
    const json whole = run_stele({"embed", text, "--model", model, "--long-text", "windows", "--json"}).document();
    EXPECT_EQ(whole.at("embeddings").at(0).at("truncated"), false);
}

TEST(Embed, a_model_that_is_absent_is_one_error_that_says_what_to_do) {
    const TemporaryDirectory directory;
    const std::string path = directory.path().string();
    const Environment empty = {{"STELE_MODELS", path}, {"XDG_DATA_HOME", path + "/data"}, {"HOME", path}};
    for (const std::vector<std::string>& words : {std::vector<std::string>{"embed", "tea"}, {"embed", "--jsonl"}}) {
        const Outcome run = run_stele(words, empty);
        EXPECT_EQ(run.exit, 3);
        EXPECT_EQ(run.out, "");
        EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
        EXPECT_THAT(run.err, AllOf(HasSubstr("stele model install minilm"), HasSubstr(path)));
    }
}

}  // namespace
}  // namespace stele::test
