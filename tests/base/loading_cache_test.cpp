#include "base/loading_cache.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/eventually.hpp"
#include "support/in_threads.hpp"
#include "support/sanitized.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using Cache = LoadingCache<std::string>;
using Pointer = Cache::Pointer;
using testing::HasSubstr;

/// Moved by hand.
struct FakeClock {
    std::atomic<std::chrono::nanoseconds::rep> since_start{0};
    void advance(std::chrono::nanoseconds duration) { since_start += duration.count(); }
    std::function<Cache::Clock::time_point()> now() {
        return [this] { return Cache::Clock::time_point(std::chrono::nanoseconds(since_start)); };
    }
};

auto giving(std::string text) {
    return [text = std::move(text)] { return std::make_shared<const std::string>(text); };
}
Pointer nothing() {
    return nullptr;
}
Pointer must_not_load() {
    ADD_FAILURE() << "loads again";
    return nullptr;
}
std::string kept(const Cache& cache, std::string_view key) {
    const auto value = cache.peek(key);
    if (!value) return "not kept";
    return *value == nullptr ? "absent" : **value;
}

/// A load in another thread that goes on only when it is told to.
class SlowLoad {
public:
    SlowLoad(Cache& cache, const std::string& key, std::function<Pointer()> load, Deadline deadline = {})
        : result_(std::async(std::launch::async, [this, &cache, key, load = std::move(load), deadline] {
              return cache.get(key, deadline, [&] {
                  began_.set_value();
                  go_on_.get_future().wait();
                  return load();
              });
          })) {
        began_.get_future().wait();
    }
    void go_on() { go_on_.set_value(); }
    Pointer result() {
        go_on();
        return result_.get();
    }

private:
    std::promise<void> began_, go_on_;
    std::future<Pointer> result_;
};

/// Somebody else who asks, and by now waits.
std::future<Pointer> ask(Cache& cache, std::function<Pointer()> load, Deadline deadline = {}) {
    const auto misses = cache.counts().misses;
    auto result = std::async(std::launch::async,
                             [&cache, load = std::move(load), deadline] { return cache.get("key", deadline, load); });
    EXPECT_TRUE(test::eventually([&] { return cache.counts().misses > misses; }));
    std::this_thread::sleep_for(20ms);  // from the count to the wait
    return result;
}

ErrorCode code_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& error) {
        return error.code();
    }
    ADD_FAILURE() << "no error";
    return ErrorCode::internal;
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

TEST(LoadingCache, draive_034_loads_once_for_all_who_ask_at_the_same_time) {
    Cache cache({.limit = 5});
    constexpr int kCallers = 50;
    std::atomic<int> loads{0};
    test::in_threads(kCallers, [&](int) {
        const Pointer value = cache.get("key", Deadline::never(), [&] {
            ++loads;
            EXPECT_TRUE(test::eventually([&] { return cache.counts().misses == kCallers; }));
            return std::make_shared<const std::string>("value");
        });
        EXPECT_EQ(*value, "value");
    });
    EXPECT_EQ(loads, 1);
    EXPECT_EQ(cache.counts().loads, 1U);
    EXPECT_EQ(cache.counts().misses, static_cast<unsigned>(kCallers));
}

TEST(LoadingCache, the_load_of_one_key_delays_no_other) {
    Cache cache({.limit = 5});
    cache.get("kept", Deadline::never(), giving("kept"));
    SlowLoad slow(cache, "slow", giving("slow"));
    EXPECT_EQ(*cache.get("kept", Deadline::never(), must_not_load), "kept");
    EXPECT_EQ(*cache.get("other", Deadline::never(), giving("other")), "other");
    cache.invalidate("kept");
    EXPECT_EQ(*slow.result(), "slow");
}

TEST(LoadingCache, a_load_that_fails_fails_for_all_who_wait_and_is_not_kept) {
    Cache cache({.limit = 5});
    SlowLoad slow(cache, "key", []() -> Pointer { raise(ErrorCode::unavailable, "the server is gone"); });
    auto other = ask(cache, must_not_load);
    EXPECT_EQ(code_of([&] { slow.result(); }), ErrorCode::unavailable);
    EXPECT_EQ(code_of([&] { other.get(); }), ErrorCode::unavailable);
    EXPECT_EQ(cache.counts().entries, 0U);
    EXPECT_EQ(*cache.get("key", Deadline::never(), giving("back")), "back");
}

