// The index for words on a database: how it is made and known, that searches use it, and which ways they go beside it.
#include "index/any_index.hpp"
#include "index/clustered.hpp"
#include "stele/index_tables.hpp"
#include "support/recording_tracer.hpp"

namespace stele::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

class HybridIndex : public AnyIndex {
protected:
    HybridIndex() { database = server.open(); }
    static VectorIndexOptions options(AnnIndex ann = AnnIndex::none) {
        return {.ann = ann, .text = {field(&Note::text), field(&Note::language)}};
    }
    /// Of 4,000 clustered vectors of 16; the text of a note is its number, and "often" in every tenth.
    void fill() {
        std::vector<Note> notes = clustered_notes(4000, 16);
        for (Note& note : notes) note.text = "number " + note.text + (note.page % 10 == 0 ? " often" : "");
        open(nullptr).index(notes, &Note::vector);
        database->execute(Statement(Sql("ANALYZE " + table())));
    }
    std::string table() const { return server.schema() + ".note"; }
    std::string one(const std::string& sql) { return database->query(Statement(Sql(sql)))[0].get<std::string>(0); }
    std::string definitions() {
        return one(
            "SELECT coalesce(string_agg(pg_get_indexdef(indexrelid), '; '), '') FROM pg_index JOIN pg_am ON amname "
            "= 'gin' JOIN pg_class x ON x.oid = indexrelid AND relam = pg_am.oid WHERE indisvalid AND indrelid = '" +
            table() + "'::regclass");
    }
    IndexTableInfo info() { return index_tables(*database).at(0); }
    const std::vector<float> query = clustered_notes(1, 16)[0].vector;
};

INSTANTIATE_TEST_SUITE_P(Index, HybridIndex, ::testing::Values(On::database), name_of);

TEST_P(HybridIndex, is_made_with_the_table_or_later_and_says_what_it_is_of) {
    open(nullptr).index(clustered_notes(100, 8), &Note::vector);
    EXPECT_EQ(definitions(), "");
    EXPECT_THAT(info().text, IsEmpty());
    auto notes = open(nullptr, options());
    std::vector<IndexBuildProgress> told;
    EXPECT_THAT(notes.build_indexes({.on_progress = [&](const auto& progress) { told.push_back(progress); }}),
                ElementsAre(StartsWith("stele_text_")));
    EXPECT_EQ(told.back().phase, "done");
    EXPECT_THAT(definitions(), AllOf(HasSubstr("gin (to_tsvector('simple'::regconfig"), HasSubstr("'lang'::text")));
    EXPECT_THAT(notes.build_indexes(), IsEmpty()) << "it is there";
    ASSERT_THAT(info().text, SizeIs(1));
    EXPECT_THAT(info().text[0].members, ElementsAre("text", "lang"));
    EXPECT_EQ(info().text[0].configuration, "simple");
    const std::string later = definitions();
    EXPECT_THAT(notes.rebuild_indexes(), SizeIs(1));
    EXPECT_THAT(info().text, SizeIs(1)) << "the new one says so, too";
    database->execute(Statement(Sql("DROP TABLE " + table())));
    open(nullptr, options()).index(clustered_notes(10, 8), &Note::vector);
    EXPECT_EQ(definitions(), later);
    ASSERT_THAT(info().text, SizeIs(1));
    EXPECT_THAT(info().text[0].members, ElementsAre("text", "lang"));
}

TEST_P(HybridIndex, another_configuration_or_other_members_have_one_of_their_own) {
    open(nullptr, options()).index(clustered_notes(10, 8), &Note::vector);
    EXPECT_THAT(open(nullptr, {.text = {field(&Note::text)}}).build_indexes(), SizeIs(1));
    auto english = open(nullptr, {.text = {field(&Note::text)}, .text_configuration = "english"});
    EXPECT_THAT(english.build_indexes(), SizeIs(1));
    ASSERT_THAT(info().text, SizeIs(3));
    EXPECT_EQ(info().text[0].configuration, "english") << "the newest first";
    database->execute(Statement(Sql("COMMENT ON INDEX " + server.schema() + '.' +
                                    one("SELECT relname::text FROM pg_class WHERE oid = (SELECT max(indexrelid) FROM "
                                        "pg_index WHERE indrelid = '" +
                                        table() + "'::regclass)") +
                                    " IS 'stele: words of {\"members\"'")));
    EXPECT_THAT(info().text, SizeIs(2)) << "what says nothing is passed over";
}

