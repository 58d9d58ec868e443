// Indexes that are built beside others' work, and what they find.
#include "index/any_index.hpp"
#include "index/clustered.hpp"

namespace stele::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

class IndexBuilding : public AnyIndex {
protected:
    IndexBuilding() { database = server.open(); }
    std::string one(const std::string& sql) { return database->query(Statement(Sql(sql)))[0].get<std::string>(0); }
    std::string definitions() {
        return one(
            "SELECT coalesce(string_agg(pg_get_indexdef(indexrelid), '; ' ORDER BY indexrelid), '') FROM "
            "pg_index JOIN pg_class x ON x.oid = indexrelid WHERE indisvalid AND starts_with(x.relname, "
            "'stele_') AND indrelid = '" +
            server.schema() + ".note'::regclass");
    }
};

INSTANTIATE_TEST_SUITE_P(Index, IndexBuilding, ::testing::Values(On::database), name_of);

VectorIndexOptions with_members() {
    return {.ann = AnnIndex::hnsw, .hnsw_m = 8, .members = {field(&Note::language), field(&Note::page)}};
}

TEST_P(IndexBuilding, members_and_vectors_are_indexed_with_the_table_or_later) {
    open(nullptr).index(clustered_notes(3000, 8), &Note::vector);
    EXPECT_EQ(definitions(), "");
    auto notes = open(nullptr, with_members());
    EXPECT_TRUE(notes.explain(std::vector<float>(8, 1)).exact);
    std::vector<IndexBuildProgress> told;
    const IndexBuildOptions options{
        .on_progress = [&](const IndexBuildProgress& progress) { told.push_back(progress); }, .memory_mb = 64};
    EXPECT_THAT(notes.build_indexes(options), SizeIs(3));
    EXPECT_THAT(definitions(), HasSubstr("hnsw (embedding"));
    EXPECT_THAT(definitions(), HasSubstr("m='8'"));
    EXPECT_THAT(definitions(), HasSubstr("COALESCE((payload -> 'lang'::text), 'null'::jsonb)"));
    EXPECT_GE(told.size(), 3U);
    EXPECT_EQ(told.back().phase, "done");
    EXPECT_EQ(told.back().number, 3U);
    EXPECT_EQ(told.back().of, 3U);
    EXPECT_THAT(told.back().index, StartsWith("stele_member_"));
    EXPECT_THAT(notes.build_indexes(), IsEmpty()) << "all are there";
    EXPECT_FALSE(notes.explain(std::vector<float>(8, 1)).exact) << "the new index is known";
    const std::string later = definitions();
    database->execute(Statement(Sql("DROP TABLE " + server.schema() + ".note")));
    auto fresh = open(nullptr, with_members());
    fresh.index(clustered_notes(10, 8), &Note::vector);
    EXPECT_EQ(definitions(), later);
}

TEST_P(IndexBuilding, a_filter_on_an_indexed_member_looks_at_no_other_row) {
    auto notes = open(nullptr, with_members());
    notes.index(clustered_notes(5000, 8), &Note::vector);
    database->execute(Statement(Sql("ANALYZE " + server.schema() + ".note")));
    for (const auto& where : {field(&Note::page) == 17, field(&Note::page).is_one_of({1, 2, 3}),
                              field(&Note::page) > 4990, field(&Note::language) == "en" && field(&Note::page) <= 10,
                              field(&Note::page) == 1 || field(&Note::page) == 2, field(&Note::language).is_null()}) {
        const SearchPlan plan = notes.explain(std::vector<float>(8, 1), {.where = where});
        EXPECT_TRUE(plan.exact) << where.to_string();
        EXPECT_THAT(plan.lines, Contains(HasSubstr("stele_member_"))) << where.to_string();
        EXPECT_EQ(notes.search(std::vector<float>(8, 1), {.limit = 20, .where = where}).size(), notes.count(where))
            << where.to_string();
    }
}

TEST_P(IndexBuilding, a_plan_made_once_for_all_values_takes_the_index_of_a_member) {
    auto notes = open(nullptr, with_members());
    notes.index(clustered_notes(5000, 8), &Note::vector);
    database->execute(Statement(Sql("ANALYZE " + server.schema() + ".note")));
    const SearchPlan plan = notes.explain(std::vector<float>(8, 1), {.where = field(&Note::page) == 17, .exact = true});
    Transaction transaction = database->begin();
    transaction.execute(Statement("SET LOCAL plan_cache_mode = force_generic_plan"));
    transaction.execute(Statement(Sql("PREPARE kept AS " + plan.sql)));
    std::vector<std::string> lines;
    for (const Row& row : transaction.query(
             Statement(Sql("EXPLAIN EXECUTE kept ('[1,1,1,1,1,1,1,1]', '17', 10, 'what the table is')")))) {
        lines.push_back(row.get<std::string>(0));
    }
    EXPECT_THAT(lines, Contains(HasSubstr("stele_member_")));
    EXPECT_THAT(lines, Contains(HasSubstr("= $2"))) << "no value of this search";
    transaction.execute(Statement("DEALLOCATE kept"));
    transaction.rollback();
}