TEST(LoadingCache, passes_on_an_exception_of_any_type) {
    Cache cache({.limit = 5});
    SlowLoad slow(cache, "key", []() -> Pointer { throw std::out_of_range("strange"); });
    auto other = ask(cache, must_not_load);
    EXPECT_THROW(slow.result(), std::out_of_range);
    EXPECT_THROW(other.get(), std::out_of_range);
    EXPECT_THROW(cache.get("key", Deadline::never(), []() -> Pointer { throw 5; }), int);
    EXPECT_EQ(*cache.get("key", Deadline::never(), giving("value")), "value");
}

TEST(LoadingCache, a_caller_waits_for_the_load_of_another_no_longer_than_its_own_deadline) {
    Cache cache({.limit = 5});
    SlowLoad slow(cache, "key", giving("late"));
    try {
        cache.get("key", Deadline::after(30ms), must_not_load);
        ADD_FAILURE() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::deadline_exceeded);
        EXPECT_THAT(error.what(), HasSubstr(" ms of waiting for another caller that loads \"key\""));
    }
    EXPECT_EQ(*slow.result(), "late");
    EXPECT_EQ(kept(cache, "key"), "late");
}

TEST(LoadingCache, a_value_that_is_there_is_given_even_after_the_deadline) {
    Cache cache({.limit = 5});
    cache.get("key", Deadline::after(-1s), giving("value"));
    EXPECT_EQ(*cache.get("key", Deadline::after(-1s), must_not_load), "value");
}

TEST(LoadingCache, who_has_more_time_than_the_one_that_loads_then_loads_itself) {
    Cache cache({.limit = 5});
    const Deadline soon = Deadline::after(60ms);
    const auto until_soon = [&]() -> Pointer {
        while (!soon.expired()) std::this_thread::sleep_for(1ms);
        raise(ErrorCode::unavailable, "connecting took too long");  // in whatever words
    };
    SlowLoad slow(cache, "key", until_soon, soon);
    auto patient = ask(cache, giving("loaded"));
    auto also_patient = ask(cache, giving("loaded"), Deadline::after(1min));
    EXPECT_EQ(code_of([&] { slow.result(); }), ErrorCode::unavailable);
    EXPECT_EQ(*patient.get(), "loaded");
    EXPECT_EQ(*also_patient.get(), "loaded");
    EXPECT_EQ(cache.counts().loads, 2U);
}

TEST(LoadingCache, a_cancelled_caller_cancels_no_other) {
    Cache cache({.limit = 5});
    SlowLoad slow(cache, "key", []() -> Pointer { raise(ErrorCode::cancelled, "its caller cancelled it"); });
    auto other = ask(cache, giving("loaded"));
    EXPECT_EQ(code_of([&] { slow.result(); }), ErrorCode::cancelled);
    EXPECT_EQ(*other.get(), "loaded");
}

TEST(LoadingCache, a_time_limit_of_the_server_fails_for_all_when_the_caller_gave_none) {
    Cache cache({.limit = 5});
    SlowLoad slow(cache, "key", []() -> Pointer { raise(ErrorCode::deadline_exceeded, "statement timeout"); });
    auto other = ask(cache, must_not_load);
    EXPECT_EQ(code_of([&] { slow.result(); }), ErrorCode::deadline_exceeded);
    EXPECT_EQ(code_of([&] { other.get(); }), ErrorCode::deadline_exceeded);
}

TEST(LoadingCache, a_load_that_asks_for_itself_is_refused) {
    Cache cache({.limit = 5});
    const auto again = [&] { return cache.get("key", Deadline::never(), must_not_load); };
    EXPECT_EQ(code_of([&] { cache.get("key", Deadline::never(), again); }), ErrorCode::internal);
    const auto of_another = [&] { return cache.get("key", Deadline::never(), giving("value")); };
    EXPECT_EQ(*cache.get("other", Deadline::never(), of_another), "value");
}

TEST(LoadingCache, an_invalidated_value_is_gone_and_no_other) {
    Cache cache({.limit = 5});
    for (const char* key : {"a", "b", "c"}) cache.get(key, Deadline::never(), giving(key));
    cache.invalidate("a");
    cache.invalidate("unknown");
    EXPECT_EQ(kept(cache, "a"), "not kept");
    EXPECT_EQ(kept(cache, "b"), "b");
    EXPECT_EQ(cache.counts().entries, 2U);
    cache.invalidate_all();
    EXPECT_EQ(kept(cache, "b"), "not kept");
    EXPECT_EQ(kept(cache, "c"), "not kept");
    EXPECT_EQ(cache.counts().entries, 0U);
    EXPECT_EQ(*cache.get("a", Deadline::never(), giving("new")), "new");
}

