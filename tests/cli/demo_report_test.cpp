#include "demo_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "text.hpp"

namespace stele::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(DemoPercentile, is_the_nearest_rank) {
    std::vector<DemoRun::Duration> times;
    for (int ms = 100; ms >= 1; --ms) times.push_back(std::chrono::milliseconds(ms));
    EXPECT_EQ(percentile_ms(times, 50), 50.0);
    EXPECT_EQ(percentile_ms(times, 99), 99.0);
    EXPECT_EQ(percentile_ms(times, 100), 100.0);
    EXPECT_EQ(percentile_ms(times, 0), 1.0);
}

TEST(DemoPercentile, of_few_values_is_one_of_them) {
    EXPECT_EQ(percentile_ms({5ms}, 50), 5.0);
    EXPECT_EQ(percentile_ms({5ms}, 99), 5.0);
    EXPECT_EQ(percentile_ms({5ms, 1ms, 3ms}, 50), 3.0);
    EXPECT_EQ(percentile_ms({5ms, 1ms, 3ms}, 99), 5.0);
    EXPECT_EQ(percentile_ms({1500us}, 50), 1.5);
}

TEST(DemoPercentile, of_nothing_is_nothing) {
    EXPECT_FALSE(percentile_ms({}, 50));
}

struct DemoReportTest : ::testing::Test {
    DemoQuestion asked;
    DemoRun run;
    DemoSetting setting;

    DemoReportTest() {
        asked.group = "lark";
        asked.question = "Descale\nthe Lark?\033[31m";
        asked.answer = "With the Lark's own powder.";
        setting.questions = "questions.jsonl";
        setting.source = "in questions.jsonl";
        setting.available = 12;
        setting.embedder = "hashing (matches wording, not meaning)";
        setting.fingerprint = "stele-hashing-v1-384";
        setting.answer = 20ms;
        setting.planned = 10;
        setting.entries_before = 3;
        setting.entries = 8;
    }

    DemoWrong wrong(float similarity, bool near_miss) const {
        DemoWrong made;
        made.asked = &asked;
        made.served.group = "heron";
        made.served.question = "Descale the Heron?";
        made.served.answer = "With vinegar.";
        made.served.similarity = similarity;
        made.served.layer = HitLayer::semantic;
        made.near_miss = near_miss;
        return made;
    }

    void ask_ten() {
        run.exact = {1ms, 2ms, 3ms};
        run.semantic = {4ms, 4ms};
        run.miss = {6ms, 6ms, 6ms, 6ms, 6ms};
        run.elapsed = 150ms;
        run.wrong = {wrong(0.90F, false), wrong(0.97F, true)};
    }

    std::string printed(const DemoReport& report) const {
        const bool json = false;
        ::testing::internal::CaptureStdout();
        print(report, Output(json));
        return ::testing::internal::GetCapturedStdout();
    }
};

TEST_F(DemoReportTest, rates_are_of_the_asked_and_wrong_answers_of_the_hits) {
    ask_ten();
    const DemoReport report = make_report(setting, run);
    EXPECT_EQ(report.asked, 10u);
    EXPECT_EQ(report.hits, 5u);
    EXPECT_DOUBLE_EQ(report.hit_rate, 0.5);
    EXPECT_DOUBLE_EQ(report.exact.share, 0.3);
    EXPECT_DOUBLE_EQ(report.semantic.share, 0.2);
    EXPECT_DOUBLE_EQ(report.miss.share, 0.5);
    EXPECT_DOUBLE_EQ(report.wrong_rate, 0.4);
    EXPECT_EQ(report.near_misses, 1u);
    EXPECT_EQ(report.exact.p50_ms, 2.0);
    EXPECT_EQ(report.exact.p99_ms, 3.0);
}

TEST_F(DemoReportTest, time_saved_is_the_wait_that_hits_spared_less_what_the_memory_took) {
    ask_ten();
    const DemoReport report = make_report(setting, run);
    EXPECT_DOUBLE_EQ(report.elapsed_s, 0.15);
    EXPECT_DOUBLE_EQ(report.spared_s, 0.1);
    EXPECT_DOUBLE_EQ(report.memory_s, 0.044);
    EXPECT_DOUBLE_EQ(report.saved_s(), 0.1 - 0.044);
    EXPECT_THAT(printed(report), AllOf(HasSubstr("pays from 8.8 ms an answer on"), HasSubstr("0.1 s saved")));
}

TEST_F(DemoReportTest, time_lost_is_called_so) {
    ask_ten();
    run.miss.emplace_back(2s);
    EXPECT_THAT(printed(make_report(setting, run)), HasSubstr("1.9 s lost"));
}

TEST_F(DemoReportTest, a_memory_that_spared_nothing_pays_never) {
    run.miss = {6ms};
    EXPECT_THAT(printed(make_report(setting, run)), AllOf(HasSubstr("spared no answer"), Not(HasSubstr("pays from"))));
}

