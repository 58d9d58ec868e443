// A table that others made, or that changes under a handle that knows it: whose vectors are in it is found out before
// anything is written or compared.
#include <algorithm>
#include <atomic>
#include <chrono>

#include "index/any_index.hpp"
#include "support/in_threads.hpp"
#include "support/own_database.hpp"
#include "support/role.hpp"

namespace stele::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class IndexFacts : public AnyIndex {
protected:
    IndexFacts() {
        database = server.open();
        database->execute(Statement("CREATE EXTENSION IF NOT EXISTS vector"));
    }
    void execute(const std::string& sql) { database->execute(Statement(Sql(sql))); }
    /// The statements that a message ends with.
    void do_as_told(const std::string& message, const std::string& from) {
        for (std::size_t at = message.find(from); at < message.size();) {
            const std::size_t end = std::min(message.find("; ", at), message.size());
            execute(message.substr(at, end - at));
            at = end + 2;
        }
    }
    std::string one(const std::string& sql) { return database->query(Statement(Sql(sql)))[0].get<std::string>(0); }
    std::string table() const { return server.schema() + ".note"; }
    /// As draive makes it, with another type of vectors if need be.
    void make_draives(const std::string& type = "vector(64)") {
        execute("CREATE TABLE " + table() + " (id uuid NOT NULL DEFAULT gen_random_uuid(), embedding " + type +
                " NOT NULL, payload jsonb NOT NULL, meta jsonb NOT NULL, created timestamptz NOT NULL DEFAULT now())");
    }
    std::string comment() { return one("SELECT coalesce(col_description('" + table() + "'::regclass, 2), 'none')"); }
    void drop() { execute("DROP TABLE " + table()); }
    std::string rows() { return one("SELECT count(*)::text FROM " + table()); }
    std::string key_indexes() {
        // pg_indexes looks at the definitions of all tables, some of which others drop meanwhile
        return one(
            "SELECT count(*)::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND i.indkey::text = "
            "a.attnum::text WHERE a.attname = 'stele_key' AND i.indrelid = '" +
            table() + "'::regclass");
    }
    /// By one who may write the table and does not own it.
    Database by(const Role& role) { return Database::open(role.assumed(server.bare_options())); }
    void let_write(Role& role) {
        role.execute("GRANT USAGE ON SCHEMA " + server.schema() + " TO " + role.name());
        role.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON " + table() + " TO " + role.name());
    }
    template <class Call>
    static ErrorCode code_of(Call call) {
        return error_of(call).code;
    }

    std::shared_ptr<testing::FakeEmbedder> other =
        std::make_shared<testing::FakeEmbedder>(testing::FakeEmbedderOptions{.fingerprint = "other:v1"});
    const std::vector<Note> a{Note{"a", "k1", 1, {}, {}}}, b{Note{"b", "k2", 2, {}, {}}};
    const IndexOptions<Note> keyed{.key = &Note::language};
};

INSTANTIATE_TEST_SUITE_P(Index, IndexFacts, ::testing::Values(On::database), name_of);

TEST_P(IndexFacts, an_embedder_that_was_told_since_is_seen_by_who_looked_before) {
    make_draives();
    auto mine = open(), others = open(other);
    EXPECT_THAT(mine.search("a"), IsEmpty());
    others.index(b, &Note::text);
    EXPECT_EQ(code_of([&] { mine.search("a"); }), ErrorCode::fingerprint_mismatch);
    EXPECT_EQ(code_of([&] { mine.index(a, &Note::text); }), ErrorCode::fingerprint_mismatch);
    EXPECT_THAT(comment(), HasSubstr("other:v1"));
    EXPECT_EQ(rows(), "1");
}

TEST_P(IndexFacts, of_two_embedders_that_begin_at_once_one_is_refused) {
    for (int round = 0; round < 5; ++round) {
        make_draives();
        std::atomic<int> refused = 0;
        in_threads(4, [&](int i) {
            VectorIndex<Note> notes(server.bare(), i % 2 == 0 ? embedder : other);
            notes.count();
            try {
                notes.index(a, &Note::text, keyed);
            } catch (const Error& error) {
                EXPECT_EQ(error.code(), ErrorCode::fingerprint_mismatch) << error.what();
                ++refused;
            }
        });
        EXPECT_EQ(refused, 2);
        EXPECT_EQ(one("SELECT count(DISTINCT meta)::text FROM " + table()), "1");
        EXPECT_EQ(key_indexes(), "1");
        drop();
    }
}

