#include "embed_values.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <numeric>

namespace stele::cli {

double shortest(float value) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    double wide = 0;
    std::from_chars(digits, end, wide);
    return wide;
}

nlohmann::json to_json(std::span<const float> vector) {
    nlohmann::json numbers = nlohmann::json::array();
    for (const float value : vector) numbers.push_back(shortest(value));
    return numbers;
}

float similarity(std::span<const float> a, std::span<const float> b) {
    return std::clamp(static_cast<float>(std::inner_product(a.begin(), a.end(), b.begin(), 0.0)), -1.0F, 1.0F);
}

std::vector<Pair> pairs_of(const std::vector<Embedding>& embeddings) {
    std::vector<Pair> pairs;
    for (std::size_t a = 0; a < embeddings.size(); ++a) {
        for (std::size_t b = a + 1; b < embeddings.size(); ++b) {
            pairs.push_back({a, b, similarity(embeddings[a].vector, embeddings[b].vector)});
        }
    }
    return pairs;
}

}  // namespace stele::cli
