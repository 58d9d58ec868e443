#include "clustered.hpp"

#include <algorithm>
#include <cmath>

#include "vectors/kernels.hpp"

namespace stele::bench {
namespace {

constexpr std::size_t kThemes = 500, kWays = 48;
// So that two texts at random have a cosine of about 0.3, and two of one theme about 0.6.
constexpr float kCommon = 0.7F, kTheme = 0.7F, kWay = 0.6F, kNoise = 0.45F;

void add(std::vector<float>& sum, float weight, const std::vector<float>& vector) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weight * vector[i];
}

}  // namespace

Clustered::Clustered(std::size_t dimension) : dimension_(dimension), common_(random_direction()) {
    for (std::size_t i = 0; i < kThemes; ++i) themes_.push_back(random_direction());
    for (std::size_t i = 0; i < kWays; ++i) ways_.push_back(random_direction());
}

std::vector<float> Clustered::draw() {
    // the square of an even draw prefers the first ones
    const float even = std::uniform_real_distribution<float>(0, 1)(random_);
    const auto theme = std::min(static_cast<std::size_t>(even * even * kThemes), kThemes - 1);
    std::vector<float> vector(dimension_);
    add(vector, kCommon, common_);
    add(vector, kTheme, themes_[theme]);
    for (const auto& way : ways_) add(vector, kWay * normal_(random_) / std::sqrt(float{kWays}), way);
    add(vector, kNoise, random_direction());
    kernels::normalize(vector);
    return vector;
}

std::vector<float> Clustered::random_direction() {
    std::vector<float> vector(dimension_);
    for (float& value : vector) value = normal_(random_);
    kernels::normalize(vector);
    return vector;
}

}  // namespace stele::bench
