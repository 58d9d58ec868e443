#include "demo_documents.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "stele/error.hpp"
#include "support/temporary_directory.hpp"

namespace stele::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Optional;

Found<Json> chunk(const std::string& path, double score) {
    Found<Json> found;
    found.value = to_json(DocumentChunk{path, "Title", "Title > Part", 0, "text"});
    found.score = score;
    return found;
}

PageAnswer answered(const std::string& page, const std::vector<std::string>& paths) {
    std::vector<Found<Json>> found;
    for (const std::string& path : paths) found.push_back(chunk(path, 0.5));
    return answer({"q?", page}, [&](const std::string&) { return found; });
}

TEST(DemoDocuments, count_pages_and_not_chunks) {
    EXPECT_THAT(answered("a", {"a", "b"}).place, Optional(1U));
    EXPECT_THAT(answered("a", {"b", "b", "c", "b", "a"}).place, Optional(3U));
    EXPECT_EQ(answered("a", {"b"}).place, std::nullopt);
    EXPECT_EQ(answered("a", {}).place, std::nullopt);
}

TEST(DemoDocuments, report_what_was_found_and_what_was_not) {
    DocumentsReport report;
    EXPECT_EQ(report.p50_ms(), std::nullopt);
    report.planned = 4;
    report.answers = {answered("a", {"a"}), answered("a", {"b", "a"}), answered("a", {"b"})};
    report.answers[0].milliseconds = 3;
    report.answers[1].milliseconds = 1;
    report.answers[2].milliseconds = 20;
    EXPECT_EQ(report.right_within(1), 1U);
    EXPECT_EQ(report.right_within(3), 2U);
    EXPECT_THAT(report.p50_ms(), Optional(3.0));
    const auto document = to_document(report);
    EXPECT_EQ(document.at("asked"), 3);
    EXPECT_EQ(document.at("right_first"), 1);
    EXPECT_EQ(document.at("questions")[1].at("place"), 2);
    EXPECT_EQ(document.at("questions")[2].at("place"), nullptr);
    EXPECT_EQ(document.at("questions")[0].at("found")[0].at("heading"), "Title > Part");
}

TEST(DemoDocuments, have_questions_whose_pages_are_there) {
    const auto questions = load_page_questions(STELE_SOURCE_DIR "/examples/documents/questions.jsonl");
    EXPECT_GE(questions.size(), 20U);
    std::set<std::string> asked;
    for (const PageQuestion& each : questions) {
        EXPECT_TRUE(std::filesystem::exists(STELE_SOURCE_DIR "/docs/" + each.page)) << each.page;
        EXPECT_TRUE(asked.insert(each.question).second) << each.question;
    }
}

TEST(DemoDocuments, name_the_line_of_a_question_that_cannot_be_read) {
    const test::TemporaryDirectory place;
    const auto file = place.path() / "q.jsonl";
    std::ofstream(file) << R"({"question":"q","page":"p.md"})" << "\n\n" << R"({"question":"q"})" << "\n";
    try {
        load_page_questions(file);
        FAIL() << "it has no page";
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("q.jsonl, line 3: "));
    }
    EXPECT_THROW(load_page_questions(place.path() / "none"), Error);
}

}  // namespace
}  // namespace stele::cli
