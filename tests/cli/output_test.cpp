#include "output.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "exit_code.hpp"
#include "progress.hpp"
#include "stele/error.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string printed(const auto& print) {
    ::testing::internal::CaptureStdout();
    print();
    return ::testing::internal::GetCapturedStdout();
}

TEST(Output, tables_line_up_by_display_width) {
    const bool json = false;
    const Output output(json);
    const std::string text =
        printed([&] { output.table({{"id", "name"}, {{"7", "K\xC3\xB6ln"}, {"12", "Bonn"}}, {true}}); });
    EXPECT_EQ(text, "id  name\n 7  K\xC3\xB6ln\n12  Bonn\n");
}

TEST(Output, json_mode_prints_documents_only) {
    const bool json = true;
    const Output output(json);
    const std::string text = printed([&] {
        output.line("for people");
        output.fields({{"a", "b"}});
        output.raw("raw");
        output.document({{"hit", false}});
    });
    EXPECT_EQ(text, "{\"hit\":false}\n");
}

TEST(Output, people_get_no_documents) {
    const bool json = false;
    const Output output(json);
    EXPECT_EQ(printed([&] { output.document({{"hit", false}}); }), "");
}

TEST(Output, an_error_in_json_keeps_ours_and_the_servers_words_apart) {
    const bool json = true;
    const Output output(json);
    ErrorInfo error;
    error.code = ErrorCode::resources;
    error.message = "ours";
    error.server_message = "theirs \xFF";
    error.sqlstate = "53100";
    error.retry = Retry::call;
    ::testing::internal::CaptureStderr();
    output.error(error);
    const auto document = nlohmann::json::parse(::testing::internal::GetCapturedStderr()).at("error");
    EXPECT_EQ(document.at("code"), "resources");
    EXPECT_EQ(document.at("message"), "ours");
    EXPECT_EQ(document.at("server_message"), "theirs \xEF\xBF\xBD");
    EXPECT_EQ(document.at("sqlstate"), "53100");
    EXPECT_EQ(document.at("retry"), "call");
    EXPECT_EQ(document.at("in_doubt"), false);
}

TEST(Progress, the_bar_fits_the_terminal) {
    for (const std::size_t columns : {1U, 10U, 40U, 80U, 200U}) {
        const std::string line =
            Progress::draw("replaying", 3, 400, std::chrono::seconds(2), "12 % from memory", columns);
        EXPECT_LE(display_width(line), columns) << line;
    }
}

TEST(Progress, the_bar_shows_count_and_remaining_time) {
    const std::string line = Progress::draw("work", 50, 200, std::chrono::seconds(10), "fine", 100);
    EXPECT_THAT(line, HasSubstr("50/200"));
    EXPECT_THAT(line, HasSubstr("30 s left"));
    EXPECT_THAT(line, HasSubstr("fine"));
}

TEST(Progress, where_there_is_no_terminal_it_prints_a_line_each_tenth) {
    const bool json = false;
    const Output output(json);
    ::testing::internal::CaptureStderr();
    {
        Progress progress(output, "work", 1000);
        for (std::size_t done = 1; done <= 1000; ++done) progress.at(done);
    }
    const std::string text = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 10);
    EXPECT_THAT(text, HasSubstr("work: 1000 of 1000"));
}

TEST(ExitCode, errors_fall_into_four_groups) {
    EXPECT_EQ(exit_code_of(ErrorCode::limit_exceeded), ExitCode::usage);
    EXPECT_EQ(exit_code_of(ErrorCode::authentication), ExitCode::unreachable);
    EXPECT_EQ(exit_code_of(ErrorCode::schema_newer), ExitCode::unfit);
    EXPECT_EQ(exit_code_of(ErrorCode::internal), ExitCode::failed);
}

}  // namespace
}  // namespace stele::cli
