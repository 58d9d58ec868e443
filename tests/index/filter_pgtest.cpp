// What filters mean, in memory and as SQL. The names of tests give the lines of the list of draive's behaviour that
// they prove.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "index/documents.hpp"
#include "index/filter_sql.hpp"
#include "stele/filter.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using library::Author;
using library::Chunk;
using testing::HasSubstr;

enum class On { database, memory };

class AnyFilter : public testing::TestWithParam<On> {
protected:
    bool holds(const Filter& filter, const Json& value) {
        if (GetParam() == On::memory) return filter.matches(value);
        if (!database_) database_ = server_.bare();
        Parameters parameters;
        parameters.add(value);
        const std::string condition = filter_sql(filter.node(), "d.payload", parameters);
        Statement statement("SELECT coalesce(" + condition + ", false) FROM (SELECT $1::jsonb AS payload) d");
        statement.parameters() = parameters;
        return database_->query(statement)[0].get<bool>(0);
    }
    bool holds(const FilterOf<Chunk>& filter, const Chunk& value) { return holds(filter.untyped(), to_json(value)); }
    bool holds(const FilterOf<Chunk>& filter, std::string_view json) {
        return holds(filter.untyped(), Json::parse(json));
    }

private:
    test::Server server_;
    std::optional<Database> database_;
};

INSTANTIATE_TEST_SUITE_P(Filters, AnyFilter, testing::Values(On::database, On::memory),
                         [](const auto& which) { return which.param == On::database ? "as_sql" : "in_memory"; });

Chunk chunk() {
    Chunk value;
    value.text =
        "Stra\xC3\x9F"
        "e nach K\xC3\xB6ln, 3_a";
    value.language = "en";
    value.tags = {"faq", "x,y"};
    value.page = 7;
    value.weight = 0.5;
    value.id = *Uuid::parse("0190a6f0-1111-7222-8333-abcdefabcdef");
    value.related = {value.id};
    value.written = *parse_iso8601("2025-02-28T10:00:00.25+02:00");
    value.author = Author{"Ada", 1815};
    value.editors = {Author{"Bob", {}}, Author{"Eve", 1990}};
    value.scores = {{"depth", 3}, {"", 1}};
    value.extra = Json::parse(R"({"a":[1,{"b":null}],"n":12345678901234567890.5})");
    return value;
}

TEST_P(AnyFilter, draive_089_equality_and_its_combinations) {
    EXPECT_TRUE(holds(field(&Chunk::language) == "en", chunk()));
    EXPECT_FALSE(holds(field(&Chunk::language) == "de", chunk()));
    EXPECT_FALSE(holds(field(&Chunk::language) != "en", chunk()));
    EXPECT_TRUE(holds(field(&Chunk::language) != "de", chunk()));
    EXPECT_TRUE(holds(field(&Chunk::language) == "en" && field(&Chunk::page) == 7, chunk()));
    EXPECT_FALSE(holds(field(&Chunk::language) == "en" && field(&Chunk::page) == 8, chunk()));
    EXPECT_TRUE(holds(field(&Chunk::language) == "de" || field(&Chunk::page) == 7, chunk()));
    EXPECT_FALSE(holds(field(&Chunk::language) == "de" || field(&Chunk::page) == 8, chunk()));
    EXPECT_TRUE(holds(!(field(&Chunk::language) == "de" || field(&Chunk::page) == 8) && FilterOf<Chunk>(), chunk()));
    EXPECT_TRUE(holds(field(&Chunk::language) != "en", "{}")) << "what lacks the attribute differs from every value";
    EXPECT_FALSE(holds(field(&Chunk::language) == "en", "{}"));
    EXPECT_TRUE(holds(FilterOf<Chunk>(), "{}"));
}

