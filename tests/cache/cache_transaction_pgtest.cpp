// Answers that are put with something else, or not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "any_cache.hpp"
#include "stele/configuration.hpp"
#include "stele/labels.hpp"
#include "stele/semantic_cache.hpp"
#include "stele/templates.hpp"
#include "stele/testing.hpp"
#include "support/eventually.hpp"
#include "support/proxy.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using testing::FakeEmbedder;
using ::testing::HasSubstr;

class CacheInATransaction : public ::testing::Test {
protected:
    CacheInATransaction() {
        embedder_->similar("paraphrase", "question", 0.95f);
        embedder_->similar("other words", "another", 0.95f);
    }
    static std::string answer(SemanticCache& cache, std::string_view query, const Scope& scope = {}) {
        const std::optional<Hit> hit = cache.get(query, scope);
        return hit ? hit->response : "none";
    }
    static std::string answer(SemanticCache&& cache, std::string_view query) { return answer(cache, query); }
    SemanticCache other_process() {
        others_.push_back(server_.open());
        return SemanticCache(others_.back(), embedder_);
    }
    // the bound within which a process knows what others did has passed
    void settle() {
        test::settle(database_);
        for (const Database& each : others_) test::settle(each);
    }
    std::int64_t number(const std::string& sql) { return database_.query(Statement(sql))[0].get<std::int64_t>(0); }
    std::int64_t version() {
        return number("SELECT value::bigint FROM " + server_.schema() +
                      ".multi_process_state WHERE key = 'version_counter'");
    }
    /// As if the transaction's puts had been made so many seconds ago.
    void age(Transaction& transaction, std::int64_t seconds) {
        transaction.execute(
            Statement("UPDATE " + server_.schema() + ".entries SET created_at = created_at - $1", seconds));
    }

    test::Server server_;
    Database database_ = server_.open();
    std::deque<Database> others_;
    std::shared_ptr<FakeEmbedder> embedder_ = std::make_shared<FakeEmbedder>();
    SemanticCache cache_{database_, embedder_};
};

TEST_F(CacheInATransaction, gets_inside_find_what_was_put_inside_and_others_do_not_before_the_commit) {
    SemanticCache other = other_process();
    EXPECT_EQ(answer(other, "paraphrase"), "none");
    Transaction transaction = database_.begin();
    SemanticCache inside = cache_.in(transaction);
    inside.put("question", "answer");
    EXPECT_EQ(inside.get("question")->layer, HitLayer::exact);
    EXPECT_EQ(inside.get("paraphrase")->layer, HitLayer::semantic);
    EXPECT_EQ(inside.list().size(), 1u);
    EXPECT_EQ(inside.stats().entries, 1);
    for (SemanticCache* outside : {&cache_, &other}) {
        EXPECT_EQ(answer(*outside, "question"), "none");
        EXPECT_EQ(answer(*outside, "paraphrase"), "none");
    }
    transaction.commit();
    EXPECT_EQ(answer(cache_, "paraphrase"), "answer") << "this process knows at once";
    settle();
    for (SemanticCache* outside : {&cache_, &other}) {
        EXPECT_EQ(answer(*outside, "question"), "answer");
        EXPECT_EQ(answer(*outside, "paraphrase"), "answer");
    }
}

TEST_F(CacheInATransaction, gets_inside_find_what_is_outside_whether_it_is_in_memory_or_not) {
    cache_.put("question", "in memory");
    EXPECT_EQ(answer(cache_, "paraphrase"), "in memory");
    other_process().put("another", "not yet");
    Transaction transaction = database_.begin();
    SemanticCache inside = cache_.in(transaction);
    EXPECT_EQ(answer(inside, "paraphrase"), "in memory");
    EXPECT_EQ(answer(inside, "other words"), "not yet");
    EXPECT_EQ(answer(inside, "other words"), "not yet") << "what it read it keeps";
    EXPECT_EQ(cache_.stats().index_rows, 1u) << "only what was read outside is in memory";
    inside.remove("question");
    inside.put("another", "replaced", {}, {.embedding = embedder_->embed_one("elsewhere", {}).vector});
    EXPECT_EQ(answer(inside, "paraphrase"), "none");
    EXPECT_EQ(answer(inside, "other words"), "none");
    EXPECT_EQ(answer(inside, "elsewhere"), "replaced");
    EXPECT_EQ(answer(cache_, "paraphrase"), "in memory");
    settle();
    EXPECT_EQ(answer(cache_, "other words"), "not yet");
    transaction.rollback();
    EXPECT_EQ(answer(cache_, "paraphrase"), "in memory");
    EXPECT_EQ(answer(cache_, "other words"), "not yet");
    EXPECT_EQ(answer(cache_, "elsewhere"), "none");
}

