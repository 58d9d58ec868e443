// Several caches on one schema, as several processes have them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "any_cache.hpp"
#include "base/hash.hpp"
#include "cache/entry_vector.hpp"
#include "stele/semantic_cache.hpp"
#include "stele/testing.hpp"
#include "support/in_threads.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using test::Server;
using testing::FakeEmbedder;

class CacheSharingTest : public ::testing::Test {
protected:
    // as a process of its own
    SemanticCache open() {
        opened.push_back(Database::open(server.options()));
        return SemanticCache(opened.back(), embedder);
    }
    // the bound within which a process knows what others did has passed
    void settle() {
        for (const Database& each : opened) test::settle(each);
    }

    // mneme's put, in a transaction of the test's: insert or replace, and only then raise the counter
    void insert_as_python(Executor& transaction, std::string_view question, const std::string& answer) {
        insert_as_python(transaction, question, answer, question);
    }
    void insert_as_python(Executor& transaction, std::string_view question, const std::string& answer,
                          std::string_view embedded) {
        const std::vector<float> vector = embedder->embed(std::span(&embedded, 1), {}).front().vector;
        transaction.execute(
            Statement("INSERT INTO " + server.schema() +
                          ".entries (namespace, query_hash, query, response, embedding, metadata, created_at,"
                          " last_accessed_at, ttl, access_count) VALUES ('default', $1, $2, $3, $4, '{}',"
                          " extract(epoch FROM clock_timestamp())::bigint, 0, NULL, 0)"
                          " ON CONFLICT (namespace, query_hash) DO UPDATE SET response = EXCLUDED.response,"
                          " embedding = EXCLUDED.embedding, created_at = EXCLUDED.created_at",
                      query_hash(question), question, answer, encode_entry_vector(vector)));
    }
    void raise_as_python(Executor& transaction) {
        transaction.execute(
            Statement("UPDATE " + server.schema() +
                      ".multi_process_state SET value = (value::bigint + 1)::text WHERE key = 'version_counter'"));
    }

    // a backup of the rows after so many puts into a fresh schema comes back, with triggers off as pg_restore may do it
    void restore_unnoticed(std::int64_t puts) {
        Transaction transaction = database.begin();
        transaction.execute(Statement("SET LOCAL session_replication_role = replica"));
        transaction.execute(Statement("DELETE FROM " + server.schema() + ".entries WHERE id > $1", puts));
        transaction.execute(
            Statement("SELECT setval($1::text::regclass, $2)", server.schema() + ".entries_id_seq", puts));
        transaction.commit();
    }

    Server server;
    Database database = server.open();
    std::deque<Database> opened;
    std::shared_ptr<FakeEmbedder> embedder = std::make_shared<FakeEmbedder>();
};

TEST_F(CacheSharingTest, mneme_143_what_one_process_puts_another_finds_by_meaning_within_the_bound) {
    SemanticCache writer = open();
    SemanticCache reader = open();
    EXPECT_FALSE(reader.get("warm up"));  // its vectors are in memory now
    for (int i = 0; i < 10; ++i) {
        const std::string question = "question " + std::to_string(i);
        embedder->similar("paraphrase " + std::to_string(i), question, 0.95f);
        writer.put(question, "answer " + std::to_string(i));
        settle();
        const std::optional<Hit> hit = reader.get("paraphrase " + std::to_string(i));
        ASSERT_TRUE(hit) << i;
        EXPECT_EQ(hit->response, "answer " + std::to_string(i));
    }
}

TEST_F(CacheSharingTest, what_one_process_removes_or_replaces_another_no_longer_serves) {
    SemanticCache writer = open();
    SemanticCache reader = open();
    embedder->similar("paraphrase", "question", 0.95f);
    for (const char* answer : {"first", "second", "third"}) {
        writer.put("question", answer);
        settle();
        EXPECT_EQ(reader.get("paraphrase")->response, answer);
        EXPECT_EQ(reader.get("question")->response, answer);
        EXPECT_NE(reader.get("question")->layer, HitLayer::semantic);
        if (answer == std::string_view("second")) {
            writer.remove("question");
            settle();
            EXPECT_FALSE(reader.get("paraphrase"));
            EXPECT_FALSE(reader.get("question"));
        }
    }
}

