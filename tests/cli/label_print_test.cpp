// What is written on the command line for labels and revisions.
#include "label_print.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "revision_command.hpp"

namespace stele::cli {
namespace {

using ::testing::HasSubstr;

const Timestamp kTime = parse_iso8601("2026-01-31T10:20:30.123456+00:00").value();

template <class Work>
std::string why_refused(Work work) {
    try {
        work();
        return "";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
        return error.what();
    }
}

TEST(LabelPlace, is_a_store_an_identifier_and_perhaps_a_revision) {
    EXPECT_EQ(parse_place("config:app"), (LabelPlace{LabelStore::configurations, "app", {}}));
    EXPECT_EQ(parse_place("template:a/b@2026-01-31T10:20:30.123456+00:00"),
              (LabelPlace{LabelStore::templates, "a/b", kTime}));
    EXPECT_EQ(parse_place("config:app@newest"), (LabelPlace{LabelStore::configurations, "app", {}}));
}

TEST(LabelPlace, may_have_colons_and_at_signs_in_its_identifier) {
    EXPECT_EQ(parse_place("config:mod:Type").identifier, "mod:Type");
    EXPECT_EQ(parse_place("config:ada@example.com").identifier, "ada@example.com");
    EXPECT_EQ(parse_place("config:a@2026-01-31T10:20:30Z@newest").identifier, "a@2026-01-31T10:20:30Z");
}

TEST(LabelPlace, that_is_none_is_refused) {
    EXPECT_THAT(why_refused([] { parse_place("app"); }), HasSubstr("config:ID or template:ID"));
    EXPECT_THAT(why_refused([] { parse_place("settings:app"); }), HasSubstr("config:ID or template:ID"));
    EXPECT_THAT(why_refused([] { parse_place("config:"); }), HasSubstr("names no configuration"));
    EXPECT_THAT(why_refused([] { parse_place("template:@newest"); }), HasSubstr("names no template"));
}

TEST(RevisionOption, is_a_time_a_label_or_the_newest) {
    EXPECT_EQ(parse_selector("FROM", "newest").kind(), RevisionSelector::Kind::newest);
    EXPECT_EQ(parse_selector("FROM", "label:newest").label(), "newest");
    EXPECT_EQ(parse_selector("FROM", to_iso8601(kTime)).time(), kTime);
    EXPECT_THAT(why_refused([] { parse_selector("FROM", "label:"); }), HasSubstr("FROM is a revision"));
    EXPECT_THAT(why_refused([] { parse_selector("FROM", "2026-01-31T10:20:30"); }), HasSubstr("FROM is a revision"));
    EXPECT_THAT(why_refused([] { parse_time("--at", "yesterday"); }), HasSubstr("--at takes a time"));
}

}  // namespace
}  // namespace stele::cli