TEST_F(CacheInATransaction, a_get_in_a_repeatable_read_transaction_finds_what_was_there_when_it_began) {
    cache_.put("question", "old");
    EXPECT_EQ(answer(cache_, "paraphrase"), "old");
    Transaction transaction = database_.begin({.isolation = Isolation::repeatable_read});
    SemanticCache inside = cache_.in(transaction);
    EXPECT_EQ(answer(inside, "another"), "none");  // it has begun
    cache_.put("question", "new", {}, {.embedding = embedder_->embed_one("elsewhere", {}).vector});
    cache_.put("another", "later");
    EXPECT_EQ(answer(cache_, "other words"), "later");
    EXPECT_EQ(answer(inside, "paraphrase"), "old");
    EXPECT_EQ(answer(inside, "other words"), "none");
    EXPECT_EQ(answer(inside, "elsewhere"), "none");
    EXPECT_EQ(answer(cache_, "elsewhere"), "new") << "the memory that all share is as it was";
    EXPECT_EQ(answer(cache_, "other words"), "later");
    inside.put("third", "answer");
    const ErrorInfo error = error_of([&] { transaction.commit(); });
    EXPECT_EQ(error.retry, Retry::transaction);
    EXPECT_FALSE(error.in_doubt);
    EXPECT_FALSE(transaction.active());
    EXPECT_EQ(answer(cache_, "third"), "none");
}

TEST_F(CacheInATransaction, a_rollback_leaves_no_trace) {
    cache_.put("another", "answer");
    EXPECT_EQ(answer(cache_, "other words"), "answer");
    const CacheStats before = cache_.stats();
    const std::int64_t version_before = version();
    {
        Transaction transaction = database_.begin();
        SemanticCache inside = cache_.in(transaction);
        inside.put("question", "never", Scope("acme").with("model", "m"));
        inside.put("question", "never");
        EXPECT_TRUE(inside.remove("another"));
        EXPECT_FALSE(inside.remove("another"));
        answer(inside, "paraphrase");
        answer(inside, "question");
        answer(inside, "other words");
        inside.get("question", {}, {.bypass = true});
    }
    EXPECT_EQ(version(), version_before);
    EXPECT_EQ(number("SELECT count(*) FROM " + server_.schema() + ".stele_scopes"), 0);
    const CacheStats after = cache_.stats();
    EXPECT_EQ(after.entries, before.entries);
    EXPECT_EQ(after.index_rows, before.index_rows);
    EXPECT_EQ(after.hits_exact, before.hits_exact);
    EXPECT_EQ(after.hits_semantic, before.hits_semantic);
    EXPECT_EQ(after.misses, before.misses);
    EXPECT_EQ(answer(cache_, "question"), "none");
    EXPECT_EQ(answer(cache_, "paraphrase"), "none");
    EXPECT_EQ(answer(cache_, "other words"), "answer");
}

TEST_F(CacheInATransaction, gets_inside_count_when_it_is_committed) {
    Transaction transaction = database_.begin();
    SemanticCache inside = cache_.in(transaction);
    inside.put("question", "answer");
    answer(inside, "question");
    answer(inside, "paraphrase");
    {
        Savepoint undone = transaction.savepoint();
        SemanticCache within = cache_.in(undone);
        answer(within, "question");
        answer(within, "nothing");
    }
    Savepoint kept = transaction.savepoint();
    SemanticCache within = cache_.in(kept);
    answer(within, "nothing");
    kept.release();
    answer(cache_, "question");  // a miss of its own, and counted at once
    EXPECT_EQ(inside.stats().misses, 1);
    EXPECT_EQ(cache_.stats().hits_exact, 0);
    transaction.commit();
    const CacheStats stats = cache_.stats();
    EXPECT_EQ(stats.hits_exact, 1);
    EXPECT_EQ(stats.hits_semantic, 1);
    EXPECT_EQ(stats.misses, 2);
}

