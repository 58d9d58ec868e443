// Vectors as numbers that are read: in JSON, and compared.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "stele/embedder.hpp"

namespace stele::cli {

/// The double with the fewest digits that is `value` again as a float, which is what JSON should show of it.
double shortest(float value);
/// A JSON array.
nlohmann::json to_json(std::span<const float> vector);
/// Cosine of two unit vectors of one length, within -1 and 1.
float similarity(std::span<const float> a, std::span<const float> b);

/// Of two texts: their places in what was given, and how alike they are.
struct Pair {
    std::size_t a, b;
    float similarity;
};
/// Every two of them, in order.
std::vector<Pair> pairs_of(const std::vector<Embedding>& embeddings);

}  // namespace stele::cli
