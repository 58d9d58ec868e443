// The store is away for a while, or the wire is cut in the middle of a call.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "any_cache.hpp"
#include "stele/semantic_cache.hpp"
#include "stele/testing.hpp"
#include "support/proxy.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::Proxy;
using test::Server;
using testing::FakeEmbedder;

class CacheOutageTest : public ::testing::Test {
protected:
    Database through_proxy(const Server& at) {
        DatabaseOptions options = at.options(proxy.dsn());
        options.max_connections = 1;
        options.call_timeout = 5s;
        return Database::open(options);
    }

    Server server;
    Database database = server.open();
    Proxy proxy{test::server_dsn()};
    std::shared_ptr<FakeEmbedder> embedder = std::make_shared<FakeEmbedder>();
};

TEST_F(CacheOutageTest, mneme_066_a_store_that_is_away_makes_get_a_counted_miss_and_put_an_error) {
    SemanticCache cache(through_proxy(server), embedder);
    cache.put("question", "answer");
    proxy.refuse(true);
    proxy.drop_reply(1);
    EXPECT_FALSE(cache.get("question", {}, {.deadline = Deadline::after(200ms)}));
    PutOptions hurried;
    hurried.deadline = Deadline::after(200ms);
    EXPECT_EQ(error_of([&] { cache.put("another", "answer", {}, hurried); }).code, ErrorCode::unavailable);
    proxy.refuse(false);
    EXPECT_TRUE(cache.get("question"));
    EXPECT_EQ(cache.stats().unavailable, 1);
}

TEST_F(CacheOutageTest, get_throws_if_it_was_told_to) {
    SemanticCache cache(through_proxy(server), embedder, {.miss_when_unavailable = false});
    proxy.refuse(true);
    proxy.drop_reply(1);
    EXPECT_EQ(error_of([&] { cache.get("question", {}, {.deadline = Deadline::after(200ms)}); }).code,
              ErrorCode::unavailable);
    proxy.refuse(false);
}

TEST_F(CacheOutageTest, a_get_gives_the_right_answer_whichever_reply_is_lost) {
    embedder->similar("paraphrase", "question", 0.95f);
    SemanticCache(database, embedder).put("question", "answer");
    // lookup, load and fetch, and what is asked of the change log meanwhile
    for (int cut = 1; cut <= 5; ++cut) {
        SemanticCache cache(through_proxy(server), embedder);
        proxy.drop_reply(cut);
        const std::optional<Hit> hit = cache.get("paraphrase");
        EXPECT_TRUE(proxy.dropped() || cut > 3) << cut;
        proxy.disarm();
        ASSERT_TRUE(hit) << cut;
        EXPECT_EQ(hit->response, "answer") << cut;
        EXPECT_EQ(cache.stats().unavailable, 0) << cut;
    }
}

TEST_F(CacheOutageTest, a_put_whose_reply_is_lost_is_in_doubt_and_may_simply_be_made_again) {
    DatabaseOptions options = test::undisturbed(server.options(proxy.dsn()));
    options.max_connections = 1;
    Database through = Database::open(options);
    SemanticCache cache(through, embedder);
    test::settle(through);
    proxy.drop_reply(1);
    const ErrorInfo error = error_of([&] { cache.put("question", "answer"); });
    EXPECT_TRUE(proxy.dropped());
    EXPECT_EQ(error.code, ErrorCode::unavailable);
    EXPECT_TRUE(error.in_doubt);
    cache.put("question", "answer");
    EXPECT_EQ(cache.get("question")->response, "answer");
    EXPECT_EQ(cache.stats().entries, 1);
}

TEST_F(CacheOutageTest, opening_survives_the_loss_of_any_reply) {
    // settings, claim, the first get's lookup and load, the counters at the end, and what is asked of the change log
    for (int cut = 1; cut <= 7; ++cut) {
        const Server fresh;
        Database mine = through_proxy(fresh);
        proxy.drop_reply(cut);
        EXPECT_NO_THROW(SemanticCache(mine, embedder).get("question")) << cut;
        EXPECT_TRUE(proxy.dropped() || cut > 5) << cut;
        proxy.disarm();
    }
}

TEST_F(CacheOutageTest, counters_that_could_not_be_saved_are_saved_later) {
    SemanticCache cache(through_proxy(server), embedder);
    cache.put("question", "answer");
    EXPECT_TRUE(cache.get("question"));
    proxy.refuse(true);
    proxy.drop_reply(1);
    EXPECT_FALSE(cache.get("question", {}, {.deadline = Deadline::after(200ms)}));  // now there is no connection
    EXPECT_TRUE(proxy.dropped());
    EXPECT_EQ(error_of([&] { cache.stats({}, Deadline::after(200ms)); }).code, ErrorCode::unavailable);
    proxy.refuse(false);
    EXPECT_EQ(cache.stats().hits_exact, 1);
    EXPECT_EQ(cache.stats().misses, 1);
}

}  // namespace
}  // namespace stele
