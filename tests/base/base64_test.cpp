#include "base/base64.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace stele {
namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
    std::vector<std::byte> bytes;
    for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
    return bytes;
}

TEST(Base64, writes_the_examples_of_rfc_4648) {
    const std::pair<const char*, const char*> examples[] = {{"", ""},
                                                            {"f", "Zg=="},
                                                            {"fo", "Zm8="},
                                                            {"foo", "Zm9v"},
                                                            {"foob", "Zm9vYg=="},
                                                            {"fooba", "Zm9vYmE="},
                                                            {"foobar", "Zm9vYmFy"},
                                                            {"\xFB\xEF\xFF", "++//"}};
    for (const auto& [plain, encoded] : examples) {
        EXPECT_EQ(to_base64(bytes_of(plain)), encoded);
        EXPECT_EQ(from_base64(encoded), bytes_of(plain)) << encoded;
    }
}

TEST(Base64, reads_the_url_safe_alphabet_and_texts_without_padding) {
    EXPECT_EQ(from_base64("--__"), bytes_of("\xFB\xEF\xFF"));
    EXPECT_EQ(from_base64("Zg"), bytes_of("f"));
    EXPECT_EQ(from_base64("Zm8"), bytes_of("fo"));
}

TEST(Base64, refuses_anything_else) {
    for (const char* text : {"Z", "Zg=", "Zg===", "=", "====", "Zm9v\n", "Zm 9v", "Zg==Zg==", "Zm8=Zm8=", "Zm9\xC3"}) {
        EXPECT_FALSE(from_base64(text)) << text;
    }
}

TEST(Base64, reads_back_what_it_writes) {
    EXPECT_TRUE(rc::check("from_base64(to_base64(x)) == x", [](const std::string& text) {
        RC_ASSERT(from_base64(to_base64(bytes_of(text))) == bytes_of(text));
    }));
}

}  // namespace
}  // namespace stele
