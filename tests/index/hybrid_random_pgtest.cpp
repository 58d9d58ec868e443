// Random documents and random queries: what the twin in memory finds by words and by meaning, PostgreSQL must find, in
// the same order and with the same scores.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "stele/vector_index.hpp"
#include "support/dice.hpp"
#include "support/server.hpp"

namespace stele::test {
namespace {

using Index = VectorIndex<Json>;

class HybridDice : public test::Dice {
public:
    using Dice::Dice;

    std::string word() {
        return one_of({"cat", "dog", "Dog", "fish", "x1", "7", "or", "not", "the", "gr\xC3\xBC\xC3\x9F", "\xE7\x8C\xAB",
                       "\xD0\xBA\xD0\xBE\xD1\x82", "fishes"});
    }
    std::string text() {
        std::string text;
        for (std::size_t i = below(9); i > 0; --i) text += word() + one_of({" ", ", ", "! ", "\n", " (", "; ", "  "});
        return text;
    }
    Json value(std::size_t depth = 0) {
        switch (below(depth < 2 ? 8 : 5)) {
            case 0: return Json::parse(one_of({"null", "true", "7", "1.5", "[]", "{}"}));
            case 5:
            case 6: return Json::parse("[" + value(depth + 1).text() + "," + value(depth + 1).text() + "]");
            case 7:
                return Json::parse(R"({"cat":)" + value(depth + 1).text() + R"(,"b":)" + value(depth + 1).text() +
                                   R"(,"a":)" + value(depth + 1).text() + "}");
            default: return Json::string(text());
        }
    }
    Json document(std::size_t number) {
        std::string text = R"({"number":)" + std::to_string(number) + R"(,"even":)" + std::to_string(number % 2);
        if (below(8) > 0) text += R"(,"title":)" + value().text();
        if (below(8) > 0) text += R"(,"body":{"of it":)" + value().text() + "}";
        return Json::parse(text + "}");
    }
    std::string query() {
        std::string query;
        for (std::size_t i = below(5) + 1; i > 0; --i) {
            switch (below(9)) {
                case 0: query += "\"" + text() + "\" "; break;
                case 1: query += "-" + (in_quotes(query) ? "dog" : word()) + " "; break;
                case 2: query += "-\"" + word() + " " + word() + "\" "; break;
                case 3: query += one_of({"or ", "OR ", "- ", "\"", "! ", "|", "() ", "& ", ": ", " or or "}); break;
                case 4: query += word() + " or " + word() + " "; break;
                case 5: query += word() + one_of({"|", "&", ",", ":", "\"", "!"}) + word() + " "; break;
                default: query += word() + " "; break;
            }
        }
        return query;
    }

private:
    /// Where -7 is a number with a sign, which the twin does not know.
    static bool in_quotes(const std::string& query) { return std::count(query.begin(), query.end(), '"') % 2 != 0; }
};

/// One of some directions, of which no two are equally far from the query's.
std::vector<float> direction(double number) {
    return {static_cast<float>(std::cos(number / 10)), static_cast<float>(std::sin(number / 10))};
}

std::string line_of(const HybridFound<Json>& found) {
    const auto place = [](std::optional<std::int64_t> of) { return of ? std::to_string(*of) : std::string("-"); };
    const std::string& text = found.value.text();
    constexpr std::string_view kNumber = "\"number\":";
    return std::to_string(std::stoi(text.substr(text.find(kNumber) + kNumber.size()))) + " by meaning " +
           place(found.vector_place) + " by words " + place(found.text_place);
}

TEST(RandomHybrid, the_twin_finds_what_postgresql_finds) {
    Server server;
    Database database = server.open();
    const auto seed = std::random_device{}();
    SCOPED_TRACE(seed);
    HybridDice dice(seed);
    const VectorIndexOptions options{.table = "documents",
                                     .text = {json_field("title"), json_field("body[\"of it\"]")}};
    Index stored(database, nullptr, options);
    Index twin = Index::in_memory(MemoryDatabase(), nullptr, options);
    std::vector<Json> documents;
    std::vector<double> directions;
    for (std::size_t i = 0; i < 150; ++i) {
        documents.push_back(dice.document(i));
        directions.push_back(static_cast<double>(dice.below(30)));
    }
    for (Index* index : {&stored, &twin}) {
        std::size_t next = 0;
        index->index(documents, [&](const Json&) { return direction(directions[next++]); });
    }
    std::size_t by_words = 0;
    for (int time = 0; time < 200; ++time) {
        const std::string words = dice.query();
        SCOPED_TRACE(words);
        const auto limit = static_cast<std::int64_t>(dice.below(40) + 1);
        HybridOptions<Json> asked{.limit = limit, .words = words, .k = dice.below(2) == 0 ? 60 : 2.5};
        asked.candidates = limit + static_cast<std::int64_t>(dice.below(60));
        asked.text_weight = dice.below(2) == 0 ? 1 : 1.7;
        if (dice.below(3) == 0) asked.score_threshold = 0.3F;
        if (dice.below(3) == 0) asked.where = json_field("even") == 1;
        const std::vector<float> query = direction(-0.5);
        const auto expected = stored.search_hybrid(query, asked);
        const auto found = twin.search_hybrid(query, asked);
        ASSERT_EQ(found.completeness(), expected.completeness());
        ASSERT_EQ(found.size(), expected.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            ASSERT_EQ(found[i].text_score, expected[i].text_score) << i << found[i].value.text();
            ASSERT_EQ(line_of(found[i]), line_of(expected[i])) << i;
            ASSERT_EQ(found[i].score, expected[i].score) << i;
            ASSERT_EQ(found[i].cosine.has_value(), expected[i].cosine.has_value()) << i;
            ASSERT_NEAR(found[i].cosine.value_or(2), expected[i].cosine.value_or(2), 1e-6) << i;
            by_words += found[i].text_place ? 1U : 0U;
        }
    }
    EXPECT_GT(by_words, 500U) << "the dice show what is there";
}

}  // namespace
}  // namespace stele::test
