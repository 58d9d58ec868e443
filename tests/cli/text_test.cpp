#include "text.hpp"

#include <gtest/gtest.h>

#include "duration_option.hpp"
#include "stele/error.hpp"

namespace stele::cli {
namespace {

TEST(Text, escape_sequences_lose_what_a_terminal_would_obey) {
    EXPECT_EQ(one_line("a\033[31mb\r\nc\td"), "a\xEF\xBF\xBD[31mb c d");
    EXPECT_EQ(printable("a\033]0;title\a\nb"), "a\xEF\xBF\xBD]0;title\xEF\xBF\xBD\nb");
    EXPECT_EQ(one_line("\xC2\x9B"
                       "31m"),
              "\xEF\xBF\xBD"
              "31m");
    EXPECT_EQ(one_line("abc\xE2\x80\xAEtxt"), "abc\xEF\xBF\xBDtxt");
}

TEST(Text, broken_utf8_becomes_replacement_characters) {
    EXPECT_EQ(one_line("a\xFF\xC3"), "a\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Text, width_counts_columns_not_bytes) {
    EXPECT_EQ(display_width("K\xC3\xB6ln"), 4U);
    EXPECT_EQ(display_width("e\xCC\x81"), 1U);                 // an accent of its own
    EXPECT_EQ(display_width("\xE6\x97\xA5\xE6\x9C\xAC"), 4U);  // two wide characters
}

TEST(Text, shortening_never_exceeds_the_width) {
    EXPECT_EQ(shortened("hello", 5), "hello");
    EXPECT_EQ(shortened("hello", 4), "hel\xE2\x80\xA6");
    EXPECT_EQ(shortened("\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", 4), "\xE6\x97\xA5\xE2\x80\xA6");
    EXPECT_EQ(shortened("hello", 0), "");
}

TEST(Text, parts_are_joined_with_a_word_of_its_own_before_the_last) {
    EXPECT_EQ(joined({}, ", "), "");
    EXPECT_EQ(joined({"a"}, ", ", " and "), "a");
    EXPECT_EQ(joined({"a", "", "c"}, ", ", " and "), "a,  and c");
    EXPECT_EQ(joined({"a", "b", "c"}, "|"), "a|b|c");
}

TEST(Text, sizes_and_times_have_units) {
    EXPECT_EQ(bytes_text(1), "1 byte");
    EXPECT_EQ(bytes_text(999), "999 bytes");
    EXPECT_EQ(bytes_text(1500), "1.5 kB");
    EXPECT_EQ(bytes_text(999'960), "1.0 MB");
    EXPECT_EQ(duration_text(119), "119 s");
    EXPECT_EQ(duration_text(120), "2 min");
    EXPECT_EQ(duration_text(3600 * 47), "47 h");
    EXPECT_EQ(duration_text(86'400 * 2), "2 days");
    EXPECT_EQ(age_text(0), "just now");
    EXPECT_EQ(count_text(1, "entry", "entries"), "1 entry");
    EXPECT_EQ(count_text(0, "entry", "entries"), "0 entries");
}

TEST(Duration, units_are_understood) {
    EXPECT_EQ(parse_duration("--ttl", "90s").count(), 90);
    EXPECT_EQ(parse_duration("--ttl", "15m").count(), 900);
    EXPECT_EQ(parse_duration("--ttl", "12h").count(), 43'200);
    EXPECT_EQ(parse_duration("--ttl", "7d").count(), 604'800);
}

TEST(Duration, anything_else_is_refused) {
    for (const char* text : {"", "0", "-1", "d", "1w", "1.5h", " 1", "1 h", "99999999999999999999", "40000d"}) {
        EXPECT_THROW(parse_duration("--ttl", text), Error) << text;
    }
}

}  // namespace
}  // namespace stele::cli
