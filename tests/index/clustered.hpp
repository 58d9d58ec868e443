// Vectors as texts have them: around a few themes, not all over the place.
#pragma once

#include <random>

#include "index/any_index.hpp"

namespace stele::test {

/// The same for the same numbers; the first of them whatever the size. Page and text are the number.
inline std::vector<Note> clustered_notes(std::size_t size, std::size_t dimension) {
    constexpr std::size_t kThemes = 20;
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    std::vector<std::vector<float>> themes(kThemes, std::vector<float>(dimension));
    for (auto& theme : themes) {
        for (float& value : theme) value = normal(random);
    }
    std::vector<Note> notes;
    for (std::size_t i = 0; i < size; ++i) {
        std::vector<float> vector = themes[random() % kThemes];
        for (float& value : vector) value += 0.5F * normal(random);
        notes.push_back({std::to_string(i), "en", static_cast<int>(i), std::move(vector), {}});
    }
    return notes;
}

}  // namespace stele::test
