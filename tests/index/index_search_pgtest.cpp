// Which way a search goes on a database, and what it says of its answer.
#include "index/any_index.hpp"
#include "index/clustered.hpp"
#include "support/own_database.hpp"
#include "support/recording_tracer.hpp"

namespace stele::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class IndexSearch : public AnyIndex {
protected:
    IndexSearch() { database = server.open(); }
    /// Of 4,000 clustered vectors of 16; the page of a note is its number.
    VectorIndex<Note> filled(VectorIndexOptions options, std::size_t size = 4000) {
        open(nullptr, {.table = options.table}).index(clustered_notes(size, 16), &Note::vector);
        auto notes = open(nullptr, std::move(options));
        notes.build_indexes();  // quicker than row by row
        return notes;
    }
    std::string setting(Executor& executor, const std::string& name) {
        return executor.query(Statement("SELECT coalesce(current_setting($1, true), '')", name))[0].get<std::string>(0);
    }
    const std::vector<float> query = clustered_notes(1, 16)[0].vector;
};

INSTANTIATE_TEST_SUITE_P(Index, IndexSearch, ::testing::Values(On::database), name_of);

TEST_P(AnyIndex, an_answer_says_whether_there_is_more) {
    auto notes = open(nullptr);
    EXPECT_EQ(notes.search(std::vector<float>{1, 0}).completeness(), Completeness::exhausted);
    notes.index(with_vectors({{1, 0}, {1, 1}, {0, 1}}), &Note::vector);
    const auto completeness = [&](const SearchOptions<Note>& options) {
        return notes.search(std::vector<float>{1, 0}, options).completeness();
    };
    EXPECT_EQ(completeness({.limit = 3}), Completeness::complete);
    EXPECT_EQ(completeness({.limit = 4}), Completeness::exhausted);
    EXPECT_EQ(completeness({.limit = 2, .score_threshold = 0.9F}), Completeness::exhausted);
    EXPECT_EQ(completeness({.limit = 1, .score_threshold = 0.9F}), Completeness::complete);
    EXPECT_EQ(completeness({.limit = 2, .rerank = true}), Completeness::complete);
    EXPECT_EQ(completeness({.limit = 4, .rerank = true}), Completeness::exhausted);
    EXPECT_TRUE(notes.search(std::vector<float>{1, 0}).is_exact());
    const SearchPlan plan = notes.explain(std::vector<float>{1, 0}, {.limit = 2, .where = field(&Note::page) > 0});
    EXPECT_TRUE(plan.exact);
    EXPECT_EQ(plan.found, 2U);
    EXPECT_EQ(plan.completeness, Completeness::complete);
    EXPECT_EQ(plan.rows, 3);
    EXPECT_NEAR(plan.share, 2 / 3., 0.05);
}

TEST_P(IndexSearch, the_way_follows_from_what_the_filter_leaves) {
    for (const AnnIndex kind : {AnnIndex::hnsw, AnnIndex::ivfflat}) {
        SCOPED_TRACE(kind == AnnIndex::hnsw ? "hnsw" : "ivfflat");
        auto notes = filled({.table = kind == AnnIndex::hnsw ? "h" : "i", .ann = kind, .ivfflat_lists = 20});
        const auto way = [&](const FilterOf<Note>& where) {
            return notes.explain(query, {.limit = 10, .where = where});
        };
        const SearchPlan all = way({});
        EXPECT_FALSE(all.exact);
        EXPECT_EQ(all.completeness, Completeness::stopped_at_budget);
        EXPECT_NEAR(all.rows, 4000, 1000);
        EXPECT_THAT(all.lines, Contains(HasSubstr("Order By: (embedding")));
        EXPECT_GT(all.breadth, 80);
        const SearchPlan few = way(field(&Note::page) < 20);
        EXPECT_TRUE(few.exact);
        EXPECT_LT(few.share, 0.02);
        EXPECT_EQ(few.completeness, Completeness::complete);
        EXPECT_THAT(few.sql, AllOf(HasSubstr("$1"), Not(HasSubstr("page"))));
        const SearchPlan five = way(field(&Note::page) < 5);
        EXPECT_EQ(five.found, 5U);
        EXPECT_EQ(five.completeness, Completeness::exhausted);
        EXPECT_TRUE(notes.explain(query, {.exact = true}).exact);
        EXPECT_EQ(notes.search(query, {.exact = true}).completeness(), Completeness::complete);
    }
}

TEST_P(IndexSearch, draive_094_every_filter_gets_what_there_is_and_says_what_it_is_worth) {
    auto notes = filled({.ann = AnnIndex::hnsw});
    for (const int from : {0, 1000, 3000, 3900, 3995, 4000}) {
        // first with a sample, then from what was learnt of it
        for (int time = 0; time < 3; ++time) {
            const SearchOptions<Note> options{.limit = 10, .where = field(&Note::page) >= from};
            const auto found = notes.search(query, options);
            EXPECT_EQ(found.size(), static_cast<std::size_t>(std::min(10, 4000 - from))) << from;
            EXPECT_EQ(found.completeness() == Completeness::exhausted, from > 3990) << from;
            SearchOptions<Note> exact = options;
            exact.exact = true;
            const auto wanted = texts(notes.search(query, exact));
            std::size_t same = 0;
            for (const std::string& text : texts(found)) {
                same += std::find(wanted.begin(), wanted.end(), text) != wanted.end() ? 1U : 0U;
            }
            EXPECT_GE(same + 1, wanted.size()) << from;
            EXPECT_TRUE(!found.is_exact() || same == wanted.size()) << from;
        }
    }
}

