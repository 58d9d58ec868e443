// Random filters over random documents: what is said in memory and what PostgreSQL says must be the same. Half of the
// documents do not fit the model, as other writers' rows may.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <set>

#include "index/documents.hpp"
#include "index/filter_sql.hpp"
#include "stele/filter.hpp"
#include "support/dice.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using detail::FilterOperation;
using detail::FilterPath;
using detail::ValueKind;

// What would end a literal, a name, a comment or a number of a parameter, or be taken for a pattern or a format.
constexpr std::string_view kHostile[] = {"'",
                                         "''",
                                         "\\'",
                                         "E'\\x27'",
                                         "\"\"",
                                         "\\",
                                         "\\\\",
                                         "$$",
                                         "$a$",
                                         "$1",
                                         "$2",
                                         "%",
                                         "%s",
                                         "%1$s",
                                         "_",
                                         "--",
                                         "/*",
                                         "*/",
                                         ";",
                                         "')) OR true--",
                                         "{}",
                                         "{0}",
                                         "#>>",
                                         "U&'\\0041'",
                                         "::jsonb",
                                         "\n",
                                         "\t\r",
                                         "\x01",
                                         "\x7F",
                                         "`",
                                         "NULL",
                                         "$[*]",
                                         "$.a ? (@)",
                                         "\xE2\x80\xA8",
                                         "\xEF\xBB\xBF",
                                         "\xEF\xBC\x87"};

class FilterDice : public test::Dice {
public:
    using Dice::Dice;

    std::string key() {
        if (below(4) == 0) return hostile();
        return one_of({"a", "b", "0", "1", "", "a.b", "it's", "\"", "{a}", "lang", "\xC3\x9F", "\\", "');--"});
    }
    std::string hostile() { return std::string(kHostile[below(std::size(kHostile))]); }
    std::string text() {
        if (below(4) == 0) return hostile();
        return one_of({"",
                       "a",
                       "A",
                       "b",
                       "ab",
                       "a b",
                       "Ab-b",
                       "ss",
                       "\xC3\x9F",
                       "\xE1\xBA\x9E",
                       "\xC3\xA4",
                       "a\xCC\x88",
                       "\xC4\xB0i",
                       "\xCE\xA3\xCF\x83\xCF\x82",
                       "\xEF\xAC\x81 fi",
                       "\xF0\x9F\x98\x80",
                       "'",
                       "%",
                       "_",
                       "a_1",
                       "\xE2\x91\xA0",
                       "\xE2\x93\x90",
                       "1",
                       "true",
                       "null",
                       "\xE1\xBE\xB3",
                       "\xF0\x90\x90\x80"});
    }
    std::string number() {
        return one_of({"0", "-0", "1", "1.0", "10e-1", "-1", "0.1", "1e2", "100", "1e-300", "12345678901234567890",
                       "12345678901234567891", "-12345678901234567890.5", "3", "2.9999999999999999999"});
    }
    std::string uuid() {
        return one_of({"00000000-0000-0000-0000-000000000000", "0190a6f0-1111-7222-8333-abcdefabcdef",
                       "0190A6F0111172228333ABCDEFABCDEF", "0190a6f01111-7222-8333-abcdefabcdef"});
    }
    std::string time() {
        return one_of({"2025-02-28T10:00:00Z", "2025-02-28 11:00:00+01:00", "2025-02-28t10:00:00.0000009Z",
                       "2025-02-28T10:00:00.000001+00", "2025-02-29T10:00:00Z", "2024-02-29T10:00:00-0030",
                       "2025-02-28T23:59:59.5+23:59", "9999-12-31T23:59:59.999999-23:59", "0001-01-01T00:00:00+23:00",
                       "2025-02-28T10:00:00", "2025-04-31T00:00:00Z", "2025-02-28T10:00:00+1:00"});
    }
    std::string scalar() {
        switch (below(6)) {
            case 0: return "null";
            case 1: return below(2) == 0 ? "true" : "false";
            case 2: return number();
            case 3: return quoted(uuid());
            case 4: return quoted(time());
            default: return quoted(text());
        }
    }
    std::string value(std::size_t depth) {
        const std::size_t which = below(depth == 0 ? 3 : 6);
        if (which < 3) return scalar();
        std::string out(1, which == 3 ? '{' : '[');
        for (std::size_t i = below(4); i > 0; --i) {
            if (out.size() > 1) out += ',';
            if (which == 3) out += quoted(key()) + ":";
            out += value(depth - 1);
        }
        return out + (which == 3 ? '}' : ']');
    }
    std::string document() {
        std::string out = "{";
        for (std::size_t i = below(6); i > 0; --i) out += quoted(key()) + ":" + value(3) + ",";
        return out + quoted(key()) + ":" + value(2) + "}";
    }