TEST_P(AnyFilter, draive_090_membership_in_both_directions) {
    EXPECT_TRUE(holds(field(&Chunk::language).is_one_of({"de", "en"}), chunk()));
    EXPECT_FALSE(holds(field(&Chunk::language).is_one_of({"de", "EN"}), chunk()));
    EXPECT_FALSE(holds(field(&Chunk::language).is_one_of(std::vector<std::string>()), chunk()));
    EXPECT_TRUE(holds(field(&Chunk::page).is_one_of({7.0, 8.5}), chunk()));
    EXPECT_TRUE(holds(field(&Chunk::tags).contains("x,y"), chunk()));
    EXPECT_FALSE(holds(field(&Chunk::tags).contains("x"), chunk())) << "of an array an element, not a part of one";
    EXPECT_TRUE(holds(field(&Chunk::tags).contains_any({"no", "faq"}), chunk()));
    EXPECT_FALSE(holds(field(&Chunk::tags).contains_any({"no", "fa"}), chunk()));
    EXPECT_FALSE(holds(field(&Chunk::tags).contains_any(std::vector<std::string>()), chunk()));
    EXPECT_TRUE(holds(field(&Chunk::text).contains("nach"), chunk()));
    EXPECT_TRUE(holds(field(&Chunk::text).contains(""), chunk()));
    EXPECT_FALSE(holds(field(&Chunk::text).contains("NACH"), chunk()));
    EXPECT_TRUE(holds(field(&Chunk::scores).contains("depth"), chunk()));
    EXPECT_FALSE(holds(field(&Chunk::scores).contains("width"), chunk()));
    EXPECT_FALSE(holds(field(&Chunk::tags).contains("faq"), R"({"tag_list":{"faq":1}})") &&
                 holds(field(&Chunk::tags).contains("faq"), R"({"tag_list":7})"));
    EXPECT_FALSE(holds(field(&Chunk::tags).contains("faq"), "{}"));
}

TEST_P(AnyFilter, lists_hold_what_each_of_their_values_does_whatever_the_type) {
    const Uuid other = *Uuid::parse("0190a6f0-1111-7222-8333-000000000000");
    EXPECT_TRUE(holds(field(&Chunk::id).is_one_of({other, chunk().id}), chunk()));
    EXPECT_FALSE(holds(field(&Chunk::id).is_one_of({other, other}), chunk()));
    EXPECT_TRUE(
        holds(field(&Chunk::id).is_one_of({other, chunk().id}), R"({"id":"0190A6F0111172228333ABCDEFABCDEF"})"));
    EXPECT_FALSE(holds(field(&Chunk::id).is_one_of({other}), R"({"id":"x"})"));
    EXPECT_FALSE(holds(field(&Chunk::id).is_one_of(std::vector<Uuid>()), chunk()));
    const Timestamp later = chunk().written + std::chrono::microseconds(1);
    EXPECT_TRUE(holds(field(&Chunk::written).is_one_of({later, chunk().written}),
                      R"({"written":"2025-02-28T08:00:00.250000Z"})"));
    EXPECT_FALSE(holds(field(&Chunk::written).is_one_of({later, later}), chunk()));
    EXPECT_TRUE(holds(field(&Chunk::related).contains_any({other, chunk().id}), chunk()));
    EXPECT_FALSE(holds(field(&Chunk::related).contains_any({other, other}), chunk()));
    const auto with_null = [](const char* member, detail::ValueKind kind, const char* text) {
        return Filter::compare({{member, {}}}, detail::FilterOperation::in, kind, {Json(), Json::string(text)});
    };
    const Filter id = with_null("id", detail::ValueKind::uuid, "0190a6f0-1111-7222-8333-abcdefabcdef");
    const Filter time = with_null("written", detail::ValueKind::time, "2025-02-28T10:00:00.25+02:00");
    for (const Filter& filter : {id, time}) {
        EXPECT_TRUE(holds(filter, to_json(chunk())));
        EXPECT_TRUE(holds(filter, Json::parse("{}")));
        EXPECT_FALSE(holds(filter, Json::parse(R"({"id":"x","written":"x"})")));
    }
    EXPECT_TRUE(holds(field(&Chunk::text).contains_any({"no", "nach"}), chunk()));
    EXPECT_FALSE(holds(field(&Chunk::text).contains_any({"no", "NACH"}), chunk()));
    EXPECT_TRUE(holds(field(&Chunk::scores).contains_any({"width", "depth"}), chunk()));
    EXPECT_FALSE(holds(field(&Chunk::scores).contains_any({"width", "height"}), chunk()));
}

