// What a hybrid search does, on a database and by the twin in memory.
#include "index/any_index.hpp"

namespace stele::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

static_assert(std::is_convertible_v<decltype(field(&Note::text)), TextMember>);
static_assert(
    std::is_convertible_v<Field<Note, std::optional<std::vector<std::string>>, detail::FilterPath>, TextMember>);
static_assert(std::is_convertible_v<Field<Json, Json, detail::FilterPath>, TextMember>);
static_assert(!std::is_constructible_v<TextMember, decltype(field(&Note::page))>, "a number has no words");

class AnyHybrid : public AnyIndex {
protected:
    static VectorIndexOptions by_text() { return {.text = {field(&Note::text)}}; }
    static Note note(std::string text, std::vector<float> vector, std::string language = "en") {
        return {std::move(text), std::move(language), 0, std::move(vector), {}};
    }
    /// By cosine to {1, 0} in this order; "pear" is in the second and the third.
    VectorIndex<Note> fruits() {
        auto notes = open(nullptr, by_text());
        notes.index({note("red apple", {1, 0}), note("green pear", {.9F, .1F}, "de"), note("Red PEAR", {0, 1}),
                     note("blue plum", {-1, 0})},
                    &Note::vector);
        return notes;
    }
    static std::vector<std::string> texts_of(const std::vector<HybridFound<Note>>& found) {
        std::vector<std::string> all;
        for (const auto& one : found) all.push_back(one.value.text);
        return all;
    }
    const std::vector<float> query{1, 0};
};

INSTANTIATE_TEST_SUITE_P(Index, AnyHybrid, ::testing::Values(On::database, On::memory), name_of);

TEST_P(AnyHybrid, fuses_the_places_of_both_halves_and_says_what_each_half_found) {
    auto notes = fruits();
    const auto found = notes.search_hybrid(query, {.words = "pear"});
    EXPECT_THAT(texts_of(found), ElementsAre("green pear", "Red PEAR", "red apple", "blue plum"));
    EXPECT_EQ(found.completeness(), Completeness::exhausted);
    EXPECT_DOUBLE_EQ(found[0].score, 1 / 62. + 1 / 61.);
    EXPECT_EQ(found[0].vector_place, 2);
    EXPECT_EQ(found[0].text_place, 1) << "of the same rank as the other, and indexed before it";
    EXPECT_NEAR(*found[0].cosine, .9 / std::sqrt(.82), 1e-6);
    EXPECT_NEAR(*found[0].text_score, 0.06079271, 1e-8);
    EXPECT_DOUBLE_EQ(found[1].score, 1 / 63. + 1 / 62.);
    EXPECT_DOUBLE_EQ(found[2].score, 1 / 61.);
    EXPECT_EQ(found[2].vector_place, 1);
    EXPECT_FALSE(found[2].text_place);
    EXPECT_FALSE(found[2].text_score);
    const auto first = notes.search(query, {.limit = 1}).at(0);
    EXPECT_EQ(found[2].id, first.id);
    EXPECT_EQ(found[2].created, first.created);
    EXPECT_EQ(found[0].value.language, "de");
}

TEST_P(AnyHybrid, a_small_k_and_the_weights_say_what_counts) {
    auto notes = fruits();
    const auto sharp = notes.search_hybrid(query, {.limit = 1, .words = "plum", .k = 0.5, .text_weight = 2});
    EXPECT_THAT(texts_of(sharp), ElementsAre("blue plum"));
    EXPECT_DOUBLE_EQ(sharp[0].score, 1 / 4.5 + 2 / 1.5);
    EXPECT_EQ(sharp.completeness(), Completeness::complete);
    const HybridOptions<Note> meaning{.limit = 2, .words = "plum", .vector_weight = 100};
    EXPECT_THAT(texts_of(notes.search_hybrid(query, meaning)), ElementsAre("red apple", "green pear"));
}

TEST_P(AnyHybrid, a_filter_applies_to_both_halves_and_a_threshold_to_the_one_by_meaning) {
    auto notes = fruits();
    const auto english = field(&Note::language) == "en";
    EXPECT_THAT(texts_of(notes.search_hybrid(query, {.where = english, .words = "pear"})),
                ElementsAre("Red PEAR", "red apple", "blue plum"));
    const auto near = notes.search_hybrid(query, {.where = english, .score_threshold = 0.5F, .words = "pear"});
    EXPECT_THAT(texts_of(near), ElementsAre("red apple", "Red PEAR")) << "both first in their half; by created";
    EXPECT_FALSE(near[1].cosine);
    EXPECT_EQ(near[1].text_place, 1);
    EXPECT_THAT(notes.search_hybrid(std::vector<float>{0, -1}, {.score_threshold = 0.9F, .words = "fig"}), IsEmpty());
}

TEST_P(AnyHybrid, each_half_lists_as_many_as_it_is_told_to) {
    auto notes = fruits();
    const auto found = notes.search_hybrid(query, {.limit = 2, .words = "red or pear", .candidates = 2});
    EXPECT_THAT(texts_of(found), ElementsAre("red apple", "Red PEAR"));
    EXPECT_EQ(found[0].text_place, 2);
    EXPECT_EQ(found[1].text_place, 1) << "it has both";
    EXPECT_FALSE(found[1].vector_place) << "it is third there";
    EXPECT_EQ(found.completeness(), Completeness::complete);
}

