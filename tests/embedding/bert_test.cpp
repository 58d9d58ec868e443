#include "embedding/bert.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "embedding/safetensors.hpp"
#include "support/every_kernel.hpp"
#include "tiny_bert.hpp"

namespace stele {
namespace {

using stele::testing::TinyBert;
using ::testing::HasSubstr;
using Pieces = std::vector<std::uint32_t>;
using Pooling = BertConfig::Pooling;
using Precision = Bert::Precision;

struct Model {
    std::string file;
    Bert bert;
};

Result<Bert> load(const std::string& file, Precision precision) {
    const BertConfig config = *read_bert_config(TinyBert::config().dump(), std::nullopt, std::nullopt, std::nullopt);
    Result<Tensors> tensors = read_safetensors(stele::testing::as_file(file));
    if (!tensors) return fail(std::move(tensors.error()));
    return Bert::load(config, *tensors, precision);
}

std::vector<std::vector<float>> embed(const Bert& bert, const std::vector<Pieces>& texts,
                                      Pooling pooling = Pooling::mean) {
    const std::vector<std::span<const std::uint32_t>> views(texts.begin(), texts.end());
    std::vector<float> vectors(texts.size() * TinyBert::kHidden);
    BertWorkspace space;
    EXPECT_TRUE(bert.embed(views, pooling, space, vectors.data()));
    std::vector<std::vector<float>> split;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto from = vectors.begin() + static_cast<std::ptrdiff_t>(i * TinyBert::kHidden);
        split.emplace_back(from, from + TinyBert::kHidden);
    }
    return split;
}

std::vector<Pieces> some_texts() {
    std::mt19937 random(3);
    std::vector<Pieces> texts;
    for (const std::size_t length : {2, 3, 5, 8, 14, 16, 17, 33, 40}) {
        Pieces pieces(length);
        for (std::uint32_t& piece : pieces) piece = random() % 56;
        texts.push_back(std::move(pieces));
    }
    return texts;
}

double cosine(const std::vector<float>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
    return sum;
}

TEST(Bert, gives_the_vectors_of_the_plain_sums_on_every_kernel) {
    const TinyBert tiny;
    const std::string file = tiny.file();
    for (const Precision precision : {Precision::float32, Precision::int8}) {
        const Bert bert = *load(file, precision);
        for (const Pooling pooling : {Pooling::mean, Pooling::cls}) {
            test::on_every_kernel([&](std::int64_t) {
                const auto texts = some_texts();
                const auto vectors = embed(bert, texts, pooling);
                for (std::size_t i = 0; i < texts.size(); ++i) {
                    EXPECT_GE(cosine(vectors[i], tiny.embed(texts[i], pooling == Pooling::mean)),
                              precision == Precision::float32 ? 0.999999 : 0.995)
                        << texts[i].size() << " pieces";
                }
            });
        }
    }
}

TEST(Bert, gives_the_same_bits_on_every_kernel_with_a_fused_multiply_add) {
    const std::string file = TinyBert().file();
    for (const Precision precision : {Precision::float32, Precision::int8}) {
        const Bert bert = *load(file, precision);
        std::vector<std::vector<std::vector<float>>> all;
        test::on_every_kernel([&](std::int64_t target) {
            if (test::has_fused_multiply_add(target)) all.push_back(embed(bert, some_texts()));
        });
        for (const auto& vectors : all) EXPECT_EQ(vectors, all.front());
    }
}

TEST(Bert, gives_a_text_the_same_bits_whoever_its_neighbours_are) {
    const std::string file = TinyBert().file();
    const auto texts = some_texts();
    for (const Precision precision : {Precision::float32, Precision::int8}) {
        const Bert bert = *load(file, precision);
        test::on_every_kernel([&](std::int64_t) {
            const auto together = embed(bert, texts);
            for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(embed(bert, {texts[i]}).front(), together[i]);
        });
    }
}

/// A file in which one weight, wherever it stands, has this number everywhere.
std::string file_with(const std::string& weight, float number) {
    TinyBert tiny;
    for (auto& [name, tensor] : tiny.tensors) {
        if (name != weight) continue;
        std::size_t count = 1;
        for (const std::size_t extent : tensor.shape) count *= extent;
        tensor = stele::testing::f32_tensor(tensor.shape, std::vector<float>(count, number));
    }
    return tiny.file();
}

TEST(Bert, says_so_when_the_weights_lead_to_numbers_that_are_none) {
    const std::string file = file_with("bert.encoder.layer.1.output.dense.bias", 3e38F);
    for (const Precision precision : {Precision::float32, Precision::int8}) {
        const Bert bert = *load(file, precision);
        const Pieces pieces{2, 5, 3};
        const std::span<const std::uint32_t> view(pieces);
        BertWorkspace space;
        std::vector<float> vector(TinyBert::kHidden);
        EXPECT_FALSE(bert.embed(std::span(&view, 1), Pooling::mean, space, vector.data()));
    }
}

TEST(Bert, refuses_weights_that_are_not_finite_and_names_them) {
    for (const char* name : {"bert.embeddings.position_embeddings.weight", "bert.embeddings.LayerNorm.weight",
                             "bert.encoder.layer.0.attention.self.key.weight",
                             "bert.encoder.layer.1.output.dense.weight", "bert.encoder.layer.1.output.dense.bias"}) {
        for (const float number : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
            const std::string file = file_with(name, number);
            for (const Precision precision : {Precision::float32, Precision::int8}) {
                const auto bert = load(file, precision);
                ASSERT_FALSE(bert) << name;
                EXPECT_THAT(bert.error().message, HasSubstr(std::string(name).substr(5)));
            }
        }
    }
}

TEST(Bert, refuses_pieces_that_the_model_does_not_have) {
    const std::string file = TinyBert().file();
    const Bert bert = *load(file, Precision::float32);
    BertWorkspace space;
    std::vector<float> vector(TinyBert::kHidden);
    for (const Pieces& pieces : {Pieces{}, Pieces{56}, Pieces(TinyBert::kPositions + 1, 5)}) {
        const std::span<const std::uint32_t> view(pieces);
        EXPECT_THROW(bert.embed(std::span(&view, 1), Pooling::mean, space, vector.data()), Error);
    }
}

TEST(Bert, refuses_a_file_without_one_of_the_weights_and_names_it) {
    const TinyBert whole;
    for (std::size_t left_out = 0; left_out < whole.tensors.size(); ++left_out) {
        TinyBert tiny;
        const std::string name = tiny.tensors[left_out].first.substr(5);
        tiny.tensors.erase(tiny.tensors.begin() + static_cast<std::ptrdiff_t>(left_out));
        const std::string file = tiny.file();
        const Result<Bert> bert = load(file, Precision::int8);
        ASSERT_FALSE(bert) << name;
        EXPECT_EQ(bert.error().code, ErrorCode::embedder_failed);
        EXPECT_THAT(bert.error().message, HasSubstr("has no weight \"" + name + "\""));
    }
}

TEST(Bert, refuses_a_weight_of_another_shape_and_one_in_8_bits_without_a_scale) {
    TinyBert tiny;
    tiny.tensors[1].second = stele::testing::f32_tensor({1, TinyBert::kHidden}, std::vector<float>(TinyBert::kHidden));
    EXPECT_THAT(load(tiny.file(), Precision::float32).error().message,
                HasSubstr("\"embeddings.position_embeddings.weight\" in shape [1, 64], not [40, 64]"));
    TinyBert bytes;
    bytes.tensors[0].second = {"I8", {56, TinyBert::kHidden}, std::string(56 * TinyBert::kHidden, '\1')};
    EXPECT_THAT(load(bytes.file(), Precision::float32).error().message, HasSubstr("in 8 bits without a scale"));
}

}  // namespace
}  // namespace stele
