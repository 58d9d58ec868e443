// What a VectorIndex does, on a database and as its twin in memory. The names of tests give the lines of the list of
// draive's behaviour that they prove; each of them proves line 96, too.
#include <cmath>
#include <limits>

#include "index/any_index.hpp"

namespace stele::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

INSTANTIATE_TEST_SUITE_P(Index, AnyIndex, ::testing::Values(On::database, On::memory), name_of);

TEST_P(AnyIndex, is_empty_before_anything_was_indexed) {
    auto notes = open();
    EXPECT_THAT(notes.search("x"), IsEmpty());
    EXPECT_THAT(notes.newest(), IsEmpty());
    EXPECT_EQ(notes.count(), 0U);
    EXPECT_EQ(notes.remove(field(&Note::page) == 1), 0U);
    EXPECT_EQ(notes.wipe(), 0U);
}

TEST_P(AnyIndex, draive_096_finds_by_meaning_with_scores_and_filters) {
    auto notes = open();
    embedder->similar("b", "a", 0.9F);
    embedder->similar("c", "a", 0.5F);
    const Indexed indexed =
        notes.index({Note{"a", "en", 1, {}, {}}, Note{"b", "de", 2, {}, {}}, Note{"c", "en", 3, {}, {}}}, &Note::text);
    EXPECT_EQ(indexed.ids.size(), 3U);
    EXPECT_EQ(indexed.embedded, 3U);
    const auto found = notes.search("a");
    EXPECT_THAT(texts(found), ElementsAre("a", "b", "c"));
    EXPECT_EQ(found[0].id, indexed.ids[0]);
    EXPECT_NEAR(*found[0].score, 1, 1e-6);
    EXPECT_NEAR(*found[1].score, 0.9, 1e-6);
    EXPECT_NEAR(*found[2].score, 0.5, 1e-6);
    EXPECT_EQ(found[1].value.language, "de");
    EXPECT_THAT(texts(notes.search("a", {.where = field(&Note::language) == "en"})), ElementsAre("a", "c"));
    EXPECT_THAT(texts(notes.search("a", {.limit = 1, .where = field(&Note::page) > 1})), ElementsAre("b"));
    EXPECT_THAT(texts(notes.search("a", {.score_threshold = 0.7F})), ElementsAre("a", "b"));
    EXPECT_EQ(notes.count(), 3U);
    EXPECT_EQ(notes.count(field(&Note::page) < 3), 2U);
}

TEST_P(AnyIndex, draive_079_values_of_a_call_are_stamped_in_their_order) {
    auto notes = open();
    std::vector<Note> many;
    for (int i = 0; i < 20; ++i) many.push_back({"t" + std::to_string(i), "en", i, {}, {}});
    const Indexed indexed = notes.index(many, &Note::text);
    const auto newest = notes.newest({.limit = 20});
    ASSERT_EQ(newest.size(), 20U);
    for (std::size_t i = 0; i < 20; ++i) {
        EXPECT_EQ(newest[i].value.page, 19 - static_cast<int>(i));
        EXPECT_EQ(newest[i].id, indexed.ids[19 - i]);
        EXPECT_EQ(newest[i].created, newest[19].created + std::chrono::microseconds(19 - i));
        EXPECT_FALSE(newest[i].score);
    }
}