TEST(FilterSql, has_one_text_and_few_parameters_however_long_a_list_is) {
    const auto of = [](std::size_t size) {
        const std::vector<Uuid> ids(size, chunk().id);
        const std::vector<Timestamp> times(size, chunk().written);
        const std::vector<std::string> words(size, "x");
        const auto filter = field(&Chunk::id).is_one_of(ids) && field(&Chunk::written).is_one_of(times) &&
                            field(&Chunk::related).contains_any(ids) && field(&Chunk::tags).contains_any(words);
        Parameters parameters;
        const std::string sql = filter_sql(filter.untyped().node(), "payload", parameters);
        return std::pair(sql, parameters.slots().size());
    };
    EXPECT_EQ(of(2), of(50'000));
    EXPECT_LT(of(2).second, 20U);
}

TEST_P(AnyFilter, draive_090_words_are_folded_and_whole) {
    EXPECT_TRUE(holds(field(&Chunk::text).has_words("STRASSE"), chunk()));
    EXPECT_TRUE(holds(field(&Chunk::text).has_words("ko\xCC\x88ln, nach!"), chunk())) << "decomposed";
    EXPECT_TRUE(holds(field(&Chunk::text).has_words("3_A"), chunk()));
    EXPECT_TRUE(holds(field(&Chunk::text).has_words(" ... "), chunk()));
    EXPECT_FALSE(holds(field(&Chunk::text).has_words("Stra"), chunk()));
    EXPECT_FALSE(holds(field(&Chunk::text).has_words("nach Bonn"), chunk()));
    EXPECT_FALSE(holds(field(&Chunk::text).has_words("3"), chunk()));
    EXPECT_FALSE(holds(field(&Chunk::text).has_words("1"), R"({"text":1})"));
    EXPECT_TRUE(holds(field(&Chunk::text).has_words("a b"), R"({"text":"B-A"})"));
    EXPECT_TRUE(holds(field(&Chunk::text).has_words(""), R"({"text":""})"));
    EXPECT_FALSE(holds(field(&Chunk::text).has_words(""), R"({"text":null})"));
}

TEST_P(AnyFilter, draive_091_values_compare_as_what_they_are) {
    EXPECT_TRUE(holds(field(&Chunk::page) == 7, R"({"page":7.0})"));
    EXPECT_TRUE(holds(field(&Chunk::page) == 7.0, R"({"page":70e-1})"));
    EXPECT_FALSE(holds(field(&Chunk::page) == 7, R"({"page":"7"})"));
    EXPECT_TRUE(holds(field(&Chunk::weight) == 0.5, chunk()));
    EXPECT_TRUE(holds(field(&Chunk::open) == false, chunk()));
    EXPECT_FALSE(holds(field(&Chunk::open) == false, R"({"open":0})"));
    EXPECT_TRUE(holds(field(&Chunk::kind) == library::Kind::paper, R"({"kind":"white paper"})"));
    const Uuid id = chunk().id;
    EXPECT_TRUE(holds(field(&Chunk::id) == id, chunk()));
    EXPECT_TRUE(holds(field(&Chunk::id) == id, R"({"id":"0190A6F0111172228333ABCDEFABCDEF"})"))
        << "as haiway writes it";
    EXPECT_FALSE(holds(field(&Chunk::id) == id, R"({"id":"0190a6f0-1111-7222-8333-abcdefabcdee"})"));
    EXPECT_FALSE(holds(field(&Chunk::id) == id, R"({"id":"not one"})"));
    EXPECT_TRUE(holds(field(&Chunk::id) != id, R"({"id":"not one"})"));
    EXPECT_TRUE(holds(field(&Chunk::related).contains(id), R"({"related":["x","0190a6f0111172228333abcdefabcdef"]})"));
    EXPECT_TRUE(holds(field(&Chunk::id).is_one_of({Uuid(), id}), chunk()));
    const Timestamp written = chunk().written;
    EXPECT_TRUE(holds(field(&Chunk::written) == written, chunk()));
    EXPECT_TRUE(holds(field(&Chunk::written) == written, R"({"written":"2025-02-28 08:00:00.2500009Z"})"));
    EXPECT_TRUE(holds(field(&Chunk::written) == written, R"({"written":"2025-03-01t07:30:00.25+2330"})"));
    EXPECT_TRUE(holds(field(&Chunk::written) == written, R"({"written":"2025-02-27T08:15:00.25-23:45"})"));
    EXPECT_TRUE(holds(field(&Chunk::written) < written, R"({"written":"2024-02-29T08:00:00+00"})"));
    for (const char* none : {"2025-02-29T08:00:00Z", "2025-13-01T00:00:00Z", "0000-01-01T00:00:00Z",
                             "2025-02-28T08:00:00", "2025-02-28T24:00:00Z", "yesterday", ""}) {
        const std::string value = std::string(R"({"written":")") + none + "\"}";
        EXPECT_FALSE(holds(field(&Chunk::written) < written + std::chrono::years(10), value)) << none;
        EXPECT_TRUE(holds(field(&Chunk::written) != written, value)) << none;
    }
    EXPECT_TRUE(holds(field(&Chunk::author) == std::nullopt, R"({"author":null})"));
    EXPECT_TRUE(holds(field(&Chunk::author) == std::nullopt, "{}"));
    EXPECT_TRUE(holds(field(&Chunk::author) != std::nullopt, chunk()));
    EXPECT_TRUE(holds(field(&Chunk::extra) == Json(), R"({"extra":null})"));
    EXPECT_TRUE(
        holds(field(&Chunk::extra) == Json::parse(R"({"n":1.23456789012345678905e19,"a":[1.0,{"b":null}]})"), chunk()));
}

TEST_P(AnyFilter, orders_numbers_text_identifiers_and_times) {
    EXPECT_TRUE(holds(
        field(&Chunk::page) < 7.5 && field(&Chunk::page) <= 7 && field(&Chunk::page) > 6 && field(&Chunk::page) >= 7,
        chunk()));
    EXPECT_FALSE(holds(field(&Chunk::page) < 7 || field(&Chunk::page) > 7, chunk()));
    EXPECT_TRUE(holds(field(&Chunk::page) < 0, R"({"page":-0.00000000000000000000000000001})"));
    EXPECT_TRUE(holds(field(&Chunk::page) > 10, R"({"page":1.00000000000000000000000000001e1})"));
    for (const char* other : {R"({"page":"3"})", "{}", R"({"page":null})", R"({"page":true})", R"({"page":false})",
                              R"({"page":[]})", R"({"page":[3]})", R"({"page":[3,4]})", R"({"page":{}})"}) {
        SCOPED_TRACE(other);
        EXPECT_FALSE(holds(field(&Chunk::page) < 10 || field(&Chunk::page) <= 10, other));
        EXPECT_FALSE(holds(field(&Chunk::page) > 1 || field(&Chunk::page) >= 1, other));
    }
    EXPECT_TRUE(holds(field(&Chunk::page) < 0, R"({"page":-1.7976931348623157e308})"));
    EXPECT_TRUE(holds(field(&Chunk::language) > "EN" && field(&Chunk::language) < "ena", chunk()));
    EXPECT_TRUE(holds(field(&Chunk::language) > "z", R"({"lang":"\u00e4"})")) << "by code points, whatever the locale";
    EXPECT_TRUE(holds(field(&Chunk::id) > Uuid() && field(&Chunk::id) <= chunk().id, chunk()));
    EXPECT_TRUE(holds(field(&Chunk::text).starts_with("Stra") && !field(&Chunk::text).starts_with("stra"), chunk()));
    EXPECT_TRUE(holds(field(&Chunk::text).starts_with(""), chunk()));
    EXPECT_TRUE(holds(field(&Chunk::text).starts_with("a%_\\"), R"({"text":"a%_\\b"})"));
    EXPECT_FALSE(holds(field(&Chunk::text).starts_with("a%"), R"({"text":"ab"})"));
}

TEST_P(AnyFilter, tells_null_from_what_is_missing_only_by_exists) {
    EXPECT_TRUE(holds(field(&Chunk::author).exists() && field(&Chunk::author).is_null(), R"({"author":null})"));
    EXPECT_TRUE(holds(!field(&Chunk::author).exists() && field(&Chunk::author).is_null(), "{}"));
    EXPECT_TRUE(holds(field(&Chunk::author).exists() && !field(&Chunk::author).is_null(), chunk()));
    EXPECT_TRUE(holds(field(&Chunk::author, &Author::born).is_null(), R"({"author":null})"));
    EXPECT_TRUE(holds(!field(&Chunk::author, &Author::born).exists(), R"({"author":7})"));
}

TEST_P(AnyFilter, draive_092_paths_lead_through_aliases_structs_optionals_arrays_and_maps) {
    EXPECT_TRUE(holds(field(&Chunk::author, &Author::name) == "Ada", chunk()));
    EXPECT_TRUE(holds(field(&Chunk::author, &Author::born) < 1900, chunk()));
    EXPECT_TRUE(holds(field(&Chunk::tags)[1] == "x,y", chunk()));
    EXPECT_TRUE(holds(field(&Chunk::tags)[2] != "x,y", chunk()));
    EXPECT_FALSE(holds(field(&Chunk::tags)[0].exists(), R"({"tag_list":{"0":"a"}})")) << "an index is no key";
    EXPECT_TRUE(holds(field(&Chunk::editors)[1] / field(&Author::name) == "Eve", chunk()));
    EXPECT_TRUE(holds(field(&Chunk::scores)["depth"] == 3, chunk()));
    EXPECT_TRUE(holds(field(&Chunk::scores)[""] == 1, chunk()));
    EXPECT_FALSE(holds(field(&Chunk::scores)["0"].exists(), R"({"scores":[1]})")) << "a key is no index";
    EXPECT_TRUE(
        holds(field(&Chunk::extra)["a"][1]["b"].is_null() && field(&Chunk::extra)["a"][1]["b"].exists(), chunk()));
    EXPECT_TRUE(holds(field(&Chunk::extra)["a"][0] == 1, chunk()));
    EXPECT_FALSE(holds(field(&Chunk::tags)[std::size_t{1} << 40].exists(), chunk()));
}

TEST_P(AnyFilter, draive_092_hostile_keys_and_values_are_keys_and_values) {
    const std::vector<std::string> texts = {"a.b",
                                            "a'b",
                                            "a\"b",
                                            "{a,b}",
                                            "a]['",
                                            "$1",
                                            "%s",
                                            "'; DROP TABLE x; --",
                                            "\\",
                                            "?",
                                            "\xF0\x9F\x98\x80",
                                            "a\nb",
                                            "-1",
                                            "') OR true --"};
    for (const std::string& key : texts) {
        Chunk value;
        value.scores[key] = 5;
        value.text = key;
        value.tags = {key};
        EXPECT_TRUE(holds(field(&Chunk::scores)[key] == 5 && field(&Chunk::text) == key &&
                              field(&Chunk::tags).contains(key) && field(&Chunk::text).starts_with(key) &&
                              field(&Chunk::text).contains(key) && field(&Chunk::scores).contains(key) &&
                              field(&Chunk::text).is_one_of({key}) && field(&Chunk::text) >= key &&
                              field(&Chunk::text).has_words(key),
                          value))
            << key;
        EXPECT_FALSE(holds(field(&Chunk::scores)[key] == 6 || field(&Chunk::text) == key + "x" ||
                               field(&Chunk::tags).contains(key + "x") || field(&Chunk::text) < key,
                           value))
            << key;
        EXPECT_FALSE(holds(field(&Chunk::scores)[key].exists(), chunk())) << key;
    }
}

TEST(Filter, is_told_in_words) {
    const auto filter = where(field(&Chunk::language) == "en" &&
                              (field(&Chunk::tags).contains("faq") || !(field(&Chunk::scores)["depth"] > 3)));
    EXPECT_EQ(filter.to_string(), R"(lang == "en" and (tag_list contains "faq" or not (scores.depth > 3)))");
    EXPECT_EQ(FilterOf<Chunk>().to_string(), "everything");
    EXPECT_TRUE(filter.matches(chunk()));
}

TEST(Filter, refuses_operands_that_do_not_fit) {
    using detail::FilterOperation, detail::ValueKind;
    const auto message = [](FilterOperation operation, ValueKind kind, std::vector<Json> operands) {
        return test::error_of([&] { Filter::compare({{"a", {}}}, operation, kind, std::move(operands)); }).message;
    };
    EXPECT_THAT(message(FilterOperation::equal, ValueKind::uuid, {Json::string("x")}), HasSubstr("'a ==' is compared"));
    EXPECT_THAT(message(FilterOperation::less, ValueKind::time, {Json::string("x")}), HasSubstr("ISO 8601"));
    EXPECT_THAT(message(FilterOperation::prefix, ValueKind::json, {Json::parse("1")}), HasSubstr("no text"));
    EXPECT_THAT(message(FilterOperation::equal, ValueKind::json, {}), HasSubstr("does not take 0 values"));
    EXPECT_THAT(
        test::error_of([] { Filter::compare({{std::string("a\0", 2), {}}}, FilterOperation::exists, {}, {}); }).message,
        HasSubstr("NUL"));
}

}  // namespace
}  // namespace stele
