// What only a database has: the table, its names and its indexes, other programs, transactions.
#include <algorithm>

#include "index/any_index.hpp"
#include "support/in_threads.hpp"
#include "support/own_database.hpp"
#include "support/recording_tracer.hpp"
#include "support/role.hpp"

namespace strange {

struct Order {
    std::string text;
};
STELE_DESCRIBE(Order, (text))
struct User {
    std::string text;
};
STELE_DESCRIBE_AS("a \"quoted\" user; --", User, (text))

}  // namespace strange

namespace stele::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class IndexOnDatabase : public AnyIndex {
protected:
    IndexOnDatabase() { database = server.open(); }
    std::string one(const std::string& sql) { return database->query(Statement(sql))[0].get<std::string>(0); }
    std::string table(const std::string& name = "note") const { return server.schema() + ".\"" + name + "\""; }
    static std::vector<Note> corpus(std::size_t size, std::size_t dimension) {
        std::vector<std::vector<float>> vectors(size, std::vector<float>(dimension));
        unsigned state = 1;
        for (auto& vector : vectors) {
            for (float& value : vector) {
                state = state * 1664525U + 1013904223U;
                value = static_cast<float>(state >> 8) / 16777216.0F - 0.5F;
            }
        }
        return with_vectors(vectors);
    }
};

INSTANTIATE_TEST_SUITE_P(Index, IndexOnDatabase, ::testing::Values(On::database), name_of);

TEST_P(IndexOnDatabase, makes_the_table_as_draive_has_it_with_the_dimension_and_the_embedder) {
    open().index({Note{"a", "en", 1, {}, {}}}, &Note::text);
    EXPECT_EQ(
        one("SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull, ', ' ORDER "
            "BY attnum) FROM pg_attribute WHERE attnum > 0 AND attrelid = '" +
            table() + "'::regclass"),
        "id uuid true, embedding vector(64) true, payload jsonb true, meta jsonb true, created timestamp with time "
        "zone true, stele_key text false, stele_digest text false");
    EXPECT_EQ(one("SELECT meta->>'embedder' FROM " + table()), "fake:v1");
    EXPECT_EQ(one("SELECT payload::text FROM " + table()), R"({"lang": "en", "page": 1, "text": "a"})");
}

TEST_P(IndexOnDatabase, vectors_lie_in_their_rows_where_they_fit_into_a_page) {
    struct Case {
        const char* table;
        std::size_t dimension;
        VectorType type;
        const char* elsewhere;  // values
    };
    const std::size_t kRows = 3;
    std::string text(3000, 'x');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('!' + i * i * 7919 / 13 % 90);
    for (const Case& made : {Case{"few", 64, VectorType::vector, "0"}, Case{"usual", 768, VectorType::vector, "0"},
                             Case{"many", 1536, VectorType::vector, "0"}, Case{"half", 3072, VectorType::halfvec, "0"},
                             Case{"most", 2000, VectorType::vector, "3"}}) {
        SCOPED_TRACE(made.table);
        auto notes = open(nullptr, {.table = made.table, .type = made.type});
        const auto rows = corpus(kRows, made.dimension);
        notes.index(rows, &Note::vector);
        const std::string toast =
            one("SELECT reltoastrelid::regclass::text FROM pg_class WHERE oid = '" + table(made.table) + "'::regclass");
        const std::string elsewhere = "SELECT count(DISTINCT chunk_id)::text FROM " + toast;
        EXPECT_EQ(one(elsewhere), made.elsewhere);
        EXPECT_THAT(notes.search(rows[1].vector, {.limit = 1}).at(0).value.text, "1");
    }
    auto notes = open(nullptr, {.table = "usual"});
    auto longer = corpus(1, 768);
    longer[0].text = text;
    notes.index(longer, &Note::vector);
    EXPECT_EQ(one("SELECT count(*)::text || ' ' || max(pg_column_size(embedding)) FROM " + table("usual") +
                  " WHERE length(payload->>'text') = 3000"),
              "1 3080");
    const std::string toast =
        one("SELECT reltoastrelid::regclass::text FROM pg_class WHERE oid = '" + table("usual") + "'::regclass");
    EXPECT_EQ(one("SELECT count(DISTINCT chunk_id)::text FROM " + toast), "1") << "the text makes room for the vector";
}

