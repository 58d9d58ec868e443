// The real model against what a Python reference made of the same texts (scripts/make_embedder_reference). Needs
// minilm, which scripts/setup installs.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "embedding/local_model.hpp"
#include "stele/local_embedder.hpp"
#include "support/every_kernel.hpp"

namespace stele {
namespace {

constexpr std::size_t kDimension = 384;
constexpr std::size_t kLength = 256;

struct Reference {
    std::string text;
    std::vector<std::uint32_t> ids;
    bool truncated = false;
    std::vector<float> vector;
};

std::vector<Reference> references() {
    const std::string folder = STELE_SOURCE_DIR "/tests/embedding/reference/";
    std::ifstream lines(folder + "minilm.jsonl");
    std::ifstream vectors(folder + "minilm.f32", std::ios::binary);
    std::vector<Reference> all;
    for (std::string line; std::getline(lines, line);) {
        const auto document = nlohmann::json::parse(line);
        Reference& reference = all.emplace_back();
        reference.text = document.at("text");
        reference.ids = document.at("ids").get<std::vector<std::uint32_t>>();
        reference.truncated = document.at("truncated");
        reference.vector.resize(kDimension);
        vectors.read(reinterpret_cast<char*>(reference.vector.data()), kDimension * sizeof(float));
        EXPECT_TRUE(vectors) << "minilm.f32 is too short";
    }
    EXPECT_GE(all.size(), 64u);
    return all;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * double{b[i]};
    return sum;
}

// The code for machines without vectors is slow: it gets the shorter ones.
std::vector<Reference> within_reach(const std::vector<Reference>& all, std::int64_t target) {
    constexpr std::size_t kShort = 32;
    std::vector<Reference> some;
    std::copy_if(all.begin(), all.end(), std::back_inserter(some), [target](const Reference& reference) {
        return test::has_vectors(target) || reference.ids.size() <= kShort;
    });
    return some;
}

void expect_vectors(LocalEmbedder& embedder, double least) {
    const std::vector<Reference> all = references();
    test::on_every_kernel([&](std::int64_t target) {
        const std::vector<Reference> some = within_reach(all, target);
        std::vector<std::string_view> texts;
        for (const Reference& reference : some) texts.push_back(reference.text);
        const std::vector<Embedding> embeddings = embedder.embed(texts, Deadline::never());
        for (std::size_t i = 0; i < some.size(); ++i) {
            EXPECT_GE(cosine(embeddings[i].vector, some[i].vector), least) << some[i].text;
            EXPECT_EQ(embeddings[i].truncated, some[i].truncated) << some[i].text;
        }
        for (const std::size_t i : {std::size_t{0}, some.size() / 2, some.size() - 1}) {
            EXPECT_EQ(embedder.embed_one(texts[i], Deadline::never()).vector, embeddings[i].vector) << texts[i];
        }
    });
}

TEST(MiniLm, cuts_texts_into_the_pieces_of_the_reference) {
    const LocalModel model = value_or_raise(LocalModel::load("minilm", Bert::Precision::int8));
    for (const Reference& reference : references()) {
        const WordPiece::Tokens tokens = model.tokenizer.encode(reference.text, kLength);
        EXPECT_EQ(tokens.ids, reference.ids) << reference.text;
        EXPECT_EQ(tokens.truncated, reference.truncated) << reference.text;
    }
}

TEST(MiniLm, gives_the_vectors_of_the_reference_in_float32_on_every_kernel) {
    LocalEmbedderOptions options;
    options.precision = LocalEmbedderOptions::Precision::float32;
    LocalEmbedder embedder(options);
    expect_vectors(embedder, 0.99999);
}

TEST(MiniLm, gives_nearly_the_vectors_of_the_reference_in_int8_on_every_kernel) {
    LocalEmbedder embedder;
    expect_vectors(embedder, 0.995);
}

}  // namespace
}  // namespace stele
