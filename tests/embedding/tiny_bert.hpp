// A BERT of two small layers with random weights: what a test of the real thing needs no download for.
#pragma once

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "model_files.hpp"

namespace stele::testing {

struct TinyBert {
    static constexpr std::size_t kHidden = 64, kLayers = 2, kHeads = 2, kInner = 96, kPositions = 40, kTypes = 2;

    std::vector<std::string> vocabulary = {"[PAD]", "[UNK]", "[CLS]", "[SEP]"};
    std::map<std::string, std::vector<float>> weights;
    std::vector<std::pair<std::string, SafeTensor>> tensors;

    explicit TinyBert(std::uint32_t seed = 1) : random_(seed) {
        for (char c = 'a'; c <= 'z'; ++c) vocabulary.push_back({c});
        for (char c = 'a'; c <= 'z'; ++c) vocabulary.push_back(std::string("##") + c);
        add("embeddings.word_embeddings.weight", {vocabulary.size(), kHidden}, 1);
        add("embeddings.position_embeddings.weight", {kPositions, kHidden}, 0.3F);
        add("embeddings.token_type_embeddings.weight", {kTypes, kHidden}, 0.3F);
        add_norm("embeddings.LayerNorm");
        for (std::size_t i = 0; i < kLayers; ++i) {
            const std::string layer = "encoder.layer." + std::to_string(i) + ".";
            for (const char* name : {"query", "key", "value"})
                add_linear(layer + "attention.self." + name, kHidden, kHidden);
            add_linear(layer + "attention.output.dense", kHidden, kHidden);
            add_norm(layer + "attention.output.LayerNorm");
            add_linear(layer + "intermediate.dense", kHidden, kInner);
            add_linear(layer + "output.dense", kInner, kHidden);
            add_norm(layer + "output.LayerNorm");
        }
    }

    std::string file() const { return safetensors_file(tensors); }

    static nlohmann::json config() {
        return {{"model_type", "bert"},
                {"hidden_act", "gelu"},
                {"hidden_size", kHidden},
                {"num_hidden_layers", kLayers},
                {"num_attention_heads", kHeads},
                {"intermediate_size", kInner},
                {"max_position_embeddings", kPositions},
                {"type_vocab_size", kTypes},
                {"vocab_size", 56},
                {"layer_norm_eps", 1e-12}};
    }

    /// Everything that a folder of a model holds.
    void write_to(const std::filesystem::path& folder) const {
        std::filesystem::create_directories(folder);
        write(folder / "model.safetensors", file());
        write(folder / "config.json", config().dump());
        std::string lines;
        for (const std::string& token : vocabulary) lines += token + "\n";
        write(folder / "vocab.txt", lines);
    }
    static void write(const std::filesystem::path& path, const std::string& text) {
        std::ofstream(path, std::ios::binary) << text;
    }

    /// The plain sums in double precision: mean of the last layer over all pieces, or its first row; unit length.
    std::vector<double> embed(const std::vector<std::uint32_t>& ids, bool mean) const;

private:
    using Rows = std::vector<std::vector<double>>;

    void add(const std::string& name, std::vector<std::size_t> shape, float spread, float center = 0) {
        std::normal_distribution<float> normal(center, spread);
        std::size_t count = 1;
        for (const std::size_t extent : shape) count *= extent;
        std::vector<float>& values = weights[name];
        values.resize(count);
        for (float& value : values) value = normal(random_);
        tensors.emplace_back("bert." + name, f32_tensor(std::move(shape), values));
    }
    void add_linear(const std::string& name, std::size_t inputs, std::size_t outputs) {
        add(name + ".weight", {outputs, inputs}, 1.5F / std::sqrt(static_cast<float>(inputs)));
        add(name + ".bias", {outputs}, 0.1F);
    }
    void add_norm(const std::string& name) {
        add(name + ".weight", {kHidden}, 0.1F, 1);
        add(name + ".bias", {kHidden}, 0.1F);
    }