TEST_F(CacheInATransaction, a_savepoint_takes_back_its_own_part_only) {
    cache_.put("another", "old");
    Transaction transaction = database_.begin();
    cache_.in(transaction).put("question", "kept");
    {
        Savepoint undone = transaction.savepoint();
        SemanticCache within = cache_.in(undone);
        within.put("question", "undone");
        within.put("another", "undone");
        within.put("third", "undone", Scope("acme").with("model", "undone"));
        EXPECT_EQ(answer(within, "paraphrase"), "undone");
        undone.rollback();
    }
    EXPECT_EQ(answer(cache_.in(transaction), "paraphrase"), "kept");
    Savepoint outer = transaction.savepoint();
    Savepoint inner = outer.savepoint();
    const Scope scope = Scope("acme").with("model", "kept");
    cache_.in(inner).put("fourth", "kept", scope);
    inner.release();
    outer.release();
    const std::int64_t before = version();
    transaction.commit();
    EXPECT_EQ(version(), before + 102) << "two puts were kept";
    EXPECT_EQ(answer(cache_, "paraphrase"), "kept");
    EXPECT_EQ(answer(cache_, "other words"), "old");
    EXPECT_EQ(answer(cache_, "fourth", scope), "kept");
    EXPECT_EQ(number("SELECT count(*) FROM " + server_.schema() + ".stele_scopes"), 1);
}

TEST_F(CacheInATransaction, a_transaction_that_only_looks_raises_nothing) {
    cache_.put("question", "answer");
    const std::int64_t before = version();
    Transaction transaction = database_.begin();
    SemanticCache inside = cache_.in(transaction);
    answer(inside, "question");
    EXPECT_FALSE(inside.remove("nothing"));
    transaction.commit();
    EXPECT_EQ(version(), before);
    Transaction removing = database_.begin();
    EXPECT_TRUE(cache_.in(removing).remove("question"));
    removing.commit();
    EXPECT_EQ(version(), before + 101);
    EXPECT_EQ(answer(cache_, "paraphrase"), "none");
}

TEST_F(CacheInATransaction, an_open_transaction_delays_nobody_who_changes_something_else) {
    const Scope scope = Scope("acme").with("model", "m");
    Transaction transaction = database_.begin();
    SemanticCache inside = cache_.in(transaction);
    inside.put("question", "inside", scope);
    inside.put("question", "inside");
    const auto soon = [] { return Deadline::after(5s); };
    cache_.put("another", "outside", scope, {.deadline = soon()});
    EXPECT_TRUE(cache_.remove("another", scope, soon()));
    Transaction second = database_.begin();
    cache_.in(second).put("third", "inside", scope, {.deadline = soon()});
    second.commit(soon());
    transaction.commit();
    EXPECT_EQ(answer(cache_, "question", scope), "inside");
    EXPECT_EQ(answer(cache_, "third", scope), "inside");
}