TEST_F(DemoReportTest, the_most_alike_of_the_wrong_comes_first) {
    ask_ten();
    const DemoReport report = make_report(setting, run);
    EXPECT_EQ(report.wrong.front().served.similarity, 0.97F);
    const std::string text = printed(report);
    EXPECT_THAT(text, HasSubstr("Descale the Lark?"));
    EXPECT_THAT(text, HasSubstr("Descale the Heron?"));
    EXPECT_THAT(text, HasSubstr("0.970"));
    EXPECT_THAT(text, HasSubstr("With vinegar."));
    EXPECT_THAT(text, HasSubstr("With the Lark's own powder."));
    EXPECT_THAT(text, Not(HasSubstr("0.900")));
}

TEST_F(DemoReportTest, a_run_without_a_question_divides_by_nothing) {
    run.interrupted = true;
    const DemoReport report = make_report(setting, run);
    EXPECT_DOUBLE_EQ(report.hit_rate, 0.0);
    EXPECT_DOUBLE_EQ(report.wrong_rate, 0.0);
    EXPECT_FALSE(report.exact.p50_ms);
    EXPECT_THAT(printed(report), HasSubstr("Interrupted after 0 of 10 questions."));
    EXPECT_TRUE(to_document(report)["layers"]["miss"]["p50_ms"].is_null());
}

TEST_F(DemoReportTest, what_a_customer_typed_cannot_steer_the_terminal) {
    ask_ten();
    EXPECT_THAT(printed(make_report(setting, run)), Not(HasSubstr("\033")));
}

TEST_F(DemoReportTest, no_line_is_longer_than_80_columns_without_a_terminal) {
    ask_ten();
    asked.question =
        "Why " + std::string(30, 'x') + " and " + std::string(40, 'y') + " and then " + std::string(30, 'z');
    setting.database = "stele@/var/lib/stele/15/run/stele";
    setting.schema = "stele_demo_hashing_v1_384";
    std::istringstream lines(printed(make_report(setting, run)));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 80u) << line;
}

TEST_F(DemoReportTest, the_document_has_every_wrong_answer_and_says_whose_time_it_counts) {
    ask_ten();
    const nlohmann::json document = to_document(make_report(setting, run));
    EXPECT_EQ(document["stand_in_answer_ms"], 20);
    EXPECT_EQ(document["entries"], (nlohmann::json{{"before", 3}, {"after", 8}}));
    EXPECT_EQ(document["layers"]["exact"],
              (nlohmann::json{{"count", 3}, {"share", 0.3}, {"p50_ms", 2.0}, {"p99_ms", 3.0}}));
    EXPECT_EQ(document["hits"], (nlohmann::json{{"count", 5}, {"share", 0.5}}));
    EXPECT_EQ(document["wrong"]["count"], 2);
    EXPECT_EQ(document["wrong"]["near_misses"], 1);
    EXPECT_EQ(document["wrong"]["answers"].size(), 2u);
    EXPECT_EQ(document["wrong"]["answers"][0]["similarity"], 0.97);
    EXPECT_EQ(document["wrong"]["answers"][0]["right_answer"], "With the Lark's own powder.");
    EXPECT_EQ(document["seconds"],
              (nlohmann::json{{"elapsed", 0.15}, {"not_waited", 0.1}, {"memory", 0.044}, {"saved", 0.056}}));
}

TEST_F(DemoReportTest, rewordings_are_told_by_their_wording_the_best_found_first) {
    ask_ten();
    setting.threshold = 0.8F;
    DemoReport report = make_report(setting, run);
    DemoCurvePoint exact, own;
    own.threshold = 0.8F;
    own.known = 12;
    own.found = 7;
    add_curve(report, {exact, own});
    EXPECT_THAT(printed(report), Not(HasSubstr("By wording")));
    EXPECT_EQ(to_document(report)["from_empty"]["curve"][0]["rewordings"]["by_wording"], nlohmann::json::object());

    report.curve[0].by_wording = {{"far", {4, 1}}, {"near\n", {8, 6}}};
    EXPECT_THAT(printed(report), HasSubstr("\nBy wording: near  75.0 % of 8, far 25.0 % of 4.\n"));
    EXPECT_EQ(to_document(report)["from_empty"]["curve"][0]["rewordings"]["by_wording"],
              (nlohmann::json{{"far", {{"known", 4}, {"found", 1}}}, {"near\n", {{"known", 8}, {"found", 6}}}}));
}

TEST(DemoWrap, breaks_at_blanks_and_never_inside_a_word) {
    EXPECT_THAT(wrapped("one two three", 7), ElementsAre("one two", "three"));
    EXPECT_THAT(wrapped("one two three", 100), ElementsAre("one two three"));
    EXPECT_THAT(wrapped("unbreakable it is", 5), ElementsAre("unbreakable", "it is"));
    EXPECT_THAT(wrapped("", 5), ElementsAre(""));
    EXPECT_THAT(wrapped("größer größer", 6), ElementsAre("größer", "größer"));
}

}  // namespace
}  // namespace stele::cli
