// Texts with the pieces and the vectors that a Python reference made of them (scripts/make_embedder_reference).
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "embedding/local_model.hpp"
#include "stele/local_embedder.hpp"

namespace stele::test {

struct ReferenceText {
    std::string text;
    std::vector<std::uint32_t> ids;
    bool truncated = false;
    std::vector<float> vector;
};

/// Those of a model of the catalog.
inline std::vector<ReferenceText> reference_texts(const std::string& model) {
    constexpr std::size_t kDimension = 384;
    const std::string path = STELE_SOURCE_DIR "/tests/embedding/reference/" + model;
    std::ifstream lines(path + ".jsonl");
    std::ifstream vectors(path + ".f32", std::ios::binary);
    std::vector<ReferenceText> all;
    for (std::string line; std::getline(lines, line);) {
        const auto document = nlohmann::json::parse(line);
        ReferenceText& reference = all.emplace_back();
        reference.text = document.at("text");
        reference.ids = document.at("ids").get<std::vector<std::uint32_t>>();
        reference.truncated = document.at("truncated");
        reference.vector.resize(kDimension);
        vectors.read(reinterpret_cast<char*>(reference.vector.data()), kDimension * sizeof(float));
        EXPECT_TRUE(vectors) << path << ".f32 is too short";
    }
    EXPECT_GE(all.size(), 20U) << path;
    return all;
}

/// Of two vectors of unit length.
inline double cosine(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * double{b[i]};
    return sum;
}

inline void expect_pieces(const std::string& model, std::size_t max_length) {
    const LocalModel loaded = value_or_raise(LocalModel::load(model, Bert::Precision::int8));
    for (const ReferenceText& reference : reference_texts(model)) {
        const WordPiece::Tokens tokens = loaded.tokenizer.encode(reference.text, max_length);
        EXPECT_EQ(tokens.ids, reference.ids) << reference.text;
        EXPECT_EQ(tokens.truncated, reference.truncated) << reference.text;
    }
}

/// Embeds the texts, all at once and some of them alone. No cosine to the reference may be less than `least`.
inline void expect_vectors(LocalEmbedder& embedder, const std::vector<ReferenceText>& references, double least) {
    std::vector<std::string_view> texts;
    for (const ReferenceText& reference : references) texts.push_back(reference.text);
    const std::vector<Embedding> embeddings = embedder.embed(texts, Deadline::never());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        EXPECT_GE(cosine(embeddings[i].vector, references[i].vector), least) << texts[i];
        EXPECT_EQ(embeddings[i].truncated, references[i].truncated) << texts[i];
    }
    for (const std::size_t i : {std::size_t{0}, texts.size() / 2, texts.size() - 1}) {
        EXPECT_EQ(embedder.embed_one(texts[i], Deadline::never()).vector, embeddings[i].vector) << texts[i];
    }
}

}  // namespace stele::test
