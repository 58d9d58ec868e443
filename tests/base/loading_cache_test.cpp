// What is kept, for how long, and when it is destroyed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "base/kept_strings.hpp"

namespace stele::test {
namespace {

using namespace std::chrono_literals;

/// Moved by hand.
struct FakeClock {
    std::atomic<std::chrono::nanoseconds::rep> since_start{0};
    void advance(std::chrono::nanoseconds duration) { since_start += duration.count(); }
    std::function<Cache::Clock::time_point()> now() {
        return [this] { return Cache::Clock::time_point(std::chrono::nanoseconds(since_start)); };
    }
};

Pointer nothing() {
    return nullptr;
}

TEST(LoadingCache, loads_a_value_once_and_hands_out_the_same_one) {
    Cache cache({.limit = 2});
    const Pointer first = cache.get("key", Deadline::never(), giving("value"));
    EXPECT_EQ(*first, "value");
    EXPECT_EQ(cache.get("key", Deadline::never(), must_not_load).get(), first.get());
    EXPECT_EQ(cache.peek("key")->get(), first.get());
}

TEST(LoadingCache, draive_031_keeps_that_there_is_nothing) {
    Cache cache({.limit = 2});
    EXPECT_EQ(cache.get("key", Deadline::never(), nothing), nullptr);
    EXPECT_EQ(cache.get("key", Deadline::never(), must_not_load), nullptr);
    EXPECT_EQ(kept(cache, "key"), "absent");
    cache.invalidate("key");
    EXPECT_EQ(*cache.get("key", Deadline::never(), giving("defined")), "defined");
}

TEST(LoadingCache, a_look_finds_only_what_is_kept_and_loads_nothing) {
    Cache cache({.limit = 2});
    EXPECT_FALSE(cache.peek("key"));
    cache.get("key", Deadline::never(), giving("value"));
    EXPECT_EQ(kept(cache, "key"), "value");
    EXPECT_FALSE(cache.peek("ke"));
    EXPECT_FALSE(cache.peek(""));
}

TEST(LoadingCache, draive_030_loads_again_when_the_time_is_over) {
    FakeClock clock;
    Cache cache({.limit = 2, .ttl = 10s, .now = clock.now()});
    cache.get("key", Deadline::never(), giving("old"));
    clock.advance(10s - 1ns);
    EXPECT_EQ(*cache.get("key", Deadline::never(), must_not_load), "old");
    clock.advance(1ns);
    EXPECT_EQ(kept(cache, "key"), "not kept");
    EXPECT_EQ(*cache.get("key", Deadline::never(), giving("new")), "new");
    EXPECT_EQ(cache.counts().entries, 1U);
}

TEST(LoadingCache, counts_the_time_from_the_begin_of_the_load_and_not_from_its_end) {
    FakeClock clock;
    Cache cache({.limit = 2, .ttl = 10s, .now = clock.now()});
    const auto slow = [&] {
        clock.advance(7s);
        return std::make_shared<const std::string>("slow");
    };
    cache.get("key", Deadline::never(), slow);
    EXPECT_EQ(kept(cache, "key"), "slow");
    clock.advance(3s);
    EXPECT_EQ(kept(cache, "key"), "not kept");
}

TEST(LoadingCache, can_keep_values_for_ever_and_not_at_all) {
    FakeClock clock;
    Cache for_ever({.limit = 2, .ttl = Cache::Clock::duration::max(), .now = clock.now()});
    for_ever.get("key", Deadline::never(), giving("value"));
    clock.advance(std::chrono::hours(24 * 365 * 200));
    EXPECT_EQ(kept(for_ever, "key"), "value");
    for (const auto& options : {Cache::Options{.limit = 2, .ttl = 0s}, Cache::Options{.limit = 0}}) {
        Cache cache(options);
        EXPECT_EQ(*cache.get("key", Deadline::never(), giving("value")), "value");
        EXPECT_EQ(kept(cache, "key"), "not kept");
        EXPECT_EQ(cache.counts().entries, 0U);
    }
    EXPECT_EQ(code_of([] { Cache({.ttl = -1s}); }), ErrorCode::invalid_argument);
}

TEST(LoadingCache, draive_030_drops_what_was_not_used_for_longest_beyond_the_limit) {
    Cache cache({.limit = 3});
    for (const char* key : {"a", "b", "c"}) cache.get(key, Deadline::never(), giving(key));
    cache.get("a", Deadline::never(), must_not_load);
    cache.get("d", Deadline::never(), giving("d"));
    EXPECT_EQ(kept(cache, "b"), "not kept");
    for (const char* key : {"a", "c", "d"}) EXPECT_EQ(kept(cache, key), key);
    EXPECT_EQ(cache.counts().entries, 3U);
}

TEST(LoadingCache, a_limit_of_one_keeps_the_last) {
    Cache cache({.limit = 1});
    for (const char* key : {"a", "b", "a"}) {
        cache.get(key, Deadline::never(), giving(key));
        EXPECT_EQ(kept(cache, key), key);
        EXPECT_EQ(cache.counts().entries, 1U);
    }
    EXPECT_EQ(cache.counts().loads, 3U);
}

TEST(LoadingCache, drops_one_even_if_all_are_in_use_and_keeps_the_limit_exactly) {
    constexpr std::size_t kLimit = 3 * Cache::kChances;
    Cache cache({.limit = kLimit});
    for (std::size_t i = 0; i < kLimit; ++i) cache.get(std::to_string(i), Deadline::never(), giving("value"));
    for (std::size_t i = 0; i < kLimit; ++i) EXPECT_TRUE(cache.peek(std::to_string(i)));
    EXPECT_EQ(cache.counts().entries, kLimit);
    cache.get("another", Deadline::never(), giving("value"));
    EXPECT_EQ(cache.counts().entries, kLimit);
    EXPECT_TRUE(cache.peek("another"));
    EXPECT_TRUE(cache.peek("0")) << "was used, and had its chance";
}

TEST(LoadingCache, what_is_too_old_goes_first_even_if_it_was_used) {
    FakeClock clock;
    Cache cache({.limit = 2, .ttl = 10s, .now = clock.now()});
    cache.get("old", Deadline::never(), giving("old"));
    cache.get("old", Deadline::never(), must_not_load);
    clock.advance(5s);
    cache.get("young", Deadline::never(), giving("young"));
    clock.advance(5s);
    cache.get("new", Deadline::never(), giving("new"));
    EXPECT_EQ(kept(cache, "young"), "young");
}

TEST(LoadingCache, counts_hits_misses_loads_and_entries) {
    Cache cache({.limit = 5});
    cache.get("a", Deadline::never(), giving("a"));
    cache.get("b", Deadline::never(), nothing);
    cache.get("a", Deadline::never(), must_not_load);
    cache.peek("b");
    cache.peek("c");
    const Cache::Counts counts = cache.counts();
    EXPECT_EQ(counts.hits, 2U);
    EXPECT_EQ(counts.misses, 2U);
    EXPECT_EQ(counts.loads, 2U);
    EXPECT_EQ(counts.entries, 2U);
}

/// Looks into the cache when it goes, which would never end if the cache were locked.
struct Curious {
    LoadingCache<Curious>* cache = nullptr;
    int* gone = nullptr;
    Curious(LoadingCache<Curious>& owner, int& count) : cache(&owner), gone(&count) {}
    Curious(const Curious&) = delete;
    Curious& operator=(const Curious&) = delete;
    ~Curious() {
        cache->invalidate("unknown");
        EXPECT_FALSE(cache->peek("unknown"));
        ++*gone;
    }
};

TEST(LoadingCache, destroys_values_without_holding_a_lock) {
    FakeClock clock;
    LoadingCache<Curious> cache({.limit = 2, .ttl = 10s, .now = clock.now()});
    int gone = 0;
    const auto load = [&] { return std::make_shared<const Curious>(cache, gone); };
    for (const char* key : {"a", "b", "c"}) cache.get(key, Deadline::never(), load);
    EXPECT_EQ(gone, 1) << "for want of room";
    cache.invalidate("b");
    EXPECT_EQ(gone, 2) << "invalidated";
    cache.get("d", Deadline::never(), load);
    cache.invalidate_all();
    EXPECT_EQ(gone, 4) << "invalidated with all others";
    cache.get("a", Deadline::never(), load);
    cache.get("a", Deadline::never(), load);
    clock.advance(10s);
    EXPECT_THROW(cache.get("a", Deadline::never(), []() -> LoadingCache<Curious>::Pointer { throw 5; }), int);
    EXPECT_EQ(gone, 5) << "too old";
    cache.get("a", Deadline::never(), [&] {
        auto value = load();
        cache.invalidate("a");
        return value;
    });
    EXPECT_EQ(gone, 6) << "never kept";
}

TEST(LoadingCache, a_value_lives_as_long_as_somebody_has_it) {
    std::weak_ptr<const std::string> watched;
    Pointer mine;
    {
        Cache cache({.limit = 1});
        watched = cache.get("key", Deadline::never(), giving("value"));
        mine = *cache.peek("key");
        cache.invalidate_all();
        EXPECT_FALSE(watched.expired());
    }
    EXPECT_EQ(*mine, "value");
    mine.reset();
    EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace stele::test