TEST_P(IndexSearch, a_search_is_one_round_trip_whatever_its_way) {
    filled({.ann = AnnIndex::hnsw});
    DatabaseOptions options = server.bare_options();
    const auto tracer = std::make_shared<RecordingTracer>();
    options.tracer = tracer;
    VectorIndex<Note> notes(Database::open(options), nullptr, {.ann = AnnIndex::hnsw});
    notes.count();
    for (const int from : {0, 0, 3990, 3990, 4000}) {
        const std::size_t before = tracer->spans().size();
        notes.search(query, {.where = field(&Note::page) >= from});
        EXPECT_EQ(tracer->spans().size(), before + 1) << from;
    }
}

TEST_P(IndexSearch, an_index_that_falls_short_of_its_estimate_is_made_good_in_the_same_round_trip) {
    auto notes = filled({.ann = AnnIndex::hnsw}, 3000);
    const SearchOptions<Note> options{.limit = 10, .where = field(&Note::language) == "en"};
    EXPECT_EQ(notes.search(query, options).completeness(), Completeness::stopped_at_budget);
    // all but seven change behind its back
    database->execute(Statement("UPDATE " + server.schema() +
                                ".note SET payload = jsonb_set(payload, '{lang}', "
                                "'\"de\"') WHERE (payload->>'page')::int >= 7"));
    for (int time = 0; time < 2; ++time) {
        const auto found = notes.search(query, options);
        EXPECT_EQ(found.size(), 7U);
        EXPECT_EQ(found.completeness(), Completeness::exhausted);
    }
}

TEST_P(IndexSearch, leaves_the_settings_of_a_transaction_and_of_a_session_as_they_were) {
    auto notes = filled({.ann = AnnIndex::hnsw});
    const auto look = [&](Executor& executor) {
        std::vector<std::string> all;
        for (const char* name : {"enable_sort", "jit", "hnsw.ef_search", "hnsw.iterative_scan", "ivfflat.probes"}) {
            all.push_back(setting(executor, name));
        }
        return all;
    };
    Database single = server.single();
    VectorIndex<Note> alone(single, nullptr, {.ann = AnnIndex::hnsw});
    alone.search(query);
    const auto before = look(single);
    EXPECT_EQ(before[0], "on");
    EXPECT_EQ(before[2], "40");
    alone.search(query);
    EXPECT_EQ(look(single), before);
    Transaction transaction = database->begin();
    transaction.execute(Statement("SET LOCAL hnsw.ef_search = 77"));
    transaction.execute(Statement("SET LOCAL jit = off"));
    const auto own = look(transaction);
    EXPECT_EQ(notes.in(transaction).search(query).completeness(), Completeness::stopped_at_budget);
    EXPECT_FALSE(notes.in(transaction).explain(query).exact);
    EXPECT_EQ(look(transaction), own);
}

TEST_P(IndexSearch, a_search_of_a_transaction_finds_what_it_wrote) {
    auto notes = filled({.ann = AnnIndex::hnsw});
    Transaction transaction = database->begin();
    auto inside = notes.in(transaction);
    Note fresh{"fresh", "en", 9999, query, {}};
    inside.index({fresh}, &Note::vector);
    EXPECT_EQ(inside.search(query, {.limit = 2, .where = field(&Note::page) > 9000}).at(0).value.text, "fresh");
    EXPECT_THAT(notes.search(query, {.where = field(&Note::page) > 9000}), IsEmpty());
}

TEST_P(IndexSearch, an_older_pgvector_is_asked_only_where_one_go_is_enough) {
    const OwnDatabase place;  // an extension is there once
    Database own = Database::open(server.options(place.dsn()));
    own.execute(Statement("CREATE EXTENSION vector"));
    own.execute(Statement("UPDATE pg_extension SET extversion = '0.5.1' WHERE extname = 'vector'"));
    VectorIndex<Note>(own).index(clustered_notes(6000, 16), &Note::vector);
    VectorIndex<Note> notes(own, nullptr, {.ann = AnnIndex::hnsw});
    notes.build_indexes();
    const SearchPlan all = notes.explain(query, {.limit = 10});
    EXPECT_FALSE(all.exact);
    EXPECT_EQ(all.completeness, Completeness::stopped_at_budget);
    EXPECT_GE(all.breadth, 100);
    EXPECT_TRUE(notes.explain(query, {.limit = 500}).exact) << "it ends after 1,000 candidates";
    for (const int from : {0, 3000, 5900, 5997}) {
        const auto found = notes.search(query, {.limit = 10, .where = field(&Note::page) >= from});
        EXPECT_EQ(found.size(), static_cast<std::size_t>(std::min(10, 6000 - from))) << from;
    }
}

TEST_P(IndexSearch, candidates_for_reranking_come_from_the_index_with_their_vectors) {
    auto notes = filled({.ann = AnnIndex::hnsw});
    const auto found = notes.search(query, {.limit = 5, .rerank = true});
    EXPECT_EQ(found.size(), 5U);
    EXPECT_EQ(found.completeness(), Completeness::stopped_at_budget);
    EXPECT_EQ(texts(found), texts(notes.search(query, {.limit = 5, .rerank = true, .exact = true})));
}

}  // namespace
}  // namespace stele::test
