#include "demo_memory.hpp"

#include <gtest/gtest.h>

namespace stele::cli {
namespace {

TEST(DemoSchema, is_named_after_the_embedder) {
    EXPECT_EQ(demo_schema("stele-hashing-v1-384"), "stele_demo_hashing_v1_384");
    EXPECT_EQ(demo_schema("openai:BAAI/bge-small-en-v1.5:384"), "stele_demo_openai_baai_bge_small_en_v1_5_384");
    EXPECT_EQ(demo_schema("openai:größe:8"), "stele_demo_openai_gr_e_8");
    EXPECT_EQ(demo_schema("stele-bert-v1:" + std::string(64, '5') + ":0123abcd:mean:256:float32:windows"),
              "stele_demo_bert_v1_55555555_0123abcd_mean_256_float32_windows");
    EXPECT_EQ(demo_schema(std::string(200, 'm')).size(), 63u);
}

}  // namespace
}  // namespace stele::cli