TEST_P(IndexOnDatabase, draive_078_names_are_quoted_whatever_they_are) {
    VectorIndex<strange::Order> orders(*database, embedder);
    EXPECT_EQ(orders.table(), "order");
    orders.index({strange::Order{"a"}}, &strange::Order::text);
    VectorIndex<strange::User> users(*database, embedder);
    users.index({strange::User{"b"}}, &strange::User::text, {.key = &strange::User::text});
    EXPECT_EQ(users.search("b").at(0).value.text, "b");
    EXPECT_EQ(users.remove(field(&strange::User::text) == "b"), 1U);
    EXPECT_EQ(orders.count(), 1U);
    VectorIndex<strange::Order> named(*database, embedder, {.table = "My.Table'"});
    named.index({strange::Order{"a"}}, &strange::Order::text);
    EXPECT_EQ(one("SELECT count(*)::text FROM " + table("My.Table'")), "1");
}

TEST_P(IndexOnDatabase, rows_of_draives_statements_are_found_and_ours_by_them) {
    database->execute(Statement("CREATE EXTENSION IF NOT EXISTS vector"));
    // its table, and its INSERT
    database->execute(
        Statement("CREATE TABLE " + table() +
                  " (id UUID NOT NULL DEFAULT gen_random_uuid(), embedding VECTOR(2) NOT NULL, payload JSONB "
                  "NOT NULL, meta JSONB NOT NULL, created TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP)"));
    const auto insert = [&](const std::string& vector, const std::string& payload) {
        database->execute(Statement("INSERT INTO " + table() + " (embedding, payload, meta, created) VALUES ('" +
                                    vector + "'::vector, '" + payload + "'::jsonb, '{}'::jsonb, now())"));
    };
    insert("[1,0]", R"({"text": "theirs", "lang": "en", "page": 1, "unknown": 1})");
    auto notes = open(nullptr, {.fingerprint = "mine"});
    EXPECT_THAT(texts(notes.search(std::vector<float>{1, 0})), ElementsAre("theirs"));
    notes.index(with_vectors({{0, 1}}), &Note::vector);
    EXPECT_EQ(one("SELECT payload->>'text' FROM " + table() +
                  " WHERE (payload #>> '{lang}') = 'en' ORDER BY embedding <#> '[0,1]' LIMIT 1"),
              "0");
    insert("[1,1]", R"({"text": "again", "lang": "en", "page": 1})");
    EXPECT_EQ(notes.count(), 3U);
    EXPECT_EQ(error_of([&] { open(nullptr, {.fingerprint = "other"}).search(std::vector<float>{1, 0}); }).code,
              ErrorCode::fingerprint_mismatch)
        << "the first who wrote told his";
    // keys need columns that it lacks
    notes.index(with_vectors({{0, 1}, {1, 0}}), &Note::vector, {.key = &Note::text});
    notes.index(with_vectors({{0, 1}}), &Note::vector, {.key = &Note::text});
    EXPECT_EQ(notes.count(), 5U);
    insert("[1,1]", R"({"text": "still", "lang": "en", "page": 1})");
    insert("[0,0]", R"({"text": "no direction", "lang": "en", "page": 1})");
    const auto found = notes.search(std::vector<float>{-1, -1}, {.limit = 20});
    EXPECT_EQ(found.size(), 7U);
    EXPECT_EQ(found.back().value.text, "no direction");
    EXPECT_EQ(*found.back().score, 0);
}

