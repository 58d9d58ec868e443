#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "cli/server_run.hpp"

namespace stele::test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::vector<std::string> kDemo = {"demo", "--documents", "--embedder", "hashing"};

TEST(DemoDocumentsCommand, indexes_the_documentation_once_and_measures_what_it_finds) {
    const Server server;
    const json first = document_on(server, kDemo);
    std::size_t pages = 0;
    for (const auto& entry : std::filesystem::directory_iterator(STELE_SOURCE_DIR "/docs")) {
        if (entry.path().extension() == ".md") ++pages;
    }
    EXPECT_EQ(first.at("files"), pages);
    EXPECT_GT(first.at("chunks"), first.at("files"));
    EXPECT_EQ(first.at("embedded"), first.at("chunks"));
    EXPECT_EQ(first.at("asked"), first.at("planned"));
    EXPECT_EQ(first.at("questions").size(), first.at("planned"));
    // by wording alone it finds some, and not all
    EXPECT_GE(first.at("right_first"), 1);
    EXPECT_LE(first.at("right_first"), first.at("right_in_three"));
    for (const json& question : first.at("questions")) {
        EXPECT_GT(question.at("ms"), 0);
        EXPECT_FALSE(question.at("found").empty());
    }

    const json again = document_on(server, kDemo);
    EXPECT_EQ(again.at("embedded"), 0);
    EXPECT_EQ(again.at("right_first"), first.at("right_first"));
    EXPECT_EQ(document_on(server, {"index", "count", "documents"}).at("count"), first.at("chunks"));
}

TEST(DemoDocumentsCommand, tells_people_what_it_found_and_asks_nothing_without_a_terminal) {
    const Server server;
    const Outcome run = run_on(server, kDemo, "never asked\n");
    EXPECT_EQ(run.exit, 0) << run.err;
    EXPECT_THAT(run.out, AllOf(HasSubstr("How do I load a million rows quickly?"), HasSubstr(".md: "),
                               HasSubstr("questions found the right page first"), HasSubstr(" ms")));
    EXPECT_THAT(run.out, ::testing::Not(HasSubstr("Ask the documentation")));
}

TEST(DemoDocumentsCommand, refuses_what_belongs_to_the_other_demonstration) {
    const Server server;
    for (const std::vector<std::string>& other :
         {std::vector<std::string>{"--fresh"}, {"--limit", "3"}, {"--answer-ms", "1"}, {"--embedder", "none"}}) {
        std::vector<std::string> line = {"demo", "--documents"};
        line.insert(line.end(), other.begin(), other.end());
        EXPECT_EQ(run_on(server, line).exit, 2) << other.front();
    }
}

}  // namespace
}  // namespace stele::test
