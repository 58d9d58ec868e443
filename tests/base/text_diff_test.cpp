#include "base/text_diff.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <vector>

#include "stele/error.hpp"
#include "support/temporary_directory.hpp"

namespace stele {
namespace {

std::string diff(std::string_view before, std::string_view after) {
    return unified_diff(before, after, "a", "b");
}

std::vector<std::string> lines_of(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line); line.clear()) lines.push_back(line + (stream.eof() ? "" : "\n"));
    return lines;
}

/// What `patch` does, and strict: every number and every line of context must fit.
std::string patched(const std::string& before, const std::string& diff) {
    const std::vector<std::string> old_lines = lines_of(before), steps = lines_of(diff);
    std::string after;
    std::size_t at = 0, made = 0;  // lines read and written
    std::size_t step = 2;
    const auto first_of = [](std::size_t line, std::size_t count) { return count == 0 ? line : line - 1; };
    while (step < steps.size()) {
        std::array<std::size_t, 4> range{0, 1, 0, 1};
        const std::string& head = steps[step++];
        EXPECT_TRUE(head.starts_with("@@ -") && head.ends_with(" @@\n")) << head;
        std::istringstream numbers(head.substr(4));
        char sign = 0;
        numbers >> range[0];
        if (numbers.peek() == ',') numbers.get() && numbers >> range[1];
        numbers >> sign >> range[2];
        if (numbers.peek() == ',') numbers.get() && numbers >> range[3];
        for (const std::size_t first = first_of(range[0], range[1]); at < first; ++made) after += old_lines.at(at++);
        EXPECT_EQ(made, first_of(range[2], range[3])) << head;
        std::size_t read = 0, written = 0;
        for (; step < steps.size() && !steps[step].starts_with("@@"); ++step) {
            std::string line = steps[step].substr(1);
            if (step + 1 < steps.size() && steps[step + 1] == "\\ No newline at end of file\n") line.pop_back();
            const char mark = steps[step].front();
            if (mark == '\\') continue;
            if (mark != '+') {
                EXPECT_EQ(old_lines.at(at++), line);
                ++read;
            }
            if (mark != '-') {
                after += line;
                ++written;
            }
        }
        EXPECT_EQ(read, range[1]) << head;
        EXPECT_EQ(written, range[3]) << head;
        made += written;
    }
    while (at < old_lines.size()) after += old_lines[at++];
    return after;
}

/// "1\n2\n...", to `count`.
std::string numbered(int count) {
    std::string text;
    for (int i = 1; i <= count; ++i) text += std::to_string(i) + "\n";
    return text;
}
std::string with(std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
}

TEST(UnifiedDiff, of_equal_texts_is_empty) {
    EXPECT_EQ(diff("", ""), "");
    EXPECT_EQ(diff("a\nb", "a\nb"), "");
}