TEST_F(CacheSharingTest, a_row_that_a_python_process_inserted_is_found_by_meaning) {
    SemanticCache reader = open();
    EXPECT_FALSE(reader.get("warm up"));
    embedder->similar("paraphrase", "question", 0.95f);
    Transaction transaction = database.begin();
    insert_as_python(transaction, "question", "python");
    raise_as_python(transaction);
    transaction.commit();
    settle();
    EXPECT_EQ(reader.get("paraphrase")->response, "python");
    EXPECT_EQ(reader.get("QUESTION")->layer, HitLayer::exact);
}

TEST_F(CacheSharingTest, a_row_whose_commit_comes_after_that_of_a_later_row_is_found_by_meaning) {
    SemanticCache writer = open();
    SemanticCache reader = open();
    EXPECT_FALSE(reader.get("warm up"));
    embedder->similar("paraphrase", "question", 0.95f);
    Transaction late = database.begin();
    insert_as_python(late, "question", "late");
    writer.put("another", "answer");
    settle();
    EXPECT_FALSE(reader.get("paraphrase"));  // has read the row with the later id
    raise_as_python(late);
    late.commit();
    settle();
    const std::optional<Hit> hit = reader.get("paraphrase");
    ASSERT_TRUE(hit);
    EXPECT_EQ(hit->response, "late");
}

TEST_F(CacheSharingTest, a_vector_that_was_replaced_under_the_same_id_is_found_and_its_predecessor_is_not) {
    SemanticCache reader = open();
    embedder->similar("paraphrase", "question", 0.95f);
    embedder->similar("other paraphrase", "other direction", 0.95f);
    insert_as_python(database, "question", "first");
    raise_as_python(database);
    settle();
    EXPECT_EQ(reader.get("paraphrase")->response, "first");
    insert_as_python(database, "question", "second", "other direction");
    raise_as_python(database);
    settle();
    const std::optional<Hit> hit = reader.get("other paraphrase");
    ASSERT_TRUE(hit);
    EXPECT_EQ(hit->response, "second");
    EXPECT_FALSE(reader.get("paraphrase"));
}

TEST_F(CacheSharingTest, concurrent_writers_of_one_question_never_fail_and_leave_one_answer) {
    std::atomic<int> failed{0};
    test::in_threads(6, [&](int t) {
        SemanticCache cache(Database::open(server.options()), embedder);
        for (int i = 0; i < 30; ++i) {
            try {
                cache.put("the question", "answer of " + std::to_string(t));
                if (i % 5 == 4) cache.remove("the question");
            } catch (const Error& error) {
                ADD_FAILURE() << error.what();
                ++failed;
            }
        }
    });
    EXPECT_EQ(failed, 0);
    EXPECT_LE(open().stats().entries, 1);
}

TEST_F(CacheSharingTest, whatever_processes_do_at_once_each_finds_by_meaning_what_is_there_in_the_end) {
    constexpr int kQuestions = 8, kRounds = 40;
    const auto question = [](int owner, int i) { return "q" + std::to_string(owner) + "/" + std::to_string(i); };
    for (int owner = 0; owner < 3; ++owner) {
        for (int i = 0; i < kQuestions; ++i) embedder->similar("p" + question(owner, i), question(owner, i), 0.95f);
    }
    SemanticCache one = open(), two = open();
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            SemanticCache& mine = t % 2 == 0 ? one : two;
            for (int i = 0; i < kRounds; ++i) {
                const std::string asked = question(t % 2, (i * 5 + t) % kQuestions);
                mine.put(asked, "answer " + std::to_string(i));
                mine.get("p" + question((t + 1) % 3, i % kQuestions));
                if (i % 3 == 0) mine.remove(asked);
            }
        });
    }
    threads.emplace_back([&] {  // as Python, which raises the counter long after it took the id
        Database own = server.open();
        for (int i = 0; i < kRounds; ++i) {
            Transaction transaction = own.begin();
            insert_as_python(transaction, question(2, i % kQuestions), "python " + std::to_string(i));
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
            raise_as_python(transaction);
            transaction.commit();
        }
    });
    for (std::thread& thread : threads) thread.join();
    settle();

    std::map<std::string, std::string> stored;
    for (const Row& row : database.query(Statement("SELECT query, response FROM " + server.schema() + ".entries"))) {
        stored.emplace(row.get<std::string>(0), row.get<std::string>(1));
    }
    for (SemanticCache* cache : {&one, &two}) {
        for (int owner = 0; owner < 3; ++owner) {
            for (int i = 0; i < kQuestions; ++i) {
                const std::optional<Hit> hit = cache->get("p" + question(owner, i));
                const auto found = stored.find(question(owner, i));
                ASSERT_EQ(hit.has_value(), found != stored.end()) << question(owner, i);
                if (hit) {
                    EXPECT_EQ(hit->response, found->second);
                }
            }
        }
    }
}