TEST_P(AnyIndex, draive_080_097_embeds_all_texts_of_a_call_at_once_and_nothing_for_none) {
    auto notes = open();
    EXPECT_THAT(notes.index(std::vector<Note>(), &Note::text).ids, IsEmpty());
    EXPECT_EQ(embedder->calls(), 0U);
    notes.index({Note{"a", "en", 1, {}, {}}, Note{"b", "en", 2, {}, {}}}, &Note::text);
    EXPECT_EQ(embedder->calls(), 1U);
    EXPECT_THAT(embedder->texts(), ElementsAre("a", "b"));
    const auto image_embedder = std::make_shared<FakeImages>(embedder);
    auto pictures = open(embedder, {.table = "pictures"}, image_embedder);
    const Note picture{"", "en", 1, {}, resource("b", "image/png")};
    pictures.index({picture, picture}, &Note::image);
    EXPECT_EQ(image_embedder->calls, 1);
    const auto mixed = [&](const Note& note) {
        return note.page == 1 ? IndexInput(note.text) : IndexInput(note.image);
    };
    EXPECT_THAT(error_of([&] {
                    pictures.index({Note{"a", "en", 1, {}, {}}, Note{"", "", 2, {}, picture.image}}, mixed);
                }).message,
                HasSubstr("value 1 is an image and value 0 a text"));
    EXPECT_THAT(
        error_of([&] { pictures.index({Note{"", "", 2, {}, resource("b", "text/plain")}}, &Note::image); }).message,
        HasSubstr("media type \"text/plain\""));
    EXPECT_EQ(pictures.count(), 2U);
}

class Miscounting final : public Embedder {
public:
    std::size_t dimension() const override { return 3; }
    const std::string& fingerprint() const override { return fingerprint_; }
    std::vector<Embedding> embed(std::span<const std::string_view> texts, Deadline) override {
        return std::vector<Embedding>(texts.size() + 1, Embedding{{1, 0, 0}, false});
    }

private:
    std::string fingerprint_ = "miscounts";
};

TEST_P(AnyIndex, draive_097_an_embedder_that_miscounts_or_is_missing_is_an_error_and_nothing_is_written) {
    auto notes = open(std::make_shared<Miscounting>());
    const ErrorInfo error = error_of([&] { notes.index({Note{"a", "en", 1, {}, {}}}, &Note::text); });
    EXPECT_EQ(error.code, ErrorCode::embedder_failed);
    EXPECT_THAT(error.message, HasSubstr("2 vectors for 1 values"));
    EXPECT_EQ(notes.count(), 0U);
    EXPECT_EQ(error_of([&] { open(nullptr, {.table = "none"}).index({Note{"a", "en", 1, {}, {}}}, &Note::text); }).code,
              ErrorCode::embedder_failed);
    EXPECT_EQ(error_of([&] { open().search(resource("x", "image/png")); }).code, ErrorCode::embedder_failed);
}

TEST_P(AnyIndex, draive_081_another_dimension_or_embedder_is_refused_before_anything_is_written) {
    auto notes = open();
    notes.index({Note{"a", "en", 1, {}, {}}}, &Note::text);
    auto ready = open(nullptr);
    EXPECT_EQ(error_of([&] { ready.index(with_vectors({{1, 0}, {0, 1}}), &Note::vector); }).code,
              ErrorCode::dimension_mismatch);
    EXPECT_EQ(error_of([&] { ready.search(std::vector<float>{1, 0}); }).code, ErrorCode::dimension_mismatch);
    auto other = std::make_shared<testing::FakeEmbedder>(testing::FakeEmbedderOptions{.fingerprint = "other:v1"});
    auto others = open(other);
    const ErrorInfo error = error_of([&] { others.index({Note{"b", "en", 1, {}, {}}}, &Note::text); });
    EXPECT_EQ(error.code, ErrorCode::fingerprint_mismatch);
    EXPECT_THAT(error.message, AllOf(HasSubstr("fake:v1"), HasSubstr("other:v1")));
    EXPECT_EQ(other->calls(), 0U) << "refused before it is paid for";
    EXPECT_EQ(error_of([&] { others.search("a"); }).code, ErrorCode::fingerprint_mismatch);
    EXPECT_EQ(notes.count(), 1U);
    EXPECT_EQ(error_of([&] { open(embedder, {}, std::make_shared<FakeImages>(other)); }).code,
              ErrorCode::fingerprint_mismatch);
}

