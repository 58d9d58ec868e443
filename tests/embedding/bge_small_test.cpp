// bge-small, as its publisher exported it to ONNX, against a Python reference. The model is installed by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "embedding/model_folder.hpp"
#include "embedding/reference_texts.hpp"

namespace stele {
namespace {

using Precision = LocalEmbedderOptions::Precision;

class BgeSmall : public ::testing::Test {
protected:
    void SetUp() override {
        const auto found = look_for_model("bge-small");
        if (found) return;
        ASSERT_THAT(found.error().message, ::testing::HasSubstr("run `stele model install bge-small`"));
        GTEST_SKIP() << found.error().message;
    }
};

TEST_F(BgeSmall, cuts_texts_into_the_pieces_of_the_reference) {
    test::expect_pieces("bge-small", 512);
}

TEST_F(BgeSmall, gives_the_vectors_of_the_reference_in_float32) {
    LocalEmbedder embedder({.model = "bge-small", .precision = Precision::float32});
    test::expect_vectors(embedder, test::reference_texts("bge-small"), 0.99999);
}

TEST_F(BgeSmall, gives_nearly_the_vectors_of_the_reference_in_int8) {
    LocalEmbedder embedder({.model = "bge-small"});
    test::expect_vectors(embedder, test::reference_texts("bge-small"), 0.995);
}

}  // namespace
}  // namespace stele