/// Eight processes open a fresh schema at once, half of them with another embedder: all of one kind succeed.
void expect_one_of_two_embedders(const Server& fresh, std::size_t odd_dimension) {
    std::atomic<int> opened{0}, refused{0};
    test::in_threads(8, [&](int t) {
        const bool even = t % 2 == 0;
        try {
            SemanticCache cache(Database::open(fresh.options()),
                                std::make_shared<FakeEmbedder>(testing::FakeEmbedderOptions{
                                    .dimension = even ? 64 : odd_dimension, .fingerprint = even ? "even" : "odd"}));
            ++opened;
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::fingerprint_mismatch) << error.what();
            ++refused;
        }
    });
    EXPECT_EQ(opened, 4);
    EXPECT_EQ(refused, 4);
}

TEST_F(CacheSharingTest, processes_that_open_a_fresh_schema_at_once_agree_on_its_embedder) {
    Server fresh;
    expect_one_of_two_embedders(fresh, 64);
}

TEST_F(CacheSharingTest,
       embedders_of_two_dimensions_that_open_a_fresh_schema_at_once_never_lock_each_other_out_for_good) {
    for (int round = 0; round < 6; ++round) {
        Server fresh;
        static_cast<void>(fresh.open());
        expect_one_of_two_embedders(fresh, 32);
    }
}

TEST_F(CacheSharingTest, counters_of_several_processes_add_up) {
    {
        SemanticCache one = open();
        SemanticCache two = open();
        one.put("question", "answer");
        for (int i = 0; i < 3; ++i) one.get("question");
        for (int i = 0; i < 4; ++i) two.get("question");
    }
    EXPECT_EQ(open().stats().hits_exact, 7);
}

TEST_F(CacheSharingTest, nothing_rests_on_the_version_counter) {
    SemanticCache writer = open();
    SemanticCache reader = open();
    embedder->similar("paraphrase", "question", 0.95f);
    EXPECT_FALSE(reader.get("paraphrase"));
    database.execute(
        Statement("UPDATE " + server.schema() + ".multi_process_state SET value = '0' WHERE key = 'version_counter'"));
    insert_as_python(database, "question", "never counted");
    settle();
    EXPECT_EQ(reader.get("paraphrase")->response, "never counted");
    database.execute(Statement("TRUNCATE " + server.schema() + ".entries"));
    settle();
    EXPECT_FALSE(reader.get("paraphrase"));
    EXPECT_FALSE(reader.get("question"));
    writer.put("question", "answer");
    settle();
    EXPECT_TRUE(reader.get("paraphrase"));
}

TEST_F(CacheSharingTest, an_id_that_was_used_again_unnoticed_never_answers_for_the_question_that_had_it) {
    embedder->similar("how do i reset my password today?", "how do i reset my password?", 0.99f);
    embedder->similar("i want order 1001 cancelled", "cancel order 1001", 0.97f);
    SemanticCache reader = open();
    {
        SemanticCache writer = open();
        writer.put("where is my order?", "On its way");
        writer.put("how do i reset my password?", "Press reset");
    }
    settle();
    EXPECT_EQ(reader.get("how do i reset my password today?")->response, "Press reset");
    restore_unnoticed(1);
    {
        SemanticCache writer = open();
        writer.put("cancel order 1001", "Order 1001 is cancelled");
    }
    settle();
    EXPECT_FALSE(reader.get("how do i reset my password today?"));
    const std::optional<Hit> hit = reader.get("i want order 1001 cancelled");
    ASSERT_TRUE(hit);
    EXPECT_EQ(hit->response, "Order 1001 is cancelled");
}

// What a get by meaning needs of a process that has slept is read before it answers.
TEST_F(CacheSharingTest, a_process_that_did_not_look_for_long_finds_by_meaning_what_others_put_meanwhile) {
    DatabaseOptions options = server.options();
    options.max_staleness = std::chrono::milliseconds(5);
    Database slept = Database::open(options);
    SemanticCache reader(slept, embedder);
    SemanticCache writer = open();
    embedder->similar("paraphrase", "question", 0.95f);
    EXPECT_FALSE(reader.get("warm up"));
    for (int i = 0; i < 20; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        writer.put("question", "answer " + std::to_string(i));
        std::this_thread::sleep_for(std::chrono::milliseconds(6));
        EXPECT_EQ(reader.get("paraphrase")->response, "answer " + std::to_string(i));
    }
}

}  // namespace
}  // namespace stele
