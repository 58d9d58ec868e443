// Filters written as text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "stele/error.hpp"
#include "stele/filter.hpp"

namespace stele {
namespace {

using detail::FilterOperation;
using detail::FilterPath;
using detail::ValueKind;
using testing::HasSubstr;

bool holds(std::string_view filter, std::string_view document) {
    return Filter::parse(filter).matches(Json::parse(document));
}

std::string refusal_of(std::string_view text) {
    try {
        return "no refusal but: " + Filter::parse(text).to_string();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
        return error.what();
    }
}

TEST(FilterText, is_read_as_people_type_it) {
    const std::vector<std::pair<std::string, std::string>> filters = {
        {"lang=en", R"(lang == "en")"},
        {"  lang == \"en\"  ", R"(lang == "en")"},
        {"pages>=10", "pages >= 10"},
        {"pages < -2.50", "pages < -2.50"},
        {"open = true and owner = null", "open == true and owner == null"},
        {"a != 1", "not (a == 1)"},
        {"author.name starts with Ad", R"(author.name starts with "Ad")"},
        {R"(["first name"] has the words "a b")", R"(["first name"] has the words "a b")"},
        {"tags[0] = x or tags contains any of a, \"b c\" and n is one of 1,2",
         R"(tags[0] == "x" or (tags contains any of "a", "b c" and n is one of 1, 2))"},
        {"not (a is null or b exists) and c is not null", "not (a is null or b exists) and not (c is null)"},
        {"url = https://example.org/?a=b", R"(url == "https://example.org/?a=b")"},
        {"day > 2026-01-31", R"(day > "2026-01-31")"},
        {"code = 007", R"(code == "007")"},
        {R"(scores = {"a": [1, "}"]})", R"(scores == {"a":[1,"}"]})"},
        {"notes contains and", R"(notes contains "and")"},
        {"", "everything"},
    };
    for (const auto& [text, meaning] : filters) EXPECT_EQ(Filter::parse(text).to_string(), meaning) << text;
}

TEST(FilterText, binds_and_before_or) {
    EXPECT_TRUE(holds("a = 1 or b = 1 and c = 1", R"({"a":1})"));
    EXPECT_FALSE(holds("(a = 1 or b = 1) and c = 1", R"({"a":1})"));
    EXPECT_FALSE(holds("not a = 1 and b = 1", R"({"a":1,"b":1})"));
}

TEST(FilterText, compares_bare_times_and_uuids_as_such_and_quoted_ones_as_text) {
    const std::string document =
        R"({"t":"2026-01-31T12:00:00+02:00","id":"0190A6F0-1111-7222-8333-ABCDEFABCDEF","s":"10"})";
    EXPECT_TRUE(holds("t = 2026-01-31T10:00:00Z", document));
    EXPECT_FALSE(holds("t = \"2026-01-31T10:00:00Z\"", document));
    EXPECT_TRUE(holds("id = 0190a6f0-1111-7222-8333-abcdefabcdef", document));
    EXPECT_FALSE(holds("id = \"0190a6f0-1111-7222-8333-abcdefabcdef\"", document));
    EXPECT_FALSE(holds("s = 10", document));
    EXPECT_TRUE(holds("s = \"10\"", document));
    EXPECT_TRUE(holds("s starts with 1", document));
}

TEST(FilterText, that_cannot_be_read_is_refused_with_the_place) {
    const std::vector<std::pair<std::string, std::string>> bad = {
        {"lang", "at its end: =,"},
        {"lang =", "at its end: a value"},
        {"lang = en pages = 3", "from 'pages = 3' on: 'and', 'or' or the end"},
        {"title = Getting started", "from 'started' on"},
        {"(a = 1", "')'"},
        {"a = 1)", "from ')' on"},
        {"= 3", "a name is missing at byte 0"},
        {"a is 3", "'one of'"},
        {"a ~ 3", "'contains'"},
        {"tags[x] = 1", "a number or a name in quotes is missing at byte 5"},
        {"tags[1 = 1", "] is missing"},
        {"[\"a", "a closing quote"},
        {"a = \"x", "the end of the value"},
        {"a = [1,", "the end of the value"},
        {"a = [1,}]", "the filter's value [1,}"},
        {"a starts with [1]", "no text"},
        {"a and b = 1", "from 'and b = 1' on"},
        {"a\xFF = 1", "UTF-8"},
        {std::string(1000, '('), "less nesting"},
    };
    for (const auto& [text, reason] : bad) EXPECT_THAT(refusal_of(text), HasSubstr(reason)) << text;
}

TEST(FilterText, names_the_members_that_it_looks_at) {
    std::vector<std::string> paths;
    for (const FilterPath& path : Filter::parse("a.b = 1 and not (c[2] exists or a.b > 3)").paths()) {
        paths.push_back(detail::path_text(path));
    }
    EXPECT_THAT(paths, testing::ElementsAre("a.b", "c[2]", "a.b"));
    EXPECT_THAT(Filter().paths(), testing::IsEmpty());
}

TEST(Filter, that_holds_of_everything_is_known_as_such_however_it_came_about) {
    const Filter one = Filter::parse("a = 1"),
                 nothing = Filter::compare({{"a", {}}}, FilterOperation::in, ValueKind::json, {});
    Filter any;
    for (int i = 0; i < 3; ++i) any = any || one;
    EXPECT_TRUE(any.is_everything()) << any.to_string();
    EXPECT_TRUE((one || Filter()).is_everything());
    EXPECT_TRUE((!!Filter()).is_everything());
    EXPECT_TRUE((!nothing).is_everything()) << "all but those of an empty list";
    EXPECT_TRUE((!(nothing && one)).is_everything());
    EXPECT_TRUE((!(nothing || !Filter())).is_everything());
    EXPECT_FALSE((!Filter()).is_everything());
    EXPECT_FALSE(nothing.is_everything());
    EXPECT_FALSE((!(nothing || one)).is_everything());
    EXPECT_FALSE((one || nothing).is_everything());
    EXPECT_FALSE((!one).is_everything());
    EXPECT_EQ((!!one).to_string(), one.to_string());
    EXPECT_FALSE((!Filter() || one).matches(Json::parse("{}")));
}

TEST(JsonField, makes_filters_on_documents_of_no_type) {
    const auto filter = json_field("author.name") == "Ada" && json_field("tags").contains("x");
    EXPECT_TRUE(filter.matches(Json::parse(R"({"author":{"name":"Ada"},"tags":["x"]})")));
    EXPECT_FALSE(filter.matches(Json::parse(R"({"author":{"name":"Ada"},"tags":[]})")));
    EXPECT_THROW(json_field("author."), Error);
    EXPECT_THROW(json_field(""), Error);
}

/// Any filter, with keys and values that look like the language itself.
class RandomFilter {
public:
    explicit RandomFilter(unsigned seed) : random_(seed) {}

