// What tests of the cache give it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stele/semantic_cache.hpp"

namespace stele::test {

/// Of some direction, the same for the same number.
inline std::vector<float> vector_of(int number, std::size_t dimension = 64) {
    std::vector<float> vector(dimension);
    std::uint32_t random = static_cast<std::uint32_t>(number) * 2'654'435'761U + 1;
    for (float& value : vector) {
        random = random * 1'664'525U + 1'013'904'223U;
        value = static_cast<float>(random >> 16U) / 32768.0f - 1;
    }
    return vector;
}

/// Answers with a text, in one piece.
inline Computation writes(const std::string& text) {
    return [text](AnswerSink& sink) { sink.write(text); };
}

}  // namespace stele::test