TEST_P(HybridIndex, what_an_interrupted_build_left_is_built_anew) {
    auto notes = open(nullptr, options());
    notes.index(clustered_notes(10, 8), &Note::vector);
    database->execute(
        Statement(Sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid IN (SELECT oid FROM pg_class "
                      "WHERE starts_with(relname, 'stele_text_')) AND indrelid = '" +
                      table() + "'::regclass")));
    EXPECT_THAT(info().text, IsEmpty());
    EXPECT_THAT(notes.build_indexes(), SizeIs(1));
    EXPECT_THAT(info().text, SizeIs(1));
}

TEST_P(HybridIndex, a_search_looks_words_up_in_it_whichever_way_the_other_half_goes) {
    fill();
    auto without = open(nullptr, options(AnnIndex::hnsw));
    const HybridOptions<Note> asked{.limit = 5, .words = "number 1234"};
    const auto scanned = without.search_hybrid(query, asked);
    EXPECT_THAT(without.explain_hybrid(query, asked).lines, Not(Contains(HasSubstr("stele_text_"))));
    for (const AnnIndex ann : {AnnIndex::none, AnnIndex::hnsw}) {
        auto notes = open(nullptr, options(ann));
        notes.build_indexes();
        const SearchPlan plan = notes.explain_hybrid(query, asked);
        EXPECT_EQ(plan.exact, ann == AnnIndex::none);
        EXPECT_THAT(plan.lines, Contains(HasSubstr("Bitmap Index Scan on stele_text_")));
        if (!plan.exact) {
            EXPECT_THAT(plan.lines, Contains(HasSubstr("Order By: (embedding")));
        }
        EXPECT_THAT(plan.sql, AllOf(HasSubstr("websearch_to_tsquery"), Not(HasSubstr("1234"))));
        const auto found = notes.search_hybrid(query, {.limit = 5, .words = "number 1234", .exact = true});
        ASSERT_EQ(found.size(), scanned.size());
        for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].id, scanned[i].id);
    }
}

TEST_P(HybridIndex, a_statement_that_is_planned_once_for_all_values_uses_it_too) {
    fill();
    auto notes = open(nullptr, options());
    notes.build_indexes();
    const std::string sql = notes.explain_hybrid(query, {.words = "x"}).sql;
    Transaction transaction = database->begin();
    transaction.execute(Statement("SET LOCAL plan_cache_mode = force_generic_plan"));
    transaction.execute(Statement(Sql("PREPARE hybrid AS " + sql)));
    const std::string vector = "'[1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]'";
    std::string plan;
    for (const Row& row :
         transaction.query(Statement(Sql("EXPLAIN EXECUTE hybrid(" + vector + ", '1234', 50, -2, 60, 1, 1, 5, '')")))) {
        plan += row.get<std::string>(0);
    }
    EXPECT_THAT(plan, HasSubstr("Bitmap Index Scan on stele_text_"));
}

TEST_P(HybridIndex, a_hybrid_search_is_one_round_trip_and_says_what_the_ann_index_may_have_missed) {
    fill();
    open(nullptr, options(AnnIndex::hnsw)).build_indexes();
    DatabaseOptions settings = server.bare_options();
    const auto tracer = std::make_shared<RecordingTracer>();
    settings.tracer = tracer;
    VectorIndex<Note> notes(Database::open(settings), nullptr, options(AnnIndex::hnsw));
    notes.count();
    for (const int from : {0, 0, 3990, 3990, 4000}) {
        const std::size_t before = tracer->spans().size();
        const auto found = notes.search_hybrid(query, {.where = field(&Note::page) >= from, .words = "often"});
        EXPECT_EQ(tracer->spans().size(), before + 1) << from;
        EXPECT_EQ(found.completeness(), from == 0      ? Completeness::stopped_at_budget
                                        : from == 4000 ? Completeness::exhausted
                                                       : Completeness::complete)
            << from;
        EXPECT_EQ(found.size(), from == 4000 ? 0U : 8U) << from;
    }
    const auto none = notes.search_hybrid(query, {.score_threshold = 1.F, .words = "unknown"});
    EXPECT_FALSE(none.is_exact()) << "there might be one in the rows that the index did not show";
    EXPECT_TRUE(notes.search_hybrid(query, {.words = "often", .exact = true}).is_exact());
}

TEST_P(HybridIndex, a_transaction_finds_the_words_that_it_wrote_and_keeps_its_settings) {
    fill();
    auto notes = open(nullptr, options(AnnIndex::hnsw));
    notes.build_indexes();
    Transaction transaction = database->begin();
    transaction.execute(Statement("SET LOCAL hnsw.ef_search = 77"));
    auto inside = notes.in(transaction);
    inside.index({Note{"fresh", "en", 9999, query, {}}}, &Note::vector);
    const auto found = inside.search_hybrid(query, {.limit = 1, .words = "fresh"});
    EXPECT_EQ(found.at(0).text_place, 1);
    EXPECT_FALSE(found.is_exact());
    EXPECT_EQ(transaction.query(Statement("SHOW hnsw.ef_search"))[0].get<std::string>(0), "77");
    EXPECT_FALSE(notes.search_hybrid(query, {.limit = 1, .words = "fresh"}).at(0).text_place);
}

