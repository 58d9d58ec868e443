#include "cache/lifetime.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/hash.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;

TEST(Lifetime, without_jitter_it_is_what_was_asked_for) {
    EXPECT_EQ(jittered(3600s, 0.0f, query_hash("question")), 3600s);
}

TEST(Lifetime, jitter_shortens_by_up_to_its_share_and_alike_for_the_same_question) {
    std::set<std::chrono::seconds> all;
    for (int i = 0; i < 1000; ++i) {
        const std::string hash = query_hash("question " + std::to_string(i));
        const std::chrono::seconds lifetime = jittered(10'000s, 0.1f, hash);
        EXPECT_EQ(jittered(10'000s, 0.1f, hash), lifetime);
        EXPECT_LE(lifetime, 10'000s);
        EXPECT_GT(lifetime, 8'999s);
        all.insert(lifetime);
    }
    EXPECT_GT(all.size(), 500U) << "hardly two of a thousand expire in the same second";
    EXPECT_LT(*all.begin(), 9'050s);
    EXPECT_GT(*all.rbegin(), 9'950s);
}

TEST(Lifetime, a_short_one_stays_one) {
    EXPECT_EQ(jittered(1s, 0.9f, std::string(64, 'f')), 1s);
    EXPECT_EQ(jittered(2s, 0.9f, std::string(64, 'f')), 1s);
    EXPECT_EQ(jittered(100s, 0.5f, std::string(64, '0')), 100s);
}

}  // namespace
}  // namespace stele