TEST(UnifiedDiff, shows_three_lines_around_a_change) {
    EXPECT_EQ(unified_diff(numbered(10), with(numbered(10), "5\n", "five\n"), "greeting@1", "greeting@2"),
              "--- greeting@1\n+++ greeting@2\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST(UnifiedDiff, has_less_context_at_the_ends_of_the_text) {
    EXPECT_EQ(diff("1\n2\n", "0\n1\n2\n"), "--- a\n+++ b\n@@ -1,2 +1,3 @@\n+0\n 1\n 2\n");
    EXPECT_EQ(diff("1\n2\n", "1\n"), "--- a\n+++ b\n@@ -1,2 +1 @@\n 1\n-2\n");
}

TEST(UnifiedDiff, counts_an_empty_text_as_no_line_after_line_zero) {
    EXPECT_EQ(diff("", "x\n"), "--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n");
    EXPECT_EQ(diff("x\ny\n", ""), "--- a\n+++ b\n@@ -1,2 +0,0 @@\n-x\n-y\n");
}

TEST(UnifiedDiff, joins_changes_whose_contexts_touch) {
    const std::string six_between = with(with(numbered(20), "\n5\n", "\n5a\n"), "\n12\n", "\n12a\n");
    EXPECT_EQ(
        diff(numbered(20), six_between),
        "--- a\n+++ b\n@@ -2,14 +2,14 @@\n 2\n 3\n 4\n-5\n+5a\n 6\n 7\n 8\n 9\n 10\n 11\n-12\n+12a\n 13\n 14\n 15\n");
    const std::string seven_between = with(with(numbered(20), "\n5\n", "\n5a\n"), "\n13\n", "\n13a\n");
    EXPECT_EQ(diff(numbered(20), seven_between),
              "--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+5a\n 6\n 7\n 8\n"
              "@@ -10,7 +10,7 @@\n 10\n 11\n 12\n-13\n+13a\n 14\n 15\n 16\n");
}

TEST(UnifiedDiff, says_where_a_last_line_has_no_end) {
    EXPECT_EQ(diff("a", "b"),
              "--- a\n+++ b\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n");
    EXPECT_EQ(diff("a", "a\n"), "--- a\n+++ b\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
    EXPECT_EQ(diff("x\na", "y\na"), "--- a\n+++ b\n@@ -1,2 +1,2 @@\n-x\n+y\n a\n\\ No newline at end of file\n");
}

TEST(UnifiedDiff, takes_other_line_ends_for_part_of_the_line) {
    EXPECT_EQ(diff("a\r\n", "a\n"), "--- a\n+++ b\n@@ -1 +1 @@\n-a\r\n+a\n");
}

TEST(UnifiedDiff, refuses_a_name_of_more_than_one_line) {
    EXPECT_THROW(unified_diff("", "x", "a\n+++ c", "b"), Error);
    EXPECT_THROW(unified_diff("", "x", "a", "b\n"), Error);
}

/// Lines of few letters, so that many are alike, and with or without an end.
std::string random_text() {
    const auto line = rc::gen::map(rc::gen::inRange(0, 6), [](int letter) {
        return letter == 0 ? std::string("\n") : std::string(1, static_cast<char>('a' + letter)) + "\n";
    });
    std::string text;
    for (const std::string& each : *rc::gen::container<std::vector<std::string>>(line)) text += each;
    return *rc::gen::arbitrary<bool>() ? text : text + "end";
}

RC_GTEST_PROP(UnifiedDiff, makes_one_random_text_of_another, ()) {
    const std::string before = random_text(), after = random_text();
    RC_ASSERT(patched(before, diff(before, after)) == after);
    RC_ASSERT(patched(after, diff(after, before)) == before);
    RC_ASSERT(patched(before, diff(before, before)) == before);
}

TEST(UnifiedDiff, of_long_texts_without_order_in_common_is_right_and_ends) {
    std::mt19937 random(3);
    std::string before, after, different;
    for (int i = 0; i < 10'000; ++i) {
        before += std::to_string(random() % 5'000) + "\n";
        after += std::to_string(random() % 5'000) + "\n";
        different += "other " + std::to_string(i) + "\n";
    }
    EXPECT_EQ(patched(before, diff(before, after)), after);
    EXPECT_EQ(patched(before, diff(before, different)), different);
}

/// What the program prints.
std::string real_diff(const test::TemporaryDirectory& directory, const std::string& before, const std::string& after) {
    std::ofstream(directory.path() / "before", std::ios::binary) << before;
    std::ofstream(directory.path() / "after", std::ios::binary) << after;
    const std::string command = "cd '" + directory.path().string() + "' && diff -u --label a --label b before after";
    FILE* const pipe = ::popen(command.c_str(), "r");
    std::string text;
    for (int letter = std::fgetc(pipe); letter != EOF; letter = std::fgetc(pipe)) text += static_cast<char>(letter);
    ::pclose(pipe);
    return text;
}

// No line comes twice here, so that there is but one shortest way.
TEST(UnifiedDiff, is_what_the_program_prints) {
    ASSERT_EQ(std::system("diff --version > /dev/null 2>&1"), 0) << "GNU diff, which Debian always has";
    const test::TemporaryDirectory directory;
    std::mt19937 random(5);
    int next = 0;
    const auto line = [&] { return "line " + std::to_string(++next) + "\n"; };
    for (int times = 0; times < 150; ++times) {
        const unsigned count = random() % 60, one_in = 2 + random() % 20;
        std::string before, after;
        for (unsigned i = 0; i < count; ++i) {
            const std::string common = line();
            const unsigned chance = random() % one_in;
            before += chance == 0 ? line() : common;
            after += chance == 0 ? line() : chance == 1 ? common + line() : common;
            if (chance == 2 % one_in && random() % 2 == 0) before += line();
        }
        for (std::string* text : {&before, &after}) {
            if (random() % 3 == 0 && !text->empty()) text->pop_back();
        }
        EXPECT_EQ(diff(before, after), real_diff(directory, before, after));
    }
}

}  // namespace
}  // namespace stele
