#include "vectors/packed_matrix.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace stele {

FloatMatrix::FloatMatrix(std::size_t inputs, std::size_t outputs, const FetchOutputs& fetch)
    : inputs_(inputs), outputs_(outputs) {
    weights_.resize(whole_tiles(outputs) * inputs);
    std::vector<float> tile(kTile * inputs);
    float* out = weights_.data();
    for (std::size_t first = 0; first < outputs; first += kTile) {
        const std::size_t count = std::min(kTile, outputs - first);
        std::fill(tile.begin(), tile.end(), 0.0F);
        fetch(first, count, tile.data());
        for (std::size_t k = 0; k < inputs; ++k) {
            for (std::size_t c = 0; c < kTile; ++c) *out++ = tile[c * inputs + k];
        }
    }
}

ByteMatrix::ByteMatrix(std::size_t inputs, std::size_t outputs, const FetchOutputs& fetch)
    : inputs_(inputs), outputs_(outputs) {
    constexpr float kLargest = 127;
    const std::size_t padded = padded_inputs(inputs);
    codes_.resize(whole_tiles(outputs) * padded);
    scales_.resize(whole_tiles(outputs));
    sums_.resize(whole_tiles(outputs));
    std::vector<float> tile(kTile * inputs);
    std::vector<std::int8_t> codes(kTile * padded);
    std::int8_t* out = codes_.data();
    for (std::size_t first = 0; first < outputs; first += kTile) {
        const std::size_t count = std::min(kTile, outputs - first);
        std::fill(tile.begin(), tile.end(), 0.0F);
        fetch(first, count, tile.data());
        for (std::size_t c = 0; c < kTile; ++c) {
            const float* weights = tile.data() + c * inputs;
            std::int8_t* row = codes.data() + c * padded;
            float largest = 0;
            for (std::size_t k = 0; k < inputs; ++k) largest = std::max(largest, std::fabs(weights[k]));
            const float scale = largest / kLargest;
            const float inverse =
                scale >= std::numeric_limits<float>::min() ? 1 / scale : 0;  // else 1 / it is infinite
            std::int32_t sum = 0;
            for (std::size_t k = 0; k < inputs; ++k) {
                // not a number becomes one, whichever: who brings it is refused by whoever reads weights
                const float rounded = std::nearbyint(weights[k] * inverse);
                const auto code = static_cast<std::int8_t>(std::fmax(-kLargest, std::fmin(kLargest, rounded)));
                row[k] = code;
                sum += code;
            }
            scales_[first + c] = inverse > 0 ? scale : 0;
            sums_[first + c] = static_cast<float>(sum);
        }
        for (std::size_t k = 0; k < padded; k += 4) {
            for (std::size_t c = 0; c < kTile; ++c, out += 4) std::memcpy(out, codes.data() + c * padded + k, 4);
        }
    }
}

}  // namespace stele