TEST_P(AnyHybrid, one_query_is_for_both_halves_unless_there_are_words_of_their_own) {
    auto notes = open(embedder, by_text(), std::make_shared<FakeImages>(embedder));
    embedder->similar("shut down", "switch it off", 0.9F);
    notes.index({Note{"error 17", "en", 1, {}, {}}, Note{"shut down", "en", 2, {}, {}}, Note{"other", "en", 3, {}, {}}},
                &Note::text);
    EXPECT_THAT(texts_of(notes.search_hybrid("error 17", {.limit = 1})), ElementsAre("error 17"));
    const auto found = notes.search_hybrid("switch it off", {.limit = 2, .words = "17 or unknown"});
    EXPECT_THAT(texts_of(found), ::testing::UnorderedElementsAre("shut down", "error 17"));
    EXPECT_THAT(texts_of(notes.search_hybrid(resource("error 17", "text/plain"), {.limit = 1})),
                ElementsAre("error 17"));
    const auto picture = resource("shut down", "image/png");
    EXPECT_THAT(error_of([&] { notes.search_hybrid(picture); }).message, HasSubstr("HybridOptions::words"));
    EXPECT_THAT(texts_of(notes.search_hybrid(picture, {.limit = 1, .words = "shut"})), ElementsAre("shut down"));
}

TEST_P(AnyHybrid, without_a_word_to_look_for_the_half_by_meaning_answers_alone) {
    auto notes = fruits();
    for (const char* nothing : {"", "  ", "\"\"", "- !", "...", "unknown"}) {
        const auto found = notes.search_hybrid(query, {.words = nothing});
        EXPECT_THAT(texts_of(found), ElementsAre("red apple", "green pear", "Red PEAR", "blue plum")) << nothing;
        EXPECT_FALSE(found[0].text_place) << nothing;
    }
}

TEST_P(AnyHybrid, reads_what_people_type_into_search_boxes) {
    auto notes = fruits();
    const auto words = [&](const char* text) {
        return texts_of(notes.search_hybrid(std::vector<float>{0, -1}, {.score_threshold = 1.F, .words = text}));
    };
    EXPECT_THAT(words("pear red"), ElementsAre("Red PEAR"));
    EXPECT_THAT(words("\"red pear\" or \"apple red\""), ElementsAre("Red PEAR"));
    EXPECT_THAT(words("red -pear"), ElementsAre("red apple"));
    EXPECT_THAT(words("-red"), ElementsAre("green pear", "blue plum"));
    EXPECT_THAT(words("plum OR apple"), ElementsAre("red apple", "blue plum"));
}

