#include "json_keys.hpp"

#include <gtest/gtest.h>

namespace stele::cli {
namespace {

std::optional<std::string> twice(const char* json) {
    return key_given_twice(Json::parse(json));
}

TEST(JsonKeys, are_given_once_in_an_object) {
    EXPECT_EQ(twice(R"({"a":1,"b":{"a":2,"b":[{"a":3},{"a":4}]}})"), std::nullopt);
    EXPECT_EQ(twice("[]"), std::nullopt);
    EXPECT_EQ(twice(R"("a")"), std::nullopt);
}

TEST(JsonKeys, given_twice_are_found_at_any_depth) {
    EXPECT_EQ(twice(R"({"a":1,"b":2,"a":1})"), "a");
    EXPECT_EQ(twice(R"({"a":1,"list":[{"x":{"deep":1,"deep":{}}}]})"), "deep");
    EXPECT_EQ(twice(R"({"a":{"b":1},"a":[]})"), "a");
    EXPECT_EQ(twice(R"({"é":1,"\u00e9":2})"), "é");
}

}  // namespace
}  // namespace stele::cli