TEST_P(IndexOnDatabase, draive_012_takes_part_in_a_transaction_the_making_of_the_table_included) {
    auto notes = open();
    {
        Transaction transaction = database->begin();
        auto inside = notes.in(transaction);
        inside.index({Note{"a", "en", 1, {}, {}}}, &Note::text);
        EXPECT_EQ(inside.count(), 1U);
        EXPECT_THAT(texts(inside.search("a")), ElementsAre("a"));
        EXPECT_EQ(notes.count(), 0U);
        transaction.rollback();
    }
    EXPECT_THAT(notes.search("a"), IsEmpty());
    notes.index({Note{"b", "en", 1, {}, {}}}, &Note::text);
    Transaction transaction = database->begin();
    auto inside = notes.in(transaction);
    inside.index({Note{"c", "en", 2, {}, {}}}, &Note::text);
    {
        Savepoint savepoint = transaction.savepoint();
        EXPECT_EQ(notes.in(savepoint).wipe(), 2U);
        savepoint.rollback();
    }
    transaction.commit();
    EXPECT_EQ(notes.count(), 2U);
}

TEST_P(IndexOnDatabase, draive_082_a_call_is_one_round_trip_all_or_nothing) {
    DatabaseOptions options = server.bare_options();
    const auto tracer = std::make_shared<RecordingTracer>();
    options.tracer = tracer;
    VectorIndex<Note> notes(Database::open(options));
    notes.index(with_vectors({{1, 0}}), &Note::vector);
    notes.count();
    const std::vector<Note> many = corpus(500, 2);
    const std::size_t before = tracer->spans().size();
    EXPECT_EQ(notes.index(many, &Note::vector).ids.size(), 500U);
    EXPECT_EQ(tracer->spans().size(), before + 1);
    database->execute(Statement("ALTER TABLE " + table() + " ADD CHECK (payload->>'text' <> '99999')"));
    std::vector<Note> bad = corpus(3, 2);
    bad[2].text = "99999";
    EXPECT_EQ(error_of([&] { notes.index(bad, &Note::vector); }).code, ErrorCode::constraint_violation);
    EXPECT_EQ(notes.count(), 501U);
}

TEST_P(IndexOnDatabase, a_role_that_may_not_make_the_table_is_told_so) {
    open(embedder, {.table = "other"}).index({Note{"a", "en", 1, {}, {}}}, &Note::text);  // brings the extension
    Role role(*database, "reader_" + server.schema());
    role.execute("GRANT USAGE ON SCHEMA " + server.schema() + " TO " + role.name());
    {
        VectorIndex<Note> notes(Database::open(role.assumed(server.bare_options())), embedder);
        EXPECT_THAT(notes.search("a"), IsEmpty());
        const ErrorInfo error = error_of([&] { notes.index({Note{"a", "en", 1, {}, {}}}, &Note::text); });
        EXPECT_EQ(error.code, ErrorCode::schema_missing);
        EXPECT_THAT(error.message, HasSubstr("cannot be made"));
        EXPECT_EQ(error.sqlstate, "42501");
        open().index({Note{"b", "en", 1, {}, {}}}, &Note::text);
        role.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON " + table() + " TO " + role.name());
        notes.index({Note{"a", "en", 1, {}, {}}}, &Note::text);
        EXPECT_EQ(notes.count(), 2U);
    }
}

TEST_P(IndexOnDatabase, draive_094_a_selective_filter_beside_an_ann_index_still_finds_all_there_is) {
    for (const AnnIndex kind : {AnnIndex::hnsw, AnnIndex::ivfflat}) {
        const std::string name = kind == AnnIndex::hnsw ? "by_hnsw" : "by_ivfflat";
        auto notes = open(nullptr, {.table = name, .ann = kind, .ivfflat_lists = 20});
        auto exact = open(nullptr, {.table = name + "_exact"});
        const std::vector<Note> all = corpus(3000, 8);
        notes.index(all, &Note::vector);
        exact.index(all, &Note::vector);
        database->execute(Statement("ANALYZE " + table(name)));
        const std::vector<float> query = all[17].vector;
        EXPECT_THAT(one("EXPLAIN (FORMAT JSON) SELECT id FROM " + table(name) +
                        " ORDER BY embedding <=> '[1,0,0,0,0,0,0,0]' LIMIT 5"),
                    HasSubstr("Index Scan"));
        for (const int from : {0, 2000, 2990, 2997}) {
            const SearchOptions<Note> options{.limit = 10, .where = field(&Note::page) >= from};
            const auto found = notes.search(query, options);
            EXPECT_EQ(found.size(), std::min(10, 3000 - from)) << name << from;
            if (from < 2990) continue;
            EXPECT_EQ(texts(found), texts(exact.search(query, options))) << name << from;
        }
        EXPECT_EQ(notes.search(query, {.limit = 1}).at(0).value.text, "17");
    }
}