TEST_P(AnyHybrid, takes_a_query_of_any_text) {
    auto notes = fruits();
    const auto words = [&](const std::string& text) {
        return texts_of(notes.search_hybrid(std::vector<float>{0, -1}, {.score_threshold = 1.F, .words = text}));
    };
    const std::string rule(101, '-');
    EXPECT_THAT(words("plum\n" + rule + "red"), ElementsAre("blue plum"));
    EXPECT_THAT(words("plum\n" + rule + "\n" + rule + "red"), IsEmpty()) << "as often negated as not to be";
    std::string many = "pear", none = "-unknown";
    for (int i = 0; i < 50; ++i) none = "-(-)! " + none;
    for (int i = 0; i < 1500; ++i) many += " or w" + std::to_string(i);
    EXPECT_THAT(words(many), ElementsAre("green pear", "Red PEAR"));
    EXPECT_THAT(words(none), SizeIs(4));
    EXPECT_THAT(words(std::string(5000, 'x') + " or plum"), ElementsAre("blue plum")) << "a word too long for an index";
    EXPECT_EQ(error_of([&] { words(std::string(20'000, 'x')); }).code, ErrorCode::limit_exceeded);
}

TEST_P(AnyHybrid, the_texts_inside_of_a_member_count_and_other_values_have_no_words) {
    using Index = VectorIndex<Json>;
    const VectorIndexOptions options{.table = "json", .text = {json_field("title"), json_field("by.names")}};
    if (!database) database = server.open();
    Index index =
        GetParam() == On::memory ? Index::in_memory(memory, nullptr, options) : Index(*database, nullptr, options);
    const auto vector = [](const Json&) { return std::vector<float>{1, 0}; };
    index.index({Json::parse(R"({"n":1,"title":"big cat"})"), Json::parse(R"({"n":2,"title":17,"by":"cat"})"),
                 Json::parse(R"({"n":3,"title":null,"by":{"names":["big",4,"cat dog",true]}})"),
                 Json::parse(R"({"n":4,"title":{"cat":"dog"},"by":{"names":{"x":{"y":["cat"]}}}})"),
                 Json::parse(R"(["cat"])"), Json::parse(R"("cat")")},
                vector);
    const auto numbers = [&](const char* words) {
        std::string all;
        const HybridOptions<Json> one{.score_threshold = 1.F, .words = words};
        for (const auto& found : index.search_hybrid(std::vector<float>{0, 1}, one)) all += found.value.text()[5];
        return all;
    };
    EXPECT_EQ(numbers("cat"), "134");
    EXPECT_EQ(numbers("17"), "");
    EXPECT_EQ(numbers("true"), "");
    EXPECT_EQ(numbers("\"big cat\""), "1") << "no phrase reaches into the next text";
    EXPECT_EQ(numbers("\"cat dog\""), "3");
    EXPECT_EQ(numbers("dog cat"), "34");
}

TEST_P(AnyHybrid, what_is_changed_and_removed_is_found_as_it_is_now) {
    auto notes = open(nullptr, by_text());
    EXPECT_THAT(notes.search_hybrid(query, {.words = "cat"}), IsEmpty()) << "nothing was indexed yet";
    EXPECT_EQ(notes.search_hybrid(query, {.words = "cat"}).completeness(), Completeness::exhausted);
    const Indexed indexed = notes.index({note("cat", {1, 0}), note("dog", {1, 0})}, &Note::vector);
    const auto place = [&](const char* words) { return notes.search_hybrid(query, {.words = words})[0].text_place; };
    EXPECT_EQ(place("cat"), 1);
    notes.update(indexed.ids[0], note("fish", {1, 0}), &Note::vector);
    EXPECT_FALSE(place("cat"));
    EXPECT_EQ(place("fish"), 1);
    notes.remove(indexed.ids);
    EXPECT_THAT(notes.search_hybrid(query, {.words = "fish"}), IsEmpty());
}

TEST_P(AnyHybrid, explains_how_it_was_done) {
    auto notes = fruits();
    const SearchPlan plan =
        notes.explain_hybrid(query, {.limit = 3, .where = field(&Note::language) == "en", .words = "pear"});
    EXPECT_TRUE(plan.exact);
    EXPECT_EQ(plan.found, 3U);
    EXPECT_EQ(plan.completeness, Completeness::complete);
    EXPECT_EQ(notes.explain_hybrid(query, {.limit = 9, .words = "pear"}).completeness, Completeness::exhausted);
    EXPECT_EQ(notes.explain_hybrid(query, {.score_threshold = 1.F, .words = "fig"}).found, 1U);
}

TEST_P(AnyHybrid, refuses_what_is_out_of_bounds) {
    auto notes = open(embedder, by_text());
    const auto message = [&](const HybridOptions<Note>& options, const IndexInput& asked = "a") {
        const ErrorInfo error = error_of([&] { notes.search_hybrid(asked, options); });
        EXPECT_EQ(error.code, ErrorCode::invalid_argument);
        return error.message;
    };
    EXPECT_THAT(message({.limit = 0}), HasSubstr("limit is 0"));
    EXPECT_THAT(message({.limit = -3}), HasSubstr("limit is -3"));
    EXPECT_THAT(message({.score_threshold = 2.F}), HasSubstr("threshold 2"));
    EXPECT_THAT(message({.candidates = 7}), AllOf(HasSubstr("candidates is 7"), HasSubstr("8")));
    EXPECT_THAT(message({.candidates = 100'001}), HasSubstr("candidates is 100001"));
    EXPECT_THAT(message({.k = 0}), HasSubstr("k is 0"));
    EXPECT_THAT(message({.k = -1}), HasSubstr("k is -1"));
    EXPECT_THAT(message({.k = std::nan("")}), HasSubstr("k is nan"));
    EXPECT_THAT(message({.vector_weight = 0}), HasSubstr("vector_weight is 0"));
    EXPECT_THAT(message({.text_weight = HUGE_VAL}), HasSubstr("text_weight is inf"));
    EXPECT_THAT(message({.words = std::string("a\0b", 3)}), HasSubstr("NUL"));
    EXPECT_THAT(message({}, ""), HasSubstr("the query is blank"));
    EXPECT_THAT(message({}, " \t\n"), HasSubstr("the query is blank"));
    EXPECT_EQ(embedder->calls(), 0U) << "refused before it is paid for";
}

TEST_P(AnyHybrid, needs_members_to_look_for_words_in) {
    const ErrorInfo error = error_of([&] { open().search_hybrid("a"); });
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    EXPECT_THAT(error.message, AllOf(HasSubstr("\"note\""), HasSubstr("VectorIndexOptions::text")));
    EXPECT_THAT(error_of([&] { open({.text = {TextMember({{"a", 1}})}}); }).message, HasSubstr("by its number"));
    EXPECT_THAT(error_of([&] { open({.text = {TextMember(detail::FilterPath())}}); }).message, HasSubstr("no name"));
    for (const char* name : {"", "simple'::regconfig", "a.b.c", "a b", ".a", "a.", "\"x\"", "a;b"}) {
        EXPECT_THAT(error_of([&] { open({.text = {field(&Note::text)}, .text_configuration = name}); }).message,
                    HasSubstr("no name of a text search configuration"))
            << name;
    }
    EXPECT_THAT(open({.text_configuration = "pg_catalog.simple"}).newest(), SizeIs(0));
}

}  // namespace
}  // namespace stele::test
