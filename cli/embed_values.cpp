#include "embed_values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

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

// In as many sums as a vector register has, so that the compiler may use one.
float similarity(std::span<const float> a, std::span<const float> b) {
    constexpr std::size_t kLanes = 16;
    std::array<float, kLanes> sums{};
    std::size_t i = 0;
    for (; i + kLanes <= a.size(); i += kLanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
    }
    float sum = 0;
    for (; i < a.size(); ++i) sum += a[i] * b[i];
    for (const float lane : sums) sum += lane;
    return std::clamp(sum, -1.0F, 1.0F);
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