TEST_P(IndexOnDatabase, half_precision_keeps_order_and_scores_to_three_digits) {
    auto notes = open(nullptr, {.type = VectorType::halfvec, .ann = AnnIndex::hnsw});
    notes.index(with_vectors({{3e5F, 4e5F}, {1e-30F, 0}, {0, 2}}), &Note::vector);
    EXPECT_EQ(
        one("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attname = 'embedding' AND attrelid = '" +
            table() + "'::regclass"),
        "halfvec(2)");
    const auto found = notes.search(std::vector<float>{1e-20F, 0});
    EXPECT_THAT(texts(found), ElementsAre("1", "0", "2"));
    EXPECT_NEAR(*found[1].score, 0.6, 1e-3);
    EXPECT_THAT(texts(notes.search(std::vector<float>{1, 0}, {.limit = 2, .rerank = true})), ElementsAre("1", "0"));
}

TEST_P(IndexOnDatabase, the_extension_may_lie_in_any_schema_and_come_later) {
    const OwnDatabase place;  // an extension is there once
    Database own = Database::open(server.options(place.dsn()));
    VectorIndex<Note> manual(own, embedder, {.create = false});
    EXPECT_THAT(manual.search("a"), IsEmpty());
    EXPECT_THAT(error_of([&] { manual.index({Note{"a", "en", 1, {}, {}}}, &Note::text); }).message,
                HasSubstr("pgvector is not in this database"));
    own.execute(Statement("CREATE SCHEMA \"Odd place\""));
    own.execute(Statement("CREATE EXTENSION vector SCHEMA \"Odd place\""));
    EXPECT_THAT(error_of([&] { manual.index({Note{"a", "en", 1, {}, {}}}, &Note::text); }).message,
                AllOf(HasSubstr("\"note\""), HasSubstr("is not there")));
    VectorIndex<Note> notes(own, embedder, {.ann = AnnIndex::hnsw});
    notes.index({Note{"a", "en", 1, {}, {}}, Note{"b", "en", 2, {}, {}}}, &Note::text, {.key = &Note::text});
    EXPECT_THAT(texts(notes.search("b", {.limit = 1, .rerank = true})), ElementsAre("b"));
    manual.index({Note{"c", "en", 1, {}, {}}}, &Note::text);
    EXPECT_EQ(notes.count(), 3U);
}

TEST_P(IndexOnDatabase, many_may_begin_at_once) {
    const auto work = [&](int i) {
        const Database other = server.bare();
        VectorIndex<Note> notes(other, embedder);
        notes.index({Note{"t" + std::to_string(i), "en", i, {}, {}}}, &Note::text, {.key = &Note::text});
    };
    in_threads(6, work);
    EXPECT_EQ(open().count(), 6U);
    EXPECT_EQ(one("SELECT count(*)::text FROM pg_index WHERE indrelid = '" + table() + "'::regclass"), "3");
}

TEST_P(IndexOnDatabase, another_table_of_that_name_and_a_dropped_one_are_told) {
    database->execute(Statement("CREATE TABLE " + table() + " (embedding text)"));
    EXPECT_EQ(error_of([&] { open().search("a"); }).code, ErrorCode::schema_conflict);
    database->execute(Statement("DROP TABLE " + table()));
    auto notes = open();
    notes.index({Note{"a", "en", 1, {}, {}}}, &Note::text);
    database->execute(Statement("DROP TABLE " + table()));
    EXPECT_THROW(notes.count(), Error);
    EXPECT_EQ(notes.count(), 0U) << "looked for anew";
    notes.index({Note{"a", "en", 1, {}, {}}}, &Note::text);
    EXPECT_EQ(notes.count(), 1U);
}

}  // namespace
}  // namespace stele::test