    Rows linear(const std::string& name, const Rows& rows) const {
        const auto& weight = weights.at(name + ".weight");
        const auto& bias = weights.at(name + ".bias");
        Rows results;
        for (const auto& row : rows) {
            std::vector<double>& result = results.emplace_back(bias.begin(), bias.end());
            for (std::size_t o = 0; o < result.size(); ++o) {
                for (std::size_t k = 0; k < row.size(); ++k) result[o] += row[k] * double{weight[o * row.size() + k]};
            }
        }
        return results;
    }
    Rows norm(const std::string& name, Rows rows, const Rows& residual) const {
        const auto& gain = weights.at(name + ".weight");
        const auto& bias = weights.at(name + ".bias");
        for (std::size_t r = 0; r < rows.size(); ++r) {
            double mean = 0, variance = 0;
            for (std::size_t k = 0; k < kHidden; ++k) {
                if (!residual.empty()) rows[r][k] += residual[r][k];
                mean += rows[r][k] / kHidden;
            }
            for (const double value : rows[r]) variance += (value - mean) * (value - mean) / kHidden;
            for (std::size_t k = 0; k < kHidden; ++k) {
                rows[r][k] = (rows[r][k] - mean) / std::sqrt(variance + 1e-12) * double{gain[k]} + double{bias[k]};
            }
        }
        return rows;
    }
    Rows attend(const std::string& name, const Rows& rows) const {
        constexpr std::size_t kHead = kHidden / kHeads;
        const Rows queries = linear(name + "query", rows), keys = linear(name + "key", rows),
                   values = linear(name + "value", rows);
        Rows context(rows.size(), std::vector<double>(kHidden, 0));
        for (std::size_t first = 0; first < kHidden; first += kHead) {
            for (std::size_t t = 0; t < rows.size(); ++t) {
                std::vector<double> scores(rows.size(), 0);
                double sum = 0;
                for (std::size_t s = 0; s < rows.size(); ++s) {
                    for (std::size_t d = first; d < first + kHead; ++d) scores[s] += queries[t][d] * keys[s][d];
                    scores[s] = std::exp(scores[s] / std::sqrt(double{kHead}));
                    sum += scores[s];
                }
                for (std::size_t s = 0; s < rows.size(); ++s) {
                    for (std::size_t d = first; d < first + kHead; ++d) context[t][d] += scores[s] / sum * values[s][d];
                }
            }
        }
        return context;
    }

    std::mt19937 random_;
};

inline std::vector<double> TinyBert::embed(const std::vector<std::uint32_t>& ids, bool mean) const {
    Rows rows;
    for (std::size_t t = 0; t < ids.size(); ++t) {
        std::vector<double>& row = rows.emplace_back(kHidden);
        for (std::size_t k = 0; k < kHidden; ++k) {
            row[k] = double{weights.at("embeddings.word_embeddings.weight")[ids[t] * kHidden + k]} +
                     double{weights.at("embeddings.position_embeddings.weight")[t * kHidden + k]} +
                     double{weights.at("embeddings.token_type_embeddings.weight")[k]};
        }
    }
    rows = norm("embeddings.LayerNorm", std::move(rows), {});
    for (std::size_t i = 0; i < kLayers; ++i) {
        const std::string layer = "encoder.layer." + std::to_string(i) + ".";
        const Rows attended =
            norm(layer + "attention.output.LayerNorm",
                 linear(layer + "attention.output.dense", attend(layer + "attention.self.", rows)), rows);
        Rows inner = linear(layer + "intermediate.dense", attended);
        for (auto& row : inner) {
            for (double& x : row) x = x * (1 + std::erf(x / std::sqrt(2.0))) / 2;
        }
        rows = norm(layer + "output.LayerNorm", linear(layer + "output.dense", inner), attended);
    }
    std::vector<double> vector = rows.front();
    for (std::size_t t = 1; mean && t < rows.size(); ++t) {
        for (std::size_t k = 0; k < kHidden; ++k) vector[k] += rows[t][k];
    }
    double square = 0;
    for (const double value : vector) square += value * value;
    for (double& value : vector) value /= std::sqrt(square);
    return vector;
}

}  // namespace stele::testing