TEST_P(IndexFacts, a_table_that_another_embedder_made_anew_takes_nothing_of_the_first) {
    auto mine = open(), others = open(other);
    const Uuid id = mine.index(a, &Note::text).ids[0];
    mine.search("a");
    drop();
    EXPECT_EQ(others.count(), 0U);
    others.index(b, &Note::text);
    EXPECT_EQ(code_of([&] { mine.index(a, &Note::text); }), ErrorCode::fingerprint_mismatch);

    // each of the ways to write, by a handle that does not know yet
    const auto refused = [&](auto write) {
        drop();
        auto fresh = open();
        fresh.index(a, &Note::text);
        drop();
        open(other).index(b, &Note::text);
        EXPECT_EQ(code_of([&] { write(fresh); }), ErrorCode::fingerprint_mismatch);
        EXPECT_EQ(rows(), "1");
        EXPECT_THAT(comment(), HasSubstr("other:v1"));
    };
    refused([&](VectorIndex<Note>& notes) { notes.index(a, &Note::text, keyed); });
    refused([&](VectorIndex<Note>& notes) { notes.update(id, a[0], &Note::text); });
    refused([&](VectorIndex<Note>& notes) { notes.search("a"); });
    refused([&](VectorIndex<Note>& notes) { notes.index_all(std::vector<Note>(1500, a[0]), &Note::text); });
    refused([&](VectorIndex<Note>& notes) {
        Transaction transaction = database->begin();
        notes.in(transaction).index(a, &Note::text);
    });
}

TEST_P(IndexFacts, a_table_made_anew_for_the_same_embedder_is_used_as_it_is) {
    auto notes = open();
    notes.index(a, &Note::text, keyed);
    drop();
    make_draives();
    EXPECT_THROW(notes.index(a, &Note::text, keyed), Error);
    EXPECT_EQ(notes.index(a, &Note::text, keyed).ids.size(), 1U) << "looked at anew, and given its columns for keys";
    drop();
    execute("CREATE TABLE " + table() +
            " (id uuid DEFAULT gen_random_uuid(), embedding halfvec(64), payload jsonb, "
            "meta jsonb, created timestamptz)");
    notes.index(a, &Note::text);
    EXPECT_TRUE(notes.update(Uuid::parse(one("SELECT id::text FROM " + table())).value(), b[0], &Note::text));
    EXPECT_EQ(texts(notes.search("b")).at(0), "b");
    drop();
    make_draives("vector(3)");
    EXPECT_EQ(code_of([&] { notes.index(a, &Note::text); }), ErrorCode::dimension_mismatch);
}

TEST_P(IndexFacts, an_extension_that_moves_is_found_again) {
    const OwnDatabase place;
    Database own = Database::open(server.options(place.dsn()));
    VectorIndex<Note> notes(own, embedder);
    notes.index(a, &Note::text);
    own.execute(Statement("CREATE SCHEMA elsewhere"));
    own.execute(Statement("ALTER EXTENSION vector SET SCHEMA elsewhere"));
    try {
        notes.search("a");
    } catch (const Error&) {  // once
    }
    EXPECT_EQ(notes.search("a").size(), 1U);
    notes.index(b, &Note::text);
    EXPECT_EQ(notes.count(), 2U);
}

TEST_P(IndexFacts, columns_for_keys_are_added_once) {
    make_draives();
    auto first = open(), second = open();
    first.index(a, &Note::text);
    second.index(b, &Note::text);
    first.index(a, &Note::text, keyed);
    second.index(b, &Note::text, keyed);
    EXPECT_EQ(key_indexes(), "1");
}

TEST_P(IndexFacts, a_writer_who_does_not_own_the_table_is_known_by_what_he_wrote) {
    open().create();
    execute("COMMENT ON COLUMN " + table() + ".embedding IS NULL");
    Role role(*database, "writer_" + server.schema());
    let_write(role);
    {
        VectorIndex<Note> mine(by(role), embedder), others(by(role), other);
        EXPECT_EQ(others.count(), 0U);
        mine.index(a, &Note::text, keyed);
        EXPECT_EQ(code_of([&] { others.index(a, &Note::text, keyed); }), ErrorCode::fingerprint_mismatch);
        EXPECT_EQ(mine.index(a, &Note::text, keyed).embedded, 0U);
        EXPECT_EQ(comment(), "none");
    }
    // as after a restore without comments
    EXPECT_EQ(code_of([&] { open(other).index(a, &Note::text, keyed); }), ErrorCode::fingerprint_mismatch);
    open().index(a, &Note::text, keyed);
    EXPECT_THAT(comment(), HasSubstr("fake:v1"));
}

TEST_P(IndexFacts, a_vector_of_another_embedder_is_not_taken_for_one_of_this) {
    auto notes = open();
    notes.index(a, &Note::text, keyed);
    execute("COMMENT ON COLUMN " + table() + ".embedding IS NULL");
    execute("UPDATE " + table() + " SET meta = '{}'");
    EXPECT_EQ(open(other).index(a, &Note::text, keyed).embedded, 1U);
}

TEST_P(IndexFacts, a_table_of_something_else_is_refused_and_left_alone) {
    execute("CREATE TABLE " + table() + " (id bigserial PRIMARY KEY, embedding vector(64))");
    EXPECT_EQ(code_of([&] { open().index(a, &Note::text, keyed); }), ErrorCode::schema_conflict);
    EXPECT_EQ(code_of([&] { open().search("a"); }), ErrorCode::schema_conflict);
    EXPECT_EQ(embedder->calls(), 1U) << "the query only";
    EXPECT_EQ(comment(), "none");
    EXPECT_EQ(
        one("SELECT count(*)::text FROM pg_attribute WHERE attnum > 0 AND attrelid = '" + table() + "'::regclass"),
        "2");
}

