// The real model against a Python reference. Needs minilm, which scripts/setup installs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <vector>

#include "embedding/model_folder.hpp"
#include "embedding/reference_texts.hpp"
#include "support/every_kernel.hpp"
#include "support/sanitized.hpp"
#include "support/temporary_directory.hpp"

namespace stele {
namespace {

namespace fs = std::filesystem;

using Precision = LocalEmbedderOptions::Precision;
using test::ReferenceText;

template <class Keep>
std::vector<ReferenceText> references_that(const Keep& keep) {
    const std::vector<ReferenceText> all = test::reference_texts("minilm");
    std::vector<ReferenceText> some;
    std::copy_if(all.begin(), all.end(), std::back_inserter(some), keep);
    return some;
}

void expect_vectors_on_every_kernel(LocalEmbedder& embedder, double least) {
    // The code for machines without vectors is slow, as all is under a sanitizer: they get the shorter ones.
    constexpr std::size_t kShort = test::kSanitized ? 8 : 32;
    test::on_every_kernel([&](std::int64_t target) {
        const auto within_reach = [target](const ReferenceText& reference) {
            return (test::has_vectors(target) && !test::kSanitized) || reference.ids.size() <= kShort;
        };
        test::expect_vectors(embedder, references_that(within_reach), least);
    });
}

TEST(MiniLm, cuts_texts_into_the_pieces_of_the_reference) {
    test::expect_pieces("minilm", 256);
}

TEST(MiniLm, gives_the_vectors_of_the_reference_in_float32_on_every_kernel) {
    LocalEmbedder embedder({.precision = Precision::float32});
    expect_vectors_on_every_kernel(embedder, 0.99999);
}

TEST(MiniLm, gives_nearly_the_vectors_of_the_reference_in_int8_on_every_kernel) {
    LocalEmbedder embedder;
    expect_vectors_on_every_kernel(embedder, 0.995);
}

/// minilm with the weights of an int8 export by optimum, which Stele does not install.
class Int8Export : public ::testing::Test {
protected:
    void SetUp() override {
        const char* const file = std::getenv("STELE_TEST_INT8_EXPORT");
        if (file == nullptr) {
            GTEST_SKIP() << "STELE_TEST_INT8_EXPORT names no file: set it to all-minilm-l6-v2-q.onnx "
                            "(scripts/make_embedder_reference tells whose it is)";
        }
        const fs::path minilm = value_or_raise(look_for_model("minilm")).folder;
        for (const char* const name : {"config.json", "vocab.txt", "tokenizer.json"}) {
            if (fs::exists(minilm / name)) fs::create_symlink(minilm / name, folder_.path() / name);
        }
        fs::create_symlink(fs::canonical(file), folder_.path() / "model.onnx");
    }

    // Its own quantisation costs up to 0.017 in float32; more than 0.02 would be a fault of ours.
    void expect_about_the_vectors_of_minilm(Precision precision) {
        LocalEmbedder embedder({.model = folder_.path(), .precision = precision, .max_length = 256});
        // It is coarse on a letter or a sign alone.
        const auto meaningful = [](const ReferenceText& reference) { return reference.ids.size() >= 5; };
        test::expect_vectors(embedder, references_that(meaningful), 0.98);
    }

    test::TemporaryDirectory folder_;
};

TEST_F(Int8Export, gives_about_the_vectors_of_minilm_in_float32) {
    expect_about_the_vectors_of_minilm(Precision::float32);
}

TEST_F(Int8Export, gives_about_the_vectors_of_minilm_in_int8) {
    expect_about_the_vectors_of_minilm(Precision::int8);
}

}  // namespace
}  // namespace stele