    Filter filter(int depth) {
        switch (below(depth > 0 ? 6 : 3)) {
            case 3: return !filter(depth - 1);
            case 4: return filter(depth - 1) && filter(depth - 1);
            case 5: return filter(depth - 1) || filter(depth - 1);
            default: return condition();
        }
    }

private:
    std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_); }
    std::string word() {
        static const std::vector<std::string> kWords = {
            "a",    "b.c", "not", "and",  "or",   "is", "exists", "[0]", "\"", "'",  "\\",       "",     " ",  "a b",
            "a\"]", "(",   "=",   "null", "true", "1",  "-",      "]",   "{}", "\n", "\xC3\x9F", "')--", "$1", "%"};
        return kWords[below(kWords.size())];
    }
    Json value() {
        static const std::vector<std::string> kValues = {"null", "true", "12345678901234567890.50", "-0", "1e3",
                                                         "[]",   "{}",   R"(["(",{"]":"\""}])"};
        return below(2) == 0 ? Json::string(word()) : Json::parse(kValues[below(kValues.size())]);
    }
    FilterPath path() {
        FilterPath path{{word(), {}}};
        while (below(2) == 0)
            path.push_back(below(3) == 0 ? detail::FilterStep{{}, below(20)} : detail::FilterStep{word(), {}});
        if (below(8) == 0) path.front() = {{}, below(20)};
        return path;
    }
    Filter condition() {
        const auto operation = static_cast<FilterOperation>(below(12));
        std::vector<Json> operands;
        switch (operation) {
            case FilterOperation::is_null:
            case FilterOperation::exists: break;
            case FilterOperation::text_match:
            case FilterOperation::prefix: operands = {Json::string(word())}; break;
            case FilterOperation::in:
            case FilterOperation::contains_any:
                do operands.push_back(value());
                while (below(2) == 0);
                break;
            default: operands = {value()};
        }
        return Filter::compare(path(), operation, ValueKind::json, std::move(operands));
    }

    std::mt19937 random_;
};

TEST(FilterText, of_any_filter_is_read_back_as_the_same) {
    for (unsigned seed = 0; seed < 5000; ++seed) {
        const std::string text = RandomFilter(seed).filter(4).to_string();
        SCOPED_TRACE(text);
        ASSERT_EQ(Filter::parse(text).to_string(), text);
    }
}

}  // namespace
}  // namespace stele