TEST(LoadingCache, draive_033_an_invalidated_load_answers_those_who_asked_before_and_is_forgotten) {
    const std::function<void(Cache&)> ways[] = {[](Cache& cache) { cache.invalidate("key"); },
                                                [](Cache& cache) { cache.invalidate_all(); }};
    for (const auto& invalidate : ways) {
        Cache cache({.limit = 5});
        SlowLoad slow(cache, "key", giving("old"));
        auto before = ask(cache, must_not_load);
        invalidate(cache);
        EXPECT_EQ(*cache.get("key", Deadline::never(), giving("new")), "new");
        EXPECT_EQ(*slow.result(), "old");
        EXPECT_EQ(*before.get(), "old");
        EXPECT_EQ(kept(cache, "key"), "new");
    }
}

TEST(LoadingCache, an_old_load_that_ends_or_fails_does_not_disturb_the_one_that_replaced_it) {
    Cache cache({.limit = 5});
    SlowLoad oldest(cache, "key", []() -> Pointer { throw std::out_of_range("strange"); });
    cache.invalidate("key");
    SlowLoad older(cache, "key", giving("older"));
    cache.invalidate_all();
    SlowLoad newest(cache, "key", giving("newest"));
    EXPECT_THROW(oldest.result(), std::out_of_range);
    EXPECT_EQ(*older.result(), "older");
    EXPECT_EQ(kept(cache, "key"), "not kept");
    auto other = ask(cache, must_not_load);
    EXPECT_EQ(*newest.result(), "newest");
    EXPECT_EQ(*other.get(), "newest");
    EXPECT_EQ(kept(cache, "key"), "newest");
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

// The truth only grows. Whoever asks after the invalidation that followed a change must not be told less than that.
TEST(LoadingCache, draive_033_many_threads_never_see_less_than_the_last_invalidation_promised) {
    constexpr int kKeys = 6, kReaders = 6;
    constexpr int kChanges = test::kSanitized ? 3'000 : 20'000;
    struct Key {
        std::string name;
        std::atomic<int> truth{0}, promised{0};
    };
    std::vector<Key> keys(kKeys);
    for (int i = 0; i < kKeys; ++i) keys[static_cast<std::size_t>(i)].name = "key " + std::to_string(i);
    LoadingCache<int> cache({.limit = 4});
    std::atomic<bool> done{false};
    std::atomic<int> stale{0};
    std::vector<std::thread> readers;
    for (int reader = 0; reader < kReaders; ++reader) {
        readers.emplace_back([&, reader] {
            for (unsigned n = static_cast<unsigned>(reader); !done; n += 7) {
                Key& key = keys[n % kKeys];
                const int promised = key.promised;
                const auto load = [&] {
                    auto found = std::make_shared<const int>(key.truth);
                    if (n % 3 == 0) std::this_thread::yield();  // known, but not yet told
                    if (n % 11 == 0) raise(ErrorCode::unavailable, "sometimes");
                    return found;
                };
                try {
                    if (*cache.get(key.name, Deadline::never(), load) < promised) ++stale;
                } catch (const Error& error) {
                    if (error.code() != ErrorCode::unavailable) ++stale;
                }
                const int promised_again = key.promised;
                const auto kept = cache.peek(key.name);
                if (kept && **kept < promised_again) ++stale;
            }
        });
    }
    for (int change = 1; change <= kChanges; ++change) {
        Key& key = keys[static_cast<std::size_t>(change) % kKeys];
        key.truth = change;
        if (change % 50 == 0) {
            cache.invalidate_all();
        } else {
            cache.invalidate(key.name);
        }
        key.promised = change;
        if (change % 4 == 0) std::this_thread::yield();
    }
    done = true;
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(stale, 0);
    EXPECT_LE(cache.counts().entries, 4U);
    EXPECT_GT(cache.counts().hits, 0U);
    for (Key& key : keys) {
        const auto load = [&] { return std::make_shared<const int>(key.truth); };
        EXPECT_EQ(*cache.get(key.name, Deadline::never(), load), key.truth);
    }
}

}  // namespace
}  // namespace stele