TEST_P(IndexBuilding, a_member_may_be_longer_than_an_index_takes) {
    std::mt19937 random(7);
    std::string length_of_limit(2000, ' '), longer(2001, ' '), long_text(100'000, ' ');
    for (std::string* text : {&length_of_limit, &longer, &long_text}) {
        for (char& letter : *text) letter = static_cast<char>('!' + random() % 90);  // nothing to compress
    }
    const auto options = VectorIndexOptions{.members = {field(&Note::language), field(&Note::page)}};
    auto notes = open(nullptr, options);
    std::vector<Note> all = clustered_notes(5000, 8);
    all[7].language = length_of_limit;
    all[8].language = longer;
    all[9].language = long_text;
    notes.index(all, &Note::vector);
    database->execute(Statement(Sql("ANALYZE " + server.schema() + ".note")));
    const auto language = field(&Note::language);
    const auto uses_index = [&](const auto& where) {
        const auto lines = notes.explain(std::vector<float>(8, 1), {.where = where}).lines;
        return std::any_of(lines.begin(), lines.end(),
                           [](const std::string& line) { return line.find("stele_member_") != std::string::npos; });
    };
    EXPECT_EQ(notes.count(language == length_of_limit), 1U);
    EXPECT_EQ(notes.count(language == longer), 1U);
    EXPECT_EQ(notes.count(language == long_text), 1U);
    EXPECT_EQ(notes.count(language.is_one_of({longer, long_text, length_of_limit})), 3U);
    EXPECT_EQ(notes.count(!(language == long_text)), 4999U);
    EXPECT_EQ(notes.count(language == long_text || language == "en"), 4998U);
    EXPECT_EQ(notes.count(language.is_null()), 0U);
    EXPECT_TRUE(uses_index(language == length_of_limit));
    EXPECT_TRUE(uses_index(language.is_one_of({length_of_limit})));
    EXPECT_FALSE(uses_index(language == longer));
    EXPECT_FALSE(uses_index(language.is_one_of({length_of_limit, longer})));
    EXPECT_TRUE(uses_index(field(&Note::page) == 9 && language == long_text));
    database->execute(
        Statement(Sql("DROP INDEX " + one("SELECT min(indexrelid::regclass::text) FROM pg_index WHERE indrelid = '" +
                                          server.schema() + ".note'::regclass AND indpred IS NOT NULL"))));
    EXPECT_THAT(notes.build_indexes(), SizeIs(1));
}

TEST_P(IndexBuilding, what_an_interrupted_build_left_is_built_anew) {
    auto notes = open(nullptr, with_members());
    notes.index(clustered_notes(100, 8), &Note::vector);
    const std::string whole = definitions();
    database->execute(
        Statement("UPDATE pg_index SET indisvalid = false WHERE indexrelid IN (SELECT oid FROM pg_class "
                  "WHERE starts_with(relname, 'stele_')) AND indrelid = $1::text::regclass",
                  server.schema() + ".note"));
    EXPECT_EQ(definitions(), "");
    EXPECT_THAT(notes.build_indexes(), SizeIs(3));
    EXPECT_EQ(definitions(), whole);
    EXPECT_EQ(one("SELECT count(*)::text FROM pg_index WHERE NOT indisvalid AND indrelid = '" + server.schema() +
                  ".note'::regclass"),
              "0");
}

TEST_P(IndexBuilding, rebuilds_all_and_adds_what_is_missing) {
    open(nullptr, {.ann = AnnIndex::ivfflat, .ivfflat_lists = 2}).index(clustered_notes(50, 8), &Note::vector);
    const std::string before = definitions();
    auto notes = open(nullptr, {.ann = AnnIndex::ivfflat, .ivfflat_lists = 2, .members = {field(&Note::page)}});
    const auto node = [&] {
        return one(
            "SELECT string_agg(relfilenode::text, ' ') FROM pg_class WHERE relname LIKE 'stele\\_ivfflat\\_%' "
            "AND relnamespace = '" +
            server.schema() + "'::regnamespace");
    };
    const std::string old = node();
    EXPECT_THAT(notes.rebuild_indexes(), SizeIs(2));
    EXPECT_NE(node(), old);
    EXPECT_THAT(definitions(), StartsWith(before));
    EXPECT_THAT(definitions(), HasSubstr("'page'"));
}

TEST_P(IndexBuilding, says_what_it_cannot_do) {
    auto notes = open(nullptr, with_members());
    EXPECT_EQ(error_of([&] { notes.build_indexes(); }).code, ErrorCode::schema_missing);
    notes.index(clustered_notes(10, 8), &Note::vector);
    Transaction transaction = database->begin();
    EXPECT_EQ(error_of([&] { notes.in(transaction).build_indexes(); }).code, ErrorCode::invalid_argument);
    transaction.rollback();
    EXPECT_THAT(error_of([&] { open(nullptr, {.members = {IndexedMember({{"a", 1}})}}); }).message,
                HasSubstr("by its number"));
    EXPECT_THAT(error_of([&] { notes.check_recall({.queries = 0}); }).message, HasSubstr("queries"));
}

TEST_P(AnyIndex, recall_is_measured_against_a_look_at_every_row) {
    open(nullptr).index(clustered_notes(3000, 16), &Note::vector);
    auto notes = open(nullptr, {.ann = AnnIndex::hnsw});
    notes.build_indexes();
    const RecallCheck check = notes.check_recall({.queries = 20});
    EXPECT_EQ(check.queries, 20U);
    EXPECT_EQ(check.approximate, GetParam() == On::database ? 20U : 0U);
    EXPECT_GE(check.recall, 0.99);
    EXPECT_LE(check.worst, check.recall);
    EXPECT_GT(check.exact_ms, 0);
    EXPECT_EQ(open(nullptr, {.table = "empty"}).check_recall().queries, 0U);
    if (GetParam() == On::memory) return;
    // a graph of hardly any connections
    open(nullptr, {.table = "poor"}).index(clustered_notes(3000, 16), &Note::vector);
    auto poor = open(nullptr, {.table = "poor", .ann = AnnIndex::hnsw, .hnsw_m = 2, .hnsw_ef_construction = 4});
    poor.build_indexes();
    EXPECT_LT(poor.check_recall({.queries = 20}).recall, 0.99);
}

}  // namespace
}  // namespace stele::test