    FilterPath path() {
        FilterPath path = {{key(), {}}};
        while (below(2) == 0) {
            if (below(2) == 0) {
                path.push_back({key(), {}});
            } else {
                path.push_back({{}, below(3)});
            }
        }
        return path;
    }
    Filter comparison() {
        const auto operation = static_cast<FilterOperation>(below(12));
        const bool text_only = operation == FilterOperation::text_match || operation == FilterOperation::prefix;
        std::size_t count = 1;
        if (operation == FilterOperation::in || operation == FilterOperation::contains_any) count = below(4);
        if (operation == FilterOperation::is_null || operation == FilterOperation::exists) count = 0;
        auto kind = text_only ? ValueKind::json : static_cast<ValueKind>(below(4) == 0 ? 1 + below(2) : 0);
        for (;;) {
            std::vector<Json> operands;
            for (std::size_t i = 0; i < count; ++i) {
                std::string operand = text_only ? quoted(text()) : value(1);
                if (kind == ValueKind::uuid) operand = below(5) == 0 ? "null" : quoted(uuid());
                if (kind == ValueKind::time) operand = below(5) == 0 ? "null" : quoted(time());
                operands.push_back(Json::parse(operand));
            }
            try {
                return Filter::compare(path(), operation, kind, operands);
            } catch (const Error&) {  // an identifier or a time that is none: another
            }
        }
    }
    Filter filter(std::size_t depth) {
        switch (below(depth == 0 ? 2 : 6)) {
            case 2: return filter(depth - 1) && filter(depth - 1);
            case 3: return filter(depth - 1) || filter(depth - 1);
            case 4: return !filter(depth - 1);
            case 5: return below(4) == 0 ? Filter() : filter(depth - 1);
            default: return comparison();
        }
    }

private:
    static std::string quoted(const std::string& text) { return Json::string(text).text(); }
};

/// Documents in a statement, and what a filter says of them in memory and in the server.
class Documents {
public:
    explicit Documents(std::vector<Json> documents) : documents_(std::move(documents)) {
        for (const Json& document : documents_) texts_.push_back(document.text());
    }
    /// Of how many the filter holds. Fails unless both say the same of each, with keys bound and with keys written out.
    std::size_t held(const Filter& filter) {
        Parameters parameters;
        parameters.add(texts_);
        const auto of_keys = [](const FilterPath& path) {
            return std::none_of(path.begin(), path.end(), [](const auto& step) { return step.item.has_value(); });
        };
        const std::string bound = filter_sql(filter.node(), "d.payload", parameters);
        const std::string written = filter_sql(filter.node(), "d.payload", parameters, of_keys);
        Statement statement("SELECT coalesce(" + bound + ", false), coalesce(" + written +
                            ", false) FROM (SELECT t::jsonb AS payload, n FROM unnest($1::text[]) WITH ORDINALITY u(t, "
                            "n)) d ORDER BY n");
        statement.parameters() = parameters;
        const Rows rows = database_.query(statement);
        EXPECT_EQ(rows.size(), documents_.size());
        std::size_t held = 0;
        for (std::size_t row = 0; row < rows.size(); ++row) {
            const bool in_memory = filter.matches(documents_[row]);
            held += in_memory ? 1 : 0;
            for (const unsigned way : {0U, 1U}) {
                EXPECT_EQ(rows[row].get<bool>(way), in_memory) << filter.to_string() << "\nof " << texts_[row];
            }
        }
        return held;
    }

private:
    const test::Server server_;
    Database database_ = server_.bare();
    std::vector<Json> documents_;
    std::vector<std::string> texts_;
};

Filter comparison(FilterPath path, FilterOperation operation, std::vector<Json> operands) {
    return Filter::compare(std::move(path), operation, ValueKind::json, std::move(operands));
}

TEST(RandomFilters, say_in_memory_and_as_sql_the_same) {
    const unsigned seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    FilterDice dice(seed);
    std::vector<Json> made;
    for (int i = 0; i < 150; ++i) made.push_back(Json::parse(dice.document()));
    Documents documents(std::move(made));
    std::size_t held = 0;
    for (int i = 0; i < 400 && !testing::Test::HasFailure(); ++i) held += documents.held(dice.filter(3));
    EXPECT_GT(held, 1000U) << "filters that hold of nothing prove nothing";
}

