// A cache on a connection that its user has made.
#include <gtest/gtest.h>

#include "any_cache.hpp"
#include "stele/libpq.hpp"
#include "support/own_connection.hpp"
#include "support/session.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;

class CacheOnAnOwnConnection : public ::testing::Test {
protected:
    Database lent() {
        DatabaseOptions options;
        options.schema = server.schema();
        return open_on(own.get(), options);
    }

    test::Server server;
    test::OwnConnection own;
    std::shared_ptr<testing::FakeEmbedder> embedder = std::make_shared<testing::FakeEmbedder>();
};

TEST_F(CacheOnAnOwnConnection, mneme_051_060_a_callers_connection_is_a_source_and_stays_usable_after_the_cache) {
    embedder->similar("other words", "question", 0.95f);
    {
        Database database = lent();
        SemanticCache cache(database, embedder);
        cache.put("question", "answer", "acme");
        EXPECT_EQ(cache.get("question", "acme")->response, "answer");
        EXPECT_EQ(cache.get("other words", "acme")->layer, HitLayer::semantic);
        const auto writes = [](AnswerSink& sink) { sink.write("computed"); };
        EXPECT_EQ(cache.get_or_compute("another", "acme", writes).kept, Kept::stored);
        Transaction transaction = database.begin();
        SemanticCache inside = cache.in(transaction);
        inside.put("in a transaction", "answer", "acme");
        EXPECT_TRUE(inside.get("other words", "acme"));
        transaction.commit();
        EXPECT_TRUE(cache.get("in a transaction", "acme"));
    }
    EXPECT_EQ(own.ask("SELECT count(*) FROM " + server.schema() + ".entries"), "3");
    EXPECT_EQ(own.ask("SELECT count(*) FROM pg_prepared_statements"), "0");
}

TEST_F(CacheOnAnOwnConnection, what_others_put_and_remove_is_seen) {
    Database database = lent();
    SemanticCache cache(database, embedder);
    Database other = server.open();
    SemanticCache others(other, embedder);
    others.put("question", "first");
    test::settle(database);
    EXPECT_EQ(cache.get("question")->response, "first");
    others.put("question", "second");
    test::settle(database);
    EXPECT_EQ(cache.get("question")->response, "second");
    cache.remove("question");
    test::settle(other);
    EXPECT_FALSE(others.get("question"));
}

TEST_F(CacheOnAnOwnConnection, mneme_066_closed_underneath_it_makes_get_a_counted_miss_and_put_an_error) {
    Database database = lent();
    SemanticCache cache(database, embedder);
    cache.put("question", "answer");
    Database other = server.bare();
    test::end_session(other, own.pid(), 10s);
    EXPECT_EQ(error_of([&] { cache.put("another", "answer"); }).code, ErrorCode::unavailable);
    EXPECT_FALSE(cache.get("another"));
    EXPECT_EQ(cache.look_up("another").miss, MissReason::unavailable);
}

}  // namespace
}  // namespace stele
