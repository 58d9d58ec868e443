// Two questions, and what a guard says of them.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string_view>
#include <utility>

#include "stele/guard.hpp"

namespace stele::test {

/// Of the one asked and the other stored, and the other way round: a shipped guard must not care. Nothing: accepted.
inline std::optional<Refusal> refusal(const Guard& guard, std::string_view asked, std::string_view stored) {
    const Json metadata = Json::object();
    const auto check = [&](std::string_view one, std::string_view other) {
        return guard.check({.asked = one,
                            .asked_key = one,
                            .stored = other,
                            .stored_key = other,
                            .response = "answer",
                            .metadata = metadata});
    };
    std::optional<Refusal> there = check(asked, stored);
    EXPECT_EQ(there.has_value(), check(stored, asked).has_value()) << asked << " / " << stored;
    return there;
}

/// Of one shipped guard.
class GuardTest : public ::testing::Test {
protected:
    explicit GuardTest(Guard tested) : guard(std::move(tested)) {}
    void accepts(std::string_view asked, std::string_view stored) {
        const auto refused = refusal(guard, asked, stored);
        EXPECT_FALSE(refused) << asked << " / " << stored << ": " << refused->text;
    }
    void refuses(std::string_view asked, std::string_view stored) {
        EXPECT_TRUE(refusal(guard, asked, stored)) << asked << " / " << stored;
    }
    const Guard guard;
};

}  // namespace stele::test
