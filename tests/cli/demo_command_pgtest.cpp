#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "stele_command.hpp"
#include "support/server.hpp"

namespace stele::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Outcome demo(const Server& server, std::vector<std::string> arguments) {
    std::vector<std::string> all = {"demo",        "--dsn", server_dsn(), "--schema", server.schema(),
                                    "--answer-ms", "0",     "--embedder", "hashing"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run_stele(all);
}

TEST(DemoCommand, starts_warm_from_what_the_run_before_stored_until_told_to_forget) {
    const Server server;
    const Outcome first = demo(server, {"--json", "--limit", "60"});
    ASSERT_EQ(first.exit, 0) << first.err;
    EXPECT_EQ(first.err, "");
    const nlohmann::json cold = first.document();
    EXPECT_EQ(cold["asked"], 60);
    EXPECT_EQ(cold["entries"]["before"], 0);
    EXPECT_EQ(cold["entries"]["after"], cold["layers"]["miss"]["count"]);
    EXPECT_EQ(cold["embedder"], "stele-hashing-v1-384");
    EXPECT_EQ(cold["schema"], server.schema());

    const nlohmann::json warm = demo(server, {"--json", "--limit", "60"}).document();
    EXPECT_EQ(warm["entries"]["before"], cold["entries"]["after"]);
    EXPECT_EQ(warm["entries"]["after"], cold["entries"]["after"]);
    EXPECT_EQ(warm["layers"]["miss"]["count"], 0);
    EXPECT_EQ(warm["hits"]["count"], 60);

    const nlohmann::json fresh = demo(server, {"--json", "--limit", "60", "--fresh"}).document();
    EXPECT_EQ(fresh["entries"]["before"], 0);
    EXPECT_EQ(fresh["layers"]["miss"]["count"], cold["layers"]["miss"]["count"]);
}

TEST(DemoCommand, tells_people_what_happened) {
    const Server server;
    const Outcome run = demo(server, {"--limit", "5"});
    EXPECT_EQ(run.exit, 0) << run.err;
    EXPECT_THAT(run.out, AllOf(HasSubstr("5 of the 2277 that come with Stele"), HasSubstr("matches wording"),
                               HasSubstr("of 5 answered from memory"), HasSubstr("stand-in for a model")));
}

TEST(DemoCommand, stops_at_the_deadline_and_reports_what_it_has) {
    const Server server;
    ASSERT_EQ(demo(server, {"--limit", "1"}).exit, 0);  // makes the tables, so that the deadline is all for questions
    const Outcome run = run_stele({"demo", "--dsn", server_dsn(), "--schema", server.schema(), "--answer-ms", "800",
                                   "--json", "--deadline", "6", "--embedder", "hashing"});
    EXPECT_EQ(run.exit, 3) << run.err;
    EXPECT_EQ(run.document()["interrupted"], true);
    EXPECT_LT(run.document()["asked"], 20);
}

TEST(DemoCommand, refuses_another_embedders_schema_and_says_so) {
    const Server server;
    ASSERT_EQ(demo(server, {"--limit", "1"}).exit, 0);
    const Outcome run = demo(server, {"--json", "--limit", "1", "--dimension", "64"});
    EXPECT_EQ(run.exit, 4);
    EXPECT_EQ(run.error()["code"], "fingerprint_mismatch");
}

TEST(DemoCommand, names_the_line_of_a_question_that_it_cannot_read) {
    const Server server;
    const auto file = std::filesystem::temp_directory_path() / (server.schema() + ".jsonl");
    std::ofstream(file) << R"({"question": "q?", "answer": "a.", "group": "g"})" << "\n{\n";
    const Outcome run = demo(server, {"--json", "--questions", file.string()});
    std::filesystem::remove(file);
    EXPECT_EQ(run.exit, 2);
    EXPECT_EQ(run.error()["code"], "invalid_argument");
    EXPECT_THAT(run.error()["message"].get<std::string>(), HasSubstr("line 2"));
}

}  // namespace
}  // namespace stele::test
