// Vectors that lie as embeddings of texts do.
#pragma once

#include <cstddef>
#include <random>
#include <span>
#include <vector>

namespace stele::bench {

/// Draws unit vectors: all lean one way, they gather around themes, of which some are far more frequent, and differ
/// from their theme in few directions much and in all a little. Deterministic.
class Clustered {
public:
    explicit Clustered(std::size_t dimension);
    std::vector<float> draw();

private:
    std::vector<float> random_direction();

    std::size_t dimension_;
    std::mt19937 random_{1};
    std::normal_distribution<float> normal_;
    std::vector<float> common_;
    std::vector<std::vector<float>> themes_, ways_;
};

}  // namespace stele::bench