TEST_P(HybridIndex, a_language_finds_other_forms_of_a_word_and_leaves_out_the_commonest) {
    auto notes = open(nullptr, {.text = {field(&Note::text)}, .text_configuration = "english"});
    notes.index({Note{"it resets the buttons", "en", 0, {1, 0}, {}}, Note{"other", "en", 1, {1, 0}, {}}},
                &Note::vector);
    const std::vector<float> any{1, 0};
    EXPECT_EQ(notes.search_hybrid(any, {.words = "button reset"})[0].text_place, 1);
    const auto stopped = notes.search_hybrid(any, {.words = "the it"});
    EXPECT_EQ(stopped.size(), 2U) << "by meaning alone";
    EXPECT_FALSE(stopped[0].text_place);
}

TEST_P(HybridIndex, a_configuration_that_is_not_there_is_an_error_that_names_it) {
    auto notes = open(nullptr, {.text = {field(&Note::text)}, .text_configuration = "klingon"});
    const ErrorInfo error = error_of([&] { notes.index({Note{"a", "en", 0, {1, 0}, {}}}, &Note::vector); });
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    EXPECT_THAT(error.message, HasSubstr("no text search configuration \"klingon\""));
    EXPECT_THAT(error_of([&] { notes.build_indexes(); }).message, HasSubstr("klingon"));
    EXPECT_EQ(one("SELECT (to_regclass('" + table() + "') IS NULL)::text"), "true") << "nothing is half made";
    database->execute(Statement(Sql("CREATE TEXT SEARCH CONFIGURATION " + server.schema() + ".own (COPY = simple)")));
    auto own = open(nullptr, {.text = {field(&Note::text)}, .text_configuration = server.schema() + ".own"});
    own.index({Note{"a", "en", 0, {1, 0}, {}}}, &Note::vector);
    EXPECT_EQ(own.search_hybrid(std::vector<float>{1, 0}, {.words = "a"})[0].text_place, 1);
}

TEST_P(HybridIndex, searches_a_table_of_draives_and_one_that_it_may_not_change) {
    database->execute(Statement("CREATE EXTENSION IF NOT EXISTS vector"));
    database->execute(Statement(Sql(
        "CREATE TABLE " + table() +
        " (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), embedding vector(2) NOT NULL, payload jsonb NOT NULL, meta "
        "jsonb NOT NULL, created timestamptz NOT NULL DEFAULT now())")));
    database->execute(Statement(Sql(
        "INSERT INTO " + table() +
        " (embedding, payload, meta) VALUES ('[1,0]', '{\"text\":\"by Python\",\"lang\":\"en\",\"page\":1}', '{}'), "
        "('[0,1]', '{\"text\":\"other\",\"lang\":\"en\",\"page\":2}', '{}')")));
    VectorIndexOptions asked = options();
    asked.create = false;
    auto notes = open(nullptr, asked);
    const auto found = notes.search_hybrid(std::vector<float>{0, 1}, {.words = "python", .text_weight = 2});
    EXPECT_EQ(found.at(0).value.text, "by Python");
    EXPECT_EQ(found.at(0).text_place, 1);
    EXPECT_THAT(notes.build_indexes(), SizeIs(1));
}

TEST_P(HybridIndex, keys_of_members_and_words_stay_out_of_the_statement_whatever_they_are) {
    const std::vector<float> any{1, 0};
    for (const char* key : {"'", "\\", "');--", "$1", "a.b", "\"", "%s {}", "E'\\x27'", "\n"}) {
        SCOPED_TRACE(key);
        const VectorIndexOptions named{.table = "hostile", .text = {TextMember({{key, {}}, {"in", {}}})}};
        VectorIndex<Json> index(*database, nullptr, named);
        const Json document = Json::parse("{" + Json::string(key).text() + R"(:{"in":"found"}})");
        index.index({document}, [&](const Json&) { return any; });
        EXPECT_EQ(index.search_hybrid(any, {.words = "found"})[0].text_place, 1);
        EXPECT_THAT(index.build_indexes(), IsEmpty());
        EXPECT_EQ(info().text.at(0).members.at(0), detail::path_text(named.text[0].path()));
        for (const char* words : {"'", "\\", "');--", "found' & 'x", "found:*", "<->", "!!found", "$1"}) {
            EXPECT_THAT(index.search_hybrid(any, {.words = words}), SizeIs(1)) << words;
        }
        database->execute(Statement(Sql("DROP TABLE " + server.schema() + ".hostile")));
    }
}

}  // namespace
}  // namespace stele::test