TEST(HostileFilters, are_data_as_keys_and_as_values_and_leave_the_statement_as_it_is) {
    std::vector<Json> made;
    for (const std::string_view text : kHostile) {
        const std::string quoted = Json::string(text).text();
        made.push_back(Json::parse("{\"v\": " + quoted + ", " + quoted + ": [" + quoted + ", 1]}"));
    }
    Documents documents(std::move(made));
    std::set<std::string> statements;
    for (const std::string_view text : kHostile) {
        const std::string key(text);
        const Json value = Json::string(text);
        const Filter filters[] = {
            comparison({{"v", {}}}, FilterOperation::equal, {value}),
            comparison({{"v", {}}}, FilterOperation::prefix, {value}),
            comparison({{"v", {}}}, FilterOperation::contains, {value}),
            comparison({{"v", {}}}, FilterOperation::in, {value, Json()}),
            comparison({{key, {}}}, FilterOperation::exists, {}),
            comparison({{key, {}}, {{}, 0}}, FilterOperation::equal, {value}),
            comparison({{key, {}}}, FilterOperation::contains_any, {value, Json::parse("2")}),
        };
        Filter all;
        for (const Filter& filter : filters) {
            EXPECT_GE(documents.held(filter), 1U) << text;
            all = all && filter;
        }
        EXPECT_EQ(documents.held(all), 1U) << text;
        documents.held(comparison({{"v", {}}}, FilterOperation::text_match, {value}));
        documents.held(comparison({{"v", {}}}, FilterOperation::greater, {value}));
        Parameters parameters;
        statements.insert(filter_sql(all.node(), "payload", parameters));
    }
    EXPECT_EQ(statements.size(), 1U) << "one text, whatever is in the keys and values";
}

TEST(HostileFilters, that_cannot_be_stored_or_are_too_deep_or_too_long_are_refused_before_the_server) {
    const std::string nul("a\0b", 3);
    EXPECT_THAT(test::error_of([&] { comparison({{nul, {}}}, FilterOperation::exists, {}); }).message,
                testing::HasSubstr("NUL"));
    EXPECT_EQ(test::error_of([&] { comparison({{"\xFF", {}}}, FilterOperation::exists, {}); }).code,
              ErrorCode::invalid_argument);
    EXPECT_EQ(test::error_of([&] { Json::string(nul); }).code, ErrorCode::invalid_argument);

    std::string nested = "1";
    FilterPath path;
    for (int i = 0; i < 500; ++i) {
        nested = i % 2 == 0 ? "[" + nested + "]" : "{\"a\":" + nested + "}";
        path.insert(path.begin(), i % 2 == 0 ? detail::FilterStep{{}, 0} : detail::FilterStep{"a", {}});
    }
    Documents documents({Json::parse(nested), Json::parse("{\"a\": 1}")});
    const Filter deepest = comparison(path, FilterOperation::equal, {Json::parse("1")});
    EXPECT_EQ(documents.held(deepest), 1U);
    Filter filter = deepest;
    for (int i = 0; i < 126; ++i) filter = !(filter && comparison({{"b", {}}}, FilterOperation::is_null, {}));
    EXPECT_EQ(documents.held(filter), 1U);
    const ErrorInfo too_deep = test::error_of([&] {
        for (int i = 0; i < 1000; ++i) filter = !(filter && comparison({{"b", {}}}, FilterOperation::is_null, {}));
    });
    EXPECT_THAT(too_deep.message, testing::HasSubstr("256 deep"));
    path.resize(600, {"a", {}});
    EXPECT_THAT(test::error_of([&] { comparison(path, FilterOperation::exists, {}); }).message,
                testing::HasSubstr("600 steps"));

    const std::vector<Json> many(70'000, Json::parse("1"));
    EXPECT_EQ(documents.held(comparison({{"a", {}}}, FilterOperation::in, many)), 1U);
    path.resize(500);
    for (const int conditions : {125, 140}) {
        Filter too_many;
        for (int i = 0; i < conditions; ++i) too_many = too_many && comparison(path, FilterOperation::exists, {});
        Parameters parameters;
        EXPECT_EQ(test::error_of([&] { filter_sql(too_many.node(), "payload", parameters); }).code,
                  ErrorCode::limit_exceeded)
            << conditions << " are too many for a filter and a statement";
    }
}

}  // namespace
}  // namespace stele