TEST_F(CacheInATransaction, who_changes_the_same_question_waits_and_lets_all_others_pass) {
    const auto waiting = [this] {
        return number("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 1;
    };
    for (const bool removes : {false, true}) {
        Transaction transaction = database_.begin();
        cache_.in(transaction).put("question", "inside");
        std::thread same([&] {
            if (removes) {
                EXPECT_NO_THROW(EXPECT_TRUE(cache_.remove("question")));
            } else {
                EXPECT_NO_THROW(cache_.put("question", "outside"));
            }
        });
        EXPECT_TRUE(test::eventually(waiting));
        EXPECT_NO_THROW(cache_.put("another", "outside", {}, {.deadline = Deadline::after(5s)}));
        transaction.commit();
        same.join();
        EXPECT_EQ(answer(cache_, "question"), removes ? "none" : "outside");
        EXPECT_EQ(answer(cache_, "paraphrase"), removes ? "none" : "outside");
    }
}

TEST_F(CacheInATransaction, what_is_committed_after_later_entries_is_found_by_meaning_however_late) {
    SemanticCache other = other_process();
    EXPECT_EQ(answer(other, "warm up"), "none");
    for (const std::int64_t seconds : {0, 31, 3'600}) {
        const std::string n = std::to_string(seconds);
        embedder_->similar("paraphrase " + n, "late " + n, 0.95f);
        embedder_->similar("other words " + n, "early " + n, 0.95f);
        Transaction transaction = database_.begin();
        cache_.in(transaction).put("late " + n, "late");
        age(transaction, seconds);
        for (int i = 0; i < 3; ++i) cache_.put("early " + n, "early");
        settle();
        for (SemanticCache* outside : {&cache_, &other}) {
            EXPECT_EQ(answer(*outside, "other words " + n), "early");
            EXPECT_EQ(answer(*outside, "paraphrase " + n), "none");
        }
        transaction.commit();
        EXPECT_EQ(answer(cache_, "paraphrase " + n), "late") << "this process knows at once";
        settle();
        for (SemanticCache* outside : {&cache_, &other}) {
            EXPECT_EQ(answer(*outside, "paraphrase " + n), "late") << seconds;
            EXPECT_EQ(answer(*outside, "other words " + n), "early");
        }
    }
}

TEST_F(CacheInATransaction, a_late_entry_among_many_new_ones_is_found_by_meaning) {
    SemanticCache other = other_process();
    EXPECT_EQ(answer(other, "warm up"), "none");
    Transaction transaction = database_.begin();
    SemanticCache inside = cache_.in(transaction);
    inside.put("question", "late");
    cache_.put("another", "early");
    settle();
    EXPECT_EQ(answer(other, "other words"), "early");
    const PutOptions elsewhere{.embedding = embedder_->embed_one("elsewhere", {}).vector};
    for (int i = 0; i < 100; ++i) inside.put("many " + std::to_string(i), "new", {}, elsewhere);
    transaction.commit();
    settle();
    EXPECT_EQ(answer(other, "elsewhere"), "new");
    EXPECT_EQ(answer(other, "paraphrase"), "late");
}

TEST_F(CacheInATransaction, the_commit_of_a_put_is_one_round_trip) {
    test::Proxy proxy(test::server_dsn());
    DatabaseOptions options = test::undisturbed(server_.options(proxy.dsn()));
    options.max_connections = 2;
    Database database = Database::open(options);
    SemanticCache cache(database, embedder_);
    test::settle(database);
    for (int i = 0; i < 2; ++i) {
        Transaction transaction = database.begin();
        const int before = proxy.requests();
        cache.in(transaction).put("question", "answer", Scope("acme").with("model", std::to_string(i)));
        EXPECT_EQ(proxy.requests() - before, 1);
        transaction.commit();
        EXPECT_EQ(proxy.requests() - before, 2);
    }
}

TEST_F(CacheInATransaction, all_stores_are_written_together_or_not_at_all) {
    ConfigurationRepository configurations(database_);
    TemplatesRepository templates(database_);
    Labels labels(database_);
    const auto write = [&](Transaction& transaction) {
        const auto revision =
            configurations.in(transaction).define("settings", Json::parse(R"({"model":"large"})"), {"ada"});
        templates.in(transaction).define({"greeting"}, "Hello");
        labels.in(transaction).move({{LabelStore::configurations, "settings", "production", revision}});
        cache_.in(transaction).put("question", "answer");
        EXPECT_TRUE(configurations.in(transaction).load_raw("settings"));
        EXPECT_EQ(labels.in(transaction).list().size(), 1u);
        EXPECT_EQ(answer(cache_.in(transaction), "paraphrase"), "answer");
    };
    {
        Transaction transaction = database_.begin();
        write(transaction);
        transaction.rollback();
    }
    EXPECT_FALSE(configurations.load_raw("settings"));
    EXPECT_TRUE(templates.templates().templates.empty());
    EXPECT_TRUE(labels.list().empty());
    EXPECT_EQ(answer(cache_, "paraphrase"), "none");
    database_.transaction(write);
    EXPECT_TRUE(configurations.at(RevisionSelector::labelled("production")).load_raw("settings"));
    EXPECT_EQ(templates.templates().templates.size(), 1u);
    EXPECT_EQ(answer(cache_, "question"), "answer");
    EXPECT_EQ(answer(cache_, "paraphrase"), "answer");
}

TEST_F(CacheInATransaction, a_commit_that_fails_before_the_commit_is_a_rollback_and_gives_a_clean_connection_back) {
    database_.execute(Statement("ALTER TABLE " + server_.schema() +
                                ".multi_process_state ADD CONSTRAINT small CHECK (length(value) < 3)"));
    DatabaseOptions options = server_.options();
    options.max_connections = 1;
    Database database = Database::open(options);
    SemanticCache cache(database, embedder_);
    Transaction transaction = database.begin();
    cache.in(transaction).put("question", "answer");
    answer(cache.in(transaction), "question");
    EXPECT_EQ(error_of([&] { transaction.commit(); }).code, ErrorCode::constraint_violation);
    EXPECT_FALSE(transaction.active());
    EXPECT_EQ(answer(cache, "question"), "none");
    EXPECT_EQ(cache.stats().hits_exact, 0);
    EXPECT_EQ(database.query("SELECT pg_current_xact_id_if_assigned() IS NULL")[0].get<bool>(0), true);
}

TEST_F(CacheInATransaction, an_error_inside_is_no_miss) {
    Transaction transaction = database_.begin();
    SemanticCache inside = cache_.in(transaction);
    EXPECT_THROW(transaction.execute("SELECT 1/0"), Error);
    EXPECT_THROW(inside.get("question"), Error);
    EXPECT_EQ(cache_.stats().unavailable, 0);
}

TEST_F(CacheInATransaction, entries_without_a_vector_get_their_zeros_at_the_commit) {
    test::Server fresh;
    Database database = fresh.open();
    SemanticCache wordless(database, nullptr, {.similarity_threshold = 0.9f});
    Transaction transaction = database.begin();
    SemanticCache inside = wordless.in(transaction);
    inside.put("question", "answer");
    EXPECT_TRUE(inside.get("question"));
    EXPECT_THAT(error_of([&] { inside.put("q", "a", {}, {.embedding = std::vector<float>(64, 1.0f)}); }).message,
                HasSubstr("outside of a transaction"));
    const SemanticCache with_vectors(database, embedder_);
    transaction.commit();
    EXPECT_EQ(database
                  .query(Statement("SELECT count(*) FROM " + fresh.schema() +
                                   ".entries WHERE octet_length(embedding) = 256"))[0]
                  .get<std::int64_t>(0),
              1);
}

TEST_F(CacheInATransaction, only_its_own_databases_transactions_are_joined) {
    Database other = server_.open();
    Transaction foreign = other.begin();
    EXPECT_THAT(error_of([&] { cache_.in(foreign); }).message, HasSubstr("another Database"));
    const SemanticCache twin = SemanticCache::in_memory();
    Transaction own = database_.begin();
    EXPECT_EQ(error_of([&] { twin.in(own); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { cache_.in(own).in(own); }).code, ErrorCode::invalid_argument);
}

TEST_F(CacheInATransaction, what_is_joined_is_closed_alone_and_with_the_cache) {
    Transaction transaction = database_.begin();
    SemanticCache inside = cache_.in(transaction);
    inside.close();
    EXPECT_EQ(error_of([&] { inside.get("question"); }).code, ErrorCode::closed);
    SemanticCache again = cache_.in(transaction);
    again.put("question", "answer");
    cache_.close();
    EXPECT_EQ(error_of([&] { again.get("question"); }).code, ErrorCode::closed);
    EXPECT_EQ(error_of([&] { cache_.in(transaction); }).code, ErrorCode::closed);
}

}  // namespace
}  // namespace stele
