// `stele cache calibrate`, which touches no database.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "cli/model_fixture.hpp"
#include "cli/stele_command.hpp"

namespace stele::test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class CalibrateCommand : public ::testing::Test {
protected:
    CalibrateCommand() {
        write_text(same,
                   "# of the shop\n\n{\"a\":\"green tea\",\"b\":\"green  TEA, please\"}\n"
                   "{\"a\":\"open on 3 May\",\"b\":\"open on 3 may?\"}\n");
        write_text(different,
                   "{\"a\":\"open on 3 May\",\"b\":\"open on 4 May\"}\n{\"a\":\"coffee\",\"b\":\"parcels abroad\"}\n");
    }
    Outcome run(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(),
                         {"cache", "calibrate", "--same", same, "--different", different, "--embedder", "hashing"});
        return run_stele(arguments);
    }

    const TemporaryDirectory directory;
    const std::string same = (directory.path() / "same.jsonl").string();
    const std::string different = (directory.path() / "different.jsonl").string();
};

TEST_F(CalibrateCommand, mneme_159_comments_are_passed_over_and_json_has_the_keys) {
    const Outcome run = this->run({"--json"});
    ASSERT_EQ(run.exit, 0) << run.err;
    const json document = run.document();
    for (const char* key : {"threshold", "precision", "recall", "f1"}) {
        EXPECT_TRUE(document.at(key).is_number()) << key;
    }
    EXPECT_EQ(document.at("pr_curve").size(), 50U);
    EXPECT_EQ(document.at("pairs").size(), 4U);
    EXPECT_EQ(document.at("guarded_curve"), nullptr);
}

TEST_F(CalibrateCommand, mneme_159_a_grid_of_three_gives_three_points_as_csv_with_a_header) {
    const Outcome run = this->run({"--grid", "0.5,0.7,0.9", "--csv"});
    ASSERT_EQ(run.exit, 0) << run.err;
    EXPECT_THAT(run.out, StartsWith("threshold,precision,recall,f1\n0.5,"));
    EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 4);
}

TEST_F(CalibrateCommand, mneme_159_the_exit_status_says_what_went_wrong) {
    const Outcome missing = run_stele({"cache", "calibrate", "--paraphrases", same + ".no", "--distractors", different,
                                       "--embedder", "hashing", "--json"});
    EXPECT_EQ(missing.exit, 2);
    EXPECT_THAT(missing.error().at("message").get<std::string>(), HasSubstr("cannot be read"));

    const Outcome none = this->run({"--grid", "-1", "--min-precision", "1", "--json"});
    EXPECT_EQ(none.exit, 4) << "all are served there, the different ones, too";
    EXPECT_EQ(none.document().at("threshold"), nullptr);

    write_text(different, "{\"a\":\"x\",\"b\":\"y\"}\n{\"a\":1,\"b\":\"y\"}\n");
    const Outcome bad = this->run({"--json"});
    EXPECT_EQ(bad.exit, 5);
    EXPECT_THAT(bad.error().at("message").get<std::string>(),
                AllOf(HasSubstr("different.jsonl, line 2"), HasSubstr("\"a\" and \"b\"")));
    write_text(different, "{\"a\":\"x\"");
    EXPECT_EQ(this->run({}).exit, 5);
    EXPECT_EQ(this->run({"--grid", "7"}).exit, 2);
}

TEST_F(CalibrateCommand, people_see_the_curve_with_and_without_guards_and_what_is_served_wrongly) {
    const Outcome plain = this->run({"--grid", "0.3"});
    ASSERT_EQ(plain.exit, 0) << plain.err;
    EXPECT_THAT(plain.out,
                AllOf(HasSubstr("--threshold 0.30"), HasSubstr("served all the same"), HasSubstr("open on 4 May")));
    const Outcome guarded = this->run({"--grid", "0.3", "--guards"});
    ASSERT_EQ(guarded.exit, 0) << guarded.err;
    EXPECT_THAT(guarded.out,
                AllOf(HasSubstr("guarded: precision"), HasSubstr("guards on"), ::testing::Not(HasSubstr("4 May"))));
    EXPECT_EQ(this->run({"--csv", "--json"}).exit, 2);
}

}  // namespace
}  // namespace stele::test
