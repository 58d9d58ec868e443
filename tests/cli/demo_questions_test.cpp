#include "demo_questions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "support/server.hpp"

namespace stele::cli {
namespace {

using stele::test::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kOne = R"({"group": "g", "question": "q?", "answer": "a."})";

ErrorInfo refusal_of(const std::string& text) {
    return error_of([&] { parse_questions(text, "support.jsonl"); });
}

TEST(DemoQuestions, three_keys_are_enough) {
    const DemoQuestions all = parse_questions(kOne, "support.jsonl");
    ASSERT_EQ(all.questions.size(), 1u);
    EXPECT_EQ(all.questions[0].group, "g");
    EXPECT_EQ(all.questions[0].question, "q?");
    EXPECT_EQ(all.questions[0].answer, "a.");
    EXPECT_EQ(all.questions[0].kind, "");
    EXPECT_FALSE(all.questions[0].near);
    EXPECT_FALSE(all.questions[0].wording);
}

TEST(DemoQuestions, any_text_is_a_wording) {
    const DemoQuestions all =
        parse_questions(R"({"group": "g", "wording": "wie sonst", "question": "q?", "answer": "a."})", "support.jsonl");
    EXPECT_EQ(all.questions[0].wording, "wie sonst");
}

TEST(DemoQuestions, a_question_keeps_its_blanks) {
    const DemoQuestions all =
        parse_questions(R"({"group": "g", "question": " \t where?\n", "answer": "a."})", "support.jsonl");
    EXPECT_EQ(all.questions[0].question, " \t where?\n");
}

TEST(DemoQuestions, blank_lines_carriage_returns_and_unknown_keys_are_no_fault) {
    const std::string text =
        std::string(kOne) + "\r\n\r\n  \n" + R"({"more": [1], "group": "h", "question": "r?", "answer": "b."})";
    EXPECT_EQ(parse_questions(text, "support.jsonl").questions.size(), 2u);
}

TEST(DemoQuestions, what_is_not_json_is_refused_with_its_line) {
    const ErrorInfo error = refusal_of(std::string(kOne) + "\n\n" + R"({"group": "g", )");
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    EXPECT_THAT(error.message, StartsWith("support.jsonl, line 3: "));
}

TEST(DemoQuestions, a_missing_key_is_named_with_its_line) {
    for (const char* key : {"question", "answer", "group"}) {
        std::string line = kOne;
        line.replace(line.find(key), 1, "x");
        const ErrorInfo error = refusal_of(std::string(kOne) + "\n" + line);
        EXPECT_EQ(error.code, ErrorCode::invalid_argument);
        EXPECT_THAT(error.message, AllOf(StartsWith("support.jsonl, line 2: "), HasSubstr(key), HasSubstr("missing")));
    }
}

TEST(DemoQuestions, a_key_of_another_type_is_refused_with_its_line) {
    EXPECT_THAT(refusal_of(R"({"group": 7, "question": "q?", "answer": "a."})").message,
                AllOf(StartsWith("support.jsonl, line 1: "), HasSubstr("group")));
    EXPECT_THAT(refusal_of("[1]").message, StartsWith("support.jsonl, line 1: "));
}

TEST(DemoQuestions, a_blank_question_is_refused) {
    EXPECT_EQ(refusal_of(R"({"group": "g", "question": " \n", "answer": "a."})").message,
              "support.jsonl, line 1: \"question\" is blank");
}

TEST(DemoQuestions, text_that_postgresql_cannot_store_is_refused_with_its_line) {
    EXPECT_THAT(refusal_of(R"({"group": "g", "question": "q\u0000", "answer": "a."})").message,
                StartsWith("support.jsonl, line 1: "));
    EXPECT_THAT(refusal_of("{\"group\": \"g\", \"question\": \"\xff\", \"answer\": \"a.\"}").message,
                StartsWith("support.jsonl, line 1: "));
}

TEST(DemoQuestions, a_text_without_any_is_refused) {
    for (const char* text : {"", "\n", " \n\t\n"}) {
        const ErrorInfo error = refusal_of(text);
        EXPECT_EQ(error.code, ErrorCode::invalid_argument);
        EXPECT_THAT(error.message, StartsWith("support.jsonl has no questions"));
    }
}

TEST(DemoQuestions, another_text_has_another_digest) {
    const std::string other = R"({"group": "g", "question": "q?", "answer": "b."})";
    EXPECT_EQ(parse_questions(kOne, "a").digest, parse_questions(kOne, "b").digest);
    EXPECT_NE(parse_questions(kOne, "a").digest, parse_questions(other, "a").digest);
}

TEST(DemoQuestions, a_file_that_is_not_there_is_named) {
    const ErrorInfo error = error_of([] { load_questions("/nonexistent/questions.jsonl"); });
    EXPECT_EQ(error.code, ErrorCode::not_found);
    EXPECT_THAT(error.message,
                AllOf(HasSubstr("/nonexistent/questions.jsonl"), HasSubstr("No such file"), HasSubstr("--questions")));
}

TEST(DemoQuestions, a_directory_is_not_a_file_of_questions) {
    EXPECT_THAT(error_of([] { load_questions("/"); }).message, HasSubstr("it is a directory"));
}

TEST(DemoQuestions, those_of_an_install_are_found_from_where_the_command_is) {
    EXPECT_EQ(own_questions("/opt/stele/bin"), "/opt/stele/share/stele/examples/support/questions.jsonl");
}

// What comes with Stele, examples/support/questions.jsonl.
class OwnQuestions : public ::testing::Test {
protected:
    DemoQuestions all = load_questions(STELE_SOURCE_DIR "/examples/support/questions.jsonl");
};

TEST_F(OwnQuestions, have_their_own_ids_in_order_and_texts) {
    std::set<std::string> texts;
    std::int64_t id = 0;
    for (const DemoQuestion& question : all.questions) {
        EXPECT_EQ(question.id, ++id);
        EXPECT_TRUE(texts.insert(question.question).second) << question.id;
    }
}

TEST_F(OwnQuestions, of_one_group_deserve_one_answer_that_no_other_group_has) {
    std::map<std::string, std::string> answer_of, group_of;
    for (const DemoQuestion& question : all.questions) {
        EXPECT_EQ(answer_of.emplace(question.group, question.answer).first->second, question.answer) << question.id;
        EXPECT_EQ(group_of.emplace(question.answer, question.group).first->second, question.group) << question.id;
    }
}

TEST_F(OwnQuestions, that_the_cache_takes_for_the_same_deserve_the_same_answer) {
    std::map<std::string, std::string> group_of;
    for (const DemoQuestion& question : all.questions) {
        const auto found = group_of.emplace(normalize_query(question.question), question.group).first;
        EXPECT_EQ(found->second, question.group) << question.id;
    }
}

TEST_F(OwnQuestions, are_enough_of_each_kind) {
    std::map<std::string, std::size_t> of_kind;
    std::map<std::string, std::set<std::string>> groups_of_kind;
    for (const DemoQuestion& question : all.questions) {
        ++of_kind[question.kind];
        groups_of_kind[question.kind].insert(question.group);
    }
    EXPECT_GE(all.questions.size(), 400u);
    EXPECT_GE(groups_of_kind["paraphrase"].size(), 60u);
    EXPECT_GE(of_kind["near_miss"], 60u);
    EXPECT_GE(of_kind["distractor"], 50u);
    EXPECT_EQ(of_kind.size(), 3u);
}

TEST_F(OwnQuestions, say_which_group_a_near_miss_resembles) {
    std::set<std::string> paraphrased;
    for (const DemoQuestion& question : all.questions) {
        if (question.kind == "paraphrase") paraphrased.insert(question.group);
    }
    for (const DemoQuestion& question : all.questions) {
        ASSERT_EQ(question.near.has_value(), question.kind == "near_miss") << question.id;
        if (!question.near) continue;
        EXPECT_TRUE(paraphrased.contains(*question.near)) << question.id;
        EXPECT_NE(*question.near, question.group) << question.id;
    }
}

TEST_F(OwnQuestions, say_of_every_paraphrase_but_the_first_of_its_group_how_far_it_is_worded_from_that) {
    std::map<std::string, std::string> plain_of;
    std::map<std::string, std::size_t> of_wording;
    for (const DemoQuestion& question : all.questions) {
        const bool first = question.kind == "paraphrase" &&
                           plain_of.emplace(question.group, normalize_query(question.question)).second;
        ASSERT_EQ(question.wording.has_value(), question.kind == "paraphrase" && !first) << question.id;
        if (!question.wording) continue;
        ++of_wording[*question.wording];
        EXPECT_EQ(*question.wording == "same", normalize_query(question.question) == plain_of[question.group])
            << question.id;
    }
    EXPECT_EQ(of_wording,
              (std::map<std::string, std::size_t>{{"same", 102}, {"close", 807}, {"plain", 612}, {"far", 405}}));
}

TEST_F(OwnQuestions, keep_the_blanks_that_some_were_typed_with) {
    const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\n'; };
    const auto padded = [&](const DemoQuestion& question) {
        return is_blank(question.question.front()) || is_blank(question.question.back());
    };
    EXPECT_GE(std::count_if(all.questions.begin(), all.questions.end(), padded), 1);
}

}  // namespace
}  // namespace stele::cli
