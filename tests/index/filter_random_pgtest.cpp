// Random filters over random documents: what is said in memory and what PostgreSQL says must be the same. Half of the
// documents do not fit the model, as other writers' rows may.
#include <gtest/gtest.h>

#include <random>

#include "index/documents.hpp"
#include "index/filter_sql.hpp"
#include "stele/filter.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using detail::FilterOperation;
using detail::FilterPath;
using detail::ValueKind;

class Dice {
public:
    explicit Dice(unsigned seed) : random_(seed) {}
    std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_); }
    template <std::size_t N>
    std::string one_of(const char* const (&texts)[N]) {
        return texts[below(N)];
    }

    std::string key() {
        return one_of({"a", "b", "0", "1", "", "a.b", "it's", "\"", "{a}", "lang", "\xC3\x9F", "\\", "');--"});
    }
    std::string text() {
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
    std::mt19937 random_;
};

TEST(RandomFilters, say_in_memory_and_as_sql_the_same) {
    const test::Server server;
    const Database database = server.bare();
    const unsigned seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    Dice dice(seed);
    std::vector<Json> documents;
    std::vector<std::string> texts;
    for (int i = 0; i < 150; ++i) {
        documents.push_back(Json::parse(dice.document()));
        texts.push_back(documents.back().text());
    }
    std::size_t held = 0;
    for (int i = 0; i < 400; ++i) {
        const Filter filter = dice.filter(3);
        Parameters parameters;
        parameters.add(texts);
        const std::string condition = filter_sql(filter.node(), "d.payload", parameters);
        Statement statement("SELECT coalesce(" + condition +
                            ", false) FROM (SELECT t::jsonb AS payload, n FROM unnest($1::text[]) WITH ORDINALITY u(t, "
                            "n)) d ORDER BY n");
        statement.parameters() = parameters;
        Database handle = database;
        const Rows rows = handle.query(statement);
        ASSERT_EQ(rows.size(), documents.size());
        for (std::size_t row = 0; row < rows.size(); ++row) {
            const bool in_memory = filter.matches(documents[row]);
            held += in_memory ? 1 : 0;
            ASSERT_EQ(rows[row].get<bool>(0), in_memory) << filter.to_string() << "\nof " << texts[row];
        }
    }
    EXPECT_GT(held, 1000U) << "filters that hold of nothing prove nothing";
}

}  // namespace
}  // namespace stele
