#include "base/hash.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/text.hpp"

namespace stele {
namespace {

std::string key(std::string_view query) {
    return query_hash(normalize_query(query));
}

TEST(QueryHash, mneme_013_is_64_lower_case_digits_of_sha256_over_the_bytes) {
    EXPECT_EQ(query_hash(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(query_hash("hello"), "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    EXPECT_EQ(query_hash("hello"), query_hash("hello"));
    EXPECT_NE(query_hash("hello"), query_hash("Hello"));
    EXPECT_NE(query_hash("hello"), query_hash("hello "));
    EXPECT_EQ(query_hash("caf\u00e9").size(), 64U);
}

TEST(QueryHash, mneme_014_is_shared_by_inputs_that_are_equal_after_normalising) {
    EXPECT_EQ(key(" Hello\tWORLD "), key("hello world"));
    EXPECT_NE(key("hello world"), key("hello, world"));
}

TEST(QueryHash, equals_the_vectors_of_the_reference) {
    EXPECT_EQ(key("hello"), "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    constexpr const char* kPassword = "b67ac733828f356f2be7f21cd84ed8f8d4c1cdb6cd01ee57c403dbf360911dff";
    EXPECT_EQ(key("How do I reset my password?"), kPassword);
    EXPECT_EQ(key("  How  do\tI\nreset my password? "), kPassword);
    EXPECT_EQ(key("STRA\u00dfE"), "16d96952087774fee069b7585d3991b24d90c181c09b2129b4908c35baa7f0c0");
    EXPECT_EQ(key("\u00a0a\u2003\u2003b\x1c"
                  "c"),
              "0e9f64031fcb2bc708b531c2a20441580425d151a38503f38592a7dd36019d3b");
    EXPECT_EQ(key("hi\u200bthere"), "3b7cad4348aaf964f5f91cafd90c36adc0e4ac5efc6b2e9ae318cba849ebaffe");
    EXPECT_EQ(key("\u0130stanbul"), "4a4df120f7d1f3c286f58651abfcec2aade892ace635f96f02b946c96e6e1f86");
    EXPECT_EQ(key("\u03a3\u0391\u03a3"), "54727c9d3baefbcb4d3824f184a8a46ee56b248263d22ca41127a7282d586318");
    EXPECT_EQ(key(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256, gives_the_same_bytes_as_its_hexadecimal_form) {
    const Digest digest = sha256("abc");
    EXPECT_EQ(digest.front(), std::byte{0xBA});
    EXPECT_EQ(digest.back(), std::byte{0xAD});
    EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, what_comes_bit_by_bit_has_the_sum_of_the_whole) {
    RunningSha256 running;
    for (const char* part : {"a", "", "bc"}) running.add(part);
    EXPECT_EQ(running.hex(), sha256_hex("abc"));
    EXPECT_EQ(RunningSha256().hex(), sha256_hex(""));
}

TEST(Sha256, can_be_used_from_many_threads_at_once) {
    const std::string expected = sha256_hex("shared");
    std::vector<std::thread> threads;
    std::array<bool, 4> good{};
    for (bool& result : good) {
        threads.emplace_back([&result, &expected] {
            result = true;
            for (int i = 0; i < 500; ++i) result = result && sha256_hex("shared") == expected;
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (const bool result : good) EXPECT_TRUE(result);
}

}  // namespace
}  // namespace stele
