// Loads of many at once, and what an invalidation does to them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/kept_strings.hpp"
#include "support/eventually.hpp"
#include "support/in_threads.hpp"
#include "support/sanitized.hpp"

namespace stele::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

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
    EXPECT_TRUE(eventually([&] { return cache.counts().misses > misses; }));
    std::this_thread::sleep_for(20ms);  // from the count to the wait
    return result;
}

TEST(LoadingCache, draive_034_loads_once_for_all_who_ask_at_the_same_time) {
    Cache cache({.limit = 5});
    constexpr int kCallers = 50;
    std::atomic<int> loads{0};
    in_threads(kCallers, [&](int) {
        const Pointer value = cache.get("key", Deadline::never(), [&] {
            ++loads;
            EXPECT_TRUE(eventually([&] { return cache.counts().misses == kCallers; }));
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

// The truth only grows. Whoever asks after the invalidation that followed a change must not be told less than that.
TEST(LoadingCache, draive_033_many_threads_never_see_less_than_the_last_invalidation_promised) {
    constexpr int kKeys = 6, kReaders = 6;
    constexpr int kChanges = kSanitized ? 3'000 : 20'000;
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
}  // namespace stele::test