TEST_P(IndexFacts, a_comment_of_somebody_else_stays_and_the_rows_tell_the_embedder) {
    make_draives();
    execute("COMMENT ON COLUMN " + table() + ".embedding IS 'made on Monday'");
    auto mine = open(), others = open(other);
    EXPECT_EQ(others.count(), 0U);
    mine.index(a, &Note::text);
    mine.index(a, &Note::text, keyed);
    EXPECT_EQ(comment(), "made on Monday");
    EXPECT_EQ(code_of([&] { others.index(b, &Note::text); }), ErrorCode::fingerprint_mismatch);
    EXPECT_EQ(code_of([&] { open(other).search("b"); }), ErrorCode::fingerprint_mismatch);
}

TEST_P(IndexFacts, a_column_of_no_length_has_that_of_its_rows) {
    make_draives("vector");
    auto notes = open(nullptr), others = open(nullptr);
    EXPECT_THAT(others.search(std::vector<float>{1, 0}), IsEmpty());
    notes.index(with_vectors({{1, 0, 0}, {0, 1, 0}}), &Note::vector);
    for (VectorIndex<Note>* index : {&notes, &others}) {
        EXPECT_EQ(code_of([&] { index->index(with_vectors({{1, 0}}), &Note::vector); }), ErrorCode::dimension_mismatch);
        EXPECT_EQ(code_of([&] { index->search(std::vector<float>{1, 0}); }), ErrorCode::dimension_mismatch);
    }
    EXPECT_EQ(notes.search(std::vector<float>{1, 0, 0}).size(), 2U);
}

TEST_P(IndexFacts, who_may_not_make_what_is_missing_is_told_what_makes_it) {
    Role role(*database, "asker_" + server.schema());
    role.execute("GRANT USAGE ON SCHEMA " + server.schema() + " TO " + role.name());
    {
        VectorIndex<Note> notes(by(role), embedder);
        const std::string no_table = error_of([&] { notes.index(a, &Note::text); }).message;
        EXPECT_THAT(no_table, AllOf(HasSubstr("cannot be made"), HasSubstr("CREATE TABLE")));
        do_as_told(no_table, "CREATE TABLE");
        EXPECT_EQ(open().index(a, &Note::text, keyed).ids.size(), 1U);
        drop();
        make_draives();
        let_write(role);
        notes.index(a, &Note::text);
        const ErrorInfo no_keys = error_of([&] { notes.index(a, &Note::text, keyed); });
        EXPECT_EQ(no_keys.code, ErrorCode::schema_missing);
        EXPECT_THAT(no_keys.message, AllOf(HasSubstr("has no columns for keys"), HasSubstr("ALTER TABLE")));
        do_as_told(no_keys.message, "ALTER TABLE");
        VectorIndex<Note> after(by(role), embedder);
        after.index(a, &Note::text, keyed);
        EXPECT_EQ(after.count(), 2U);
    }
}

TEST_P(IndexFacts, times_are_right_whatever_the_style_of_dates) {
    DatabaseOptions options = server.bare_options();
    options.dsn += " options='-c DateStyle=SQL,DMY -c TimeZone=Asia/Kolkata -c IntervalStyle=sql_standard'";
    VectorIndex<Note> notes(Database::open(options), embedder);
    const auto before = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    notes.index(a, &Note::text);
    notes.index_all(std::vector<Note>(600, b[0]), &Note::text);
    notes.index(a, &Note::text, keyed);
    for (const auto& found : notes.newest({.limit = 1000})) {
        EXPECT_LT(std::chrono::abs(found.created - Timestamp(before)), std::chrono::minutes(1));
    }
    EXPECT_EQ(notes.search("a", {.limit = 1}).at(0).created, open().search("a", {.limit = 1}).at(0).created);
}

TEST_P(IndexFacts, an_ann_index_that_came_later_costs_a_search_no_rows) {
    auto notes = open(nullptr);
    std::vector<std::vector<float>> vectors;
    for (int i = 0; i < 2000; ++i) vectors.push_back({1, static_cast<float>(i) / 1000});
    notes.index_all(with_vectors(vectors), &Note::vector);
    const std::vector<float> query{1, 0};
    const SearchOptions<Note> options{.limit = 10, .where = field(&Note::page) >= 1980};
    EXPECT_EQ(notes.search(query, options).size(), 10U);
    execute("CREATE INDEX by_hnsw ON " + table() + " USING hnsw (embedding vector_cosine_ops)");
    execute("ANALYZE " + table());
    EXPECT_EQ(notes.search(query, options).size(), 10U);
    std::string plan;
    for (const std::string& line : notes.explain(query, {.limit = 10}).lines) plan += line;
    EXPECT_THAT(plan, ::testing::Not(HasSubstr("by_hnsw"))) << "it was promised that every row is looked at";
    plan.clear();
    for (const std::string& line : open(nullptr).explain(query, {.limit = 10}).lines) plan += line;
    EXPECT_THAT(plan, HasSubstr("by_hnsw")) << "as the real statement is";
}

}  // namespace
}  // namespace stele::test