TEST_P(AnyIndex, refuses_vectors_and_texts_that_cannot_be_stored) {
    auto ready = open(nullptr);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (const auto& bad : std::vector<std::vector<float>>{{nan, 1}, {0, 0}, {}, {HUGE_VALF, 1}}) {
        EXPECT_THAT(error_of([&] { ready.index(with_vectors({{1, 0}, bad}), &Note::vector); }).message,
                    HasSubstr("vector of value 1"));
    }
    EXPECT_EQ(error_of([&] { ready.index(with_vectors({{1, 0}, {1, 0, 0}}), &Note::vector); }).code,
              ErrorCode::dimension_mismatch);
    EXPECT_THAT(error_of([&] { open().index({Note{std::string("a\0b", 3), "en", 1, {}, {}}}, &Note::text); }).message,
                HasSubstr("NUL"));
    EXPECT_EQ(ready.count(), 0U);
}

TEST_P(AnyIndex, draive_083_without_a_query_the_newest_come_first_in_pages_that_visit_each_once) {
    auto notes = open();
    for (int i = 0; i < 20; ++i) notes.index({Note{"t", i % 2 == 0 ? "en" : "de", i, {}, {}}}, &Note::text);
    EXPECT_EQ(notes.newest().size(), 8U);
    std::vector<int> pages;
    SearchOptions<Note> options{.limit = 3, .where = field(&Note::language) == "en"};
    for (auto page = notes.newest(options); !page.empty(); page = notes.newest(options)) {
        for (const auto& found : page) pages.push_back(found.value.page);
        options.after = page.back().cursor();
        notes.index({Note{"t", "en", 100, {}, {}}}, &Note::text);  // what arrives meanwhile is newer
    }
    EXPECT_THAT(pages, ElementsAre(18, 16, 14, 12, 10, 8, 6, 4, 2, 0));
    EXPECT_EQ(error_of([&] { notes.newest({.score_threshold = 0.5F}); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { notes.newest({.rerank = true}); }).code, ErrorCode::invalid_argument);
}

TEST_P(AnyIndex, draive_084_085_order_and_threshold_are_cosines_of_vectors_of_any_length) {
    auto notes = open(nullptr);
    notes.index(with_vectors({{0, 1}, {3, 4}, {10, 0}, {-1, 0}, {6, 8}}), &Note::vector);
    const std::vector<float> query = {2, 0};
    const auto all = notes.search(query);
    EXPECT_THAT(texts(all), ElementsAre("2", "1", "4", "0", "3")) << "equal ones by created";
    EXPECT_NEAR(*all[1].score, 0.6, 1e-6);
    EXPECT_NEAR(*all[4].score, -1, 1e-6);
    EXPECT_THAT(texts(notes.search(query, {.score_threshold = 0.55F})), ElementsAre("2", "1", "4"));
    EXPECT_THAT(texts(notes.search(query, {.score_threshold = 0.65F})), ElementsAre("2"));
    EXPECT_THAT(texts(notes.search(query, {.score_threshold = 0.F})), ElementsAre("2", "1", "4", "0"));
    EXPECT_EQ(notes.search(query, {.score_threshold = -1.F}).size(), 5U);
}

TEST_P(AnyIndex, cosines_are_right_however_long_or_short_vectors_are) {
    auto notes = open(nullptr);
    const Indexed indexed = notes.index(with_vectors({{3e19F, 4e19F}, {1e-22F, 2e-22F}, {-1e-30F, 0}}), &Note::vector);
    const auto scores = [&](const std::vector<float>& query) {
        std::vector<double> all(3);
        for (const auto& found : notes.search(query)) all[static_cast<std::size_t>(found.value.page)] = *found.score;
        return all;
    };
    const auto near = [](double score) { return ::testing::DoubleNear(score, 1e-6); };
    EXPECT_THAT(scores({1, 0}), ElementsAre(near(0.6), near(1 / std::sqrt(5)), near(-1)));
    EXPECT_THAT(scores({1e-20F, 0}), ElementsAre(near(0.6), near(1 / std::sqrt(5)), near(-1)));
    EXPECT_THAT(scores({1e30F, 2e30F}), ElementsAre(near(2.2 / std::sqrt(5)), near(1), near(-1 / std::sqrt(5))));
    EXPECT_TRUE(notes.update(indexed.ids[2], with_vectors({{0, 0}, {0, 0}, {0, 1e-40F}})[2], &Note::vector));
    EXPECT_NEAR(scores({0, 3e38F})[2], 1, 1e-6);
    std::vector<Note> many(600, Note{"t", "en", 0, {0, 1e-40F}, {}});
    notes.wipe();
    notes.index_all(many, &Note::vector);
    EXPECT_NEAR(*notes.search(std::vector<float>{0, 1}, {.limit = 1}).at(0).score, 1, 1e-6);
}

TEST_P(AnyIndex, draive_086_087_reranks_a_larger_choice_and_keeps_the_limit) {
    auto notes = open(nullptr);
    notes.index(with_vectors({{.9F, .1F, 0}, {.9F, .12F, 0}, {.8F, -.6F, 0}, {.7F, 0, .7F}, {0, 0, 1}}), &Note::vector);
    const std::vector<float> query = {1, 0, 0};
    EXPECT_THAT(texts(notes.search(query, {.limit = 5, .rerank = true})), ElementsAre("0", "2", "3", "1", "4"));
    EXPECT_THAT(texts(notes.search(query, {.limit = 3, .rerank = true})), ElementsAre("0", "2", "3"));
    EXPECT_THAT(texts(notes.search(query, {.limit = 3})), ElementsAre("0", "1", "2"));
    EXPECT_THAT(texts(notes.search(query, {.limit = 2, .rerank = true, .lambda = 0})), ElementsAre("0", "4"));
    EXPECT_THAT(texts(notes.search(query, {.limit = 2, .where = field(&Note::page) != 2, .rerank = true})),
                ElementsAre("0", "3"))
        << "the filter comes first";
    EXPECT_THAT(texts(open(nullptr, {.mmr_multiplier = 1}).search(query, {.limit = 3, .rerank = true})),
                ElementsAre("0", "2", "1"))
        << "of the nearest three only";
    std::vector<Note> many(30, Note{"t", "en", 0, {1, 1, 1}, {}});
    notes.index(many, &Note::vector);
    EXPECT_EQ(notes.search(query).size(), 8U);
    EXPECT_EQ(notes.search(query, {.rerank = true}).size(), 8U);
}

TEST_P(AnyIndex, draive_088_a_query_is_a_text_an_image_a_text_resource_or_a_vector) {
    auto notes = open(embedder, {}, std::make_shared<FakeImages>(embedder));
    notes.index({Note{"a", "en", 1, {}, {}}, Note{"b", "en", 2, {}, {}}}, &Note::text);
    const Deadline never;
    for (const IndexInput& query :
         {IndexInput("b"), IndexInput(TextContent{"b", Json::object()}), IndexInput(resource("b", "image/png")),
          IndexInput(resource("b", "text/plain")), IndexInput(embedder->embed_one("b", never).vector)}) {
        EXPECT_THAT(texts(notes.search(query, {.limit = 1})), ElementsAre("b"));
    }
    EXPECT_THAT(error_of([&] { notes.search(resource("b", "audio/mp3")); }).message, HasSubstr("audio/mp3"));
    EXPECT_EQ(error_of([&] { notes.search(resource("\xFF", "text/plain")); }).code, ErrorCode::invalid_argument);
}

TEST_P(AnyIndex, refuses_limits_thresholds_and_lambdas_out_of_bounds) {
    auto notes = open();
    const auto message = [&](const SearchOptions<Note>& options) {
        return error_of([&] { notes.search("a", options); }).message;
    };
    EXPECT_THAT(message({.limit = 0}), HasSubstr("limit is 0"));
    EXPECT_THAT(message({.limit = -1}), HasSubstr("limit is -1"));
    EXPECT_THAT(message({.score_threshold = 1.5F}), HasSubstr("1.5"));
    EXPECT_THAT(message({.lambda = 2}), HasSubstr("lambda is 2"));
    EXPECT_THAT(message({.after = IndexCursor{}}), HasSubstr("newest()"));
    EXPECT_THAT(error_of([&] { open({.mmr_multiplier = 0}); }).message, HasSubstr("mmr_multiplier is 0"));
    EXPECT_THAT(error_of([&] { open({.table = std::string(64, 'x')}); }).message, HasSubstr("64 bytes"));
}

TEST_P(AnyIndex, draive_093_removes_by_filter_and_by_id_with_a_count_and_all_only_by_its_own_word) {
    auto notes = open();
    std::vector<Note> many;
    for (int i = 0; i < 6; ++i) many.push_back({"t" + std::to_string(i), "en", i, {}, {}});
    const Indexed indexed = notes.index(many, &Note::text);
    EXPECT_EQ(notes.remove(field(&Note::page) >= 4), 2U);
    EXPECT_EQ(notes.remove(field(&Note::page) >= 4), 0U);
    EXPECT_TRUE(notes.remove(indexed.ids[0]));
    EXPECT_FALSE(notes.remove(indexed.ids[0]));
    EXPECT_EQ(notes.remove({indexed.ids[0], indexed.ids[1]}), 1U);
    EXPECT_THAT(error_of([&] { notes.remove(FilterOf<Note>()); }).message, HasSubstr("wipe()"));
    FilterOf<Note> none_of_them;
    for (const int page : {1, 2}) none_of_them = none_of_them || field(&Note::page) == page;
    EXPECT_EQ(error_of([&] { notes.remove(none_of_them); }).code, ErrorCode::invalid_argument) << "it began with all";
    EXPECT_EQ(error_of([&] { notes.remove(!!FilterOf<Note>()); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { notes.remove(!field(&Note::page).is_one_of(std::vector<int>())); }).code,
              ErrorCode::invalid_argument);
    EXPECT_EQ(notes.count(), 2U);
    EXPECT_EQ(notes.wipe(), 2U);
    EXPECT_EQ(notes.count(), 0U);
}

TEST_P(AnyIndex, draive_095_a_key_replaces_and_what_did_not_change_is_not_embedded_again) {
    auto notes = open();
    const IndexOptions<Note> keyed{.key = &Note::language};
    const Indexed first = notes.index({Note{"a", "k1", 1, {}, {}}, Note{"b", "k2", 2, {}, {}}}, &Note::text, keyed);
    const Timestamp created = notes.newest({.where = field(&Note::language) == "k1"}).at(0).created;
    clock.advance(std::chrono::seconds(1));
    const Indexed second = notes.index(
        {Note{"c", "k3", 5, {}, {}}, Note{"a", "k1", 3, {}, {}}, Note{"b2", "k2", 4, {}, {}}}, &Note::text, keyed);
    EXPECT_EQ(second.embedded, 2U);
    EXPECT_THAT(embedder->texts(), ElementsAre("a", "b", "c", "b2"));
    EXPECT_EQ(second.ids[1], first.ids[0]);
    EXPECT_EQ(second.ids[2], first.ids[1]);
    EXPECT_EQ(notes.count(), 3U);
    const auto one = notes.search("a", {.limit = 1}).at(0);
    EXPECT_EQ(one.value.page, 3);
    EXPECT_NEAR(*one.score, 1, 1e-6) << "the vector stayed";
    EXPECT_EQ(one.created, created);
    EXPECT_EQ(notes.search("b2", {.limit = 1}).at(0).value.page, 4);
    EXPECT_THAT(error_of([&] {
                    notes.index({Note{"a", "k", 1, {}, {}}, Note{"b", "k", 2, {}, {}}}, &Note::text, keyed);
                }).message,
                HasSubstr("value 1 has the key \"k\""));
    EXPECT_THAT(error_of([&] { notes.index({Note{"a", "", 1, {}, {}}}, &Note::text, keyed); }).message,
                HasSubstr("0 bytes"));
    EXPECT_TRUE(notes.remove(first.ids[0]));
    notes.index({Note{"a", "k1", 9, {}, {}}}, &Note::text, keyed);
    EXPECT_EQ(notes.count(), 3U);
}

/// Cuts what is longer than three bytes, and has no direction for one text.
class Cutting final : public Embedder {
public:
    std::size_t dimension() const override { return 2; }
    const std::string& fingerprint() const override { return fingerprint_; }
    std::vector<Embedding> embed(std::span<const std::string_view> texts, Deadline) override {
        std::vector<Embedding> all;
        for (const std::string_view text : texts) all.push_back({{text == "bad" ? 0.F : 1.F, 0}, text.size() > 3});
        return all;
    }

private:
    std::string fingerprint_ = "cuts";
};

TEST_P(AnyIndex, of_values_with_keys_it_is_told_which_is_at_fault_and_which_was_cut) {
    auto notes = open(std::make_shared<Cutting>());
    const IndexOptions<Note> keyed{.key = &Note::language};
    notes.index({Note{"long text", "k1", 1, {}, {}}}, &Note::text, keyed);
    const std::vector<Note> second_is_bad{Note{"long text", "k1", 1, {}, {}}, Note{"bad", "k2", 2, {}, {}}};
    EXPECT_THAT(error_of([&] { notes.index(second_is_bad, &Note::text, keyed); }).message, HasSubstr("value 1"))
        << "the first that is embedded is the second of the call";
    EXPECT_EQ(notes.index({Note{"long text", "k1", 2, {}, {}}}, &Note::text, keyed).embedded, 0U);
    if (GetParam() == On::memory) return;  // where nobody can see it
    const Statement look("SELECT meta->>'truncated' FROM " + server.schema() + ".note");
    EXPECT_EQ(database->query(look)[0].get<std::string>(0), "true");
}

TEST_P(AnyIndex, updates_one_value_and_keeps_its_id_key_and_created) {
    auto notes = open();
    const Indexed indexed =
        notes.index({Note{"a", "k1", 1, {}, {}}}, &Note::text, IndexOptions<Note>{.key = &Note::language});
    const Timestamp created = notes.newest().at(0).created;
    EXPECT_TRUE(notes.update(indexed.ids[0], Note{"b", "k1", 2, {}, {}}, &Note::text));
    EXPECT_FALSE(notes.update(Uuid::v7(), Note{"b", "k1", 2, {}, {}}, &Note::text));
    const auto found = notes.search("b").at(0);
    EXPECT_EQ(found.value.page, 2);
    EXPECT_NEAR(*found.score, 1, 1e-6);
    EXPECT_EQ(found.created, created);
    notes.index({Note{"b", "k1", 3, {}, {}}}, &Note::text, IndexOptions<Note>{.key = &Note::language});
    EXPECT_EQ(notes.count(), 1U);
    EXPECT_THAT(embedder->texts(), ElementsAre("a", "b", "b", "b"))
        << "update, missed update, the query; not the index";
}

TEST_P(AnyIndex, what_does_not_fit_the_model_is_an_error_with_its_path) {
    auto notes = open(nullptr);
    notes.index(with_vectors({{1, 0}}), &Note::vector);
    if (GetParam() == On::memory) return;  // only other programs write such rows
    database->execute(Statement("UPDATE " + server.schema() + ".note SET payload = '{\"text\": 7}'"));
    EXPECT_THAT(error_of([&] { notes.newest(); }).message, HasSubstr("text"));
}

TEST(IndexTableName, draive_078_is_the_models_name_in_snake_case) {
    using detail::index_table_name;
    EXPECT_EQ(index_table_name("Chunk"), "chunk");
    EXPECT_EQ(index_table_name("support::DocumentChunk"), "document_chunk");
    EXPECT_EQ(index_table_name("HTTPChunk"), "h_t_t_p_chunk");
    EXPECT_EQ(index_table_name("Chunk2D"), "chunk2_d");
    EXPECT_EQ(index_table_name("_X"), "__x");
}

}  // namespace
}  // namespace stele::test
