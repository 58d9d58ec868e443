#include "embedding/bert.hpp"

#include <algorithm>
#include <cmath>

#include "embedding/bert_kernels.hpp"
#include "embedding/bert_weights.hpp"
#include "embedding/tensor_values.hpp"
#include "vectors/kernels.hpp"

namespace stele {
namespace {

// In 8 bits the mean of so few rows is not near enough to that in float32, so theirs are coded twice as finely.
// Measured on minilm: one word piece and the two marks around it, least cosine 0.992 so and 0.997 otherwise.
constexpr std::size_t kFewPieces = 4;
bool has_few(std::span<const std::uint32_t> text) {
    return text.size() <= kFewPieces;
}

/// A head's keys as the matrix that queries are multiplied with: layout [tile of tokens][head][16].
void pack_keys(const float* keys, std::size_t stride, std::size_t tokens, std::size_t head,
               AlignedVector<float>& packed) {
    packed.resize(whole_tiles(tokens) * head);
    for (std::size_t tile = 0; tile < tokens; tile += kTile) {
        float* out = packed.data() + tile * head;
        for (std::size_t c = 0; c < kTile; ++c) {
            const float* key = keys + (tile + c) * stride;
            for (std::size_t d = 0; d < head; ++d) out[d * kTile + c] = tile + c < tokens ? key[d] : 0.0F;
        }
    }
}

/// A head's values as the matrix that attention is multiplied with: layout [tile of the head][token][16].
void pack_values(const float* values, std::size_t stride, std::size_t tokens, std::size_t head,
                 AlignedVector<float>& packed) {
    packed.resize(tokens * head);
    for (std::size_t tile = 0; tile < head; tile += kTile) {
        for (std::size_t s = 0; s < tokens; ++s) {
            std::copy_n(values + s * stride + tile, kTile, packed.data() + (tile * tokens + s * kTile));
        }
    }
}

bool pool(BertConfig::Pooling pooling, const float* rows, std::size_t tokens, std::size_t width, float* vector) {
    std::copy_n(rows, width, vector);
    if (pooling == BertConfig::Pooling::mean) {
        for (std::size_t t = 1; t < tokens; ++t) {
            for (std::size_t k = 0; k < width; ++k) vector[k] += rows[t * width + k];
        }
    }
    return kernels::normalize({vector, width});  // so that a sum serves as well as a mean
}

}  // namespace

Bert::Bert(const BertConfig& config, std::unique_ptr<const Weights> weights)
    : config_(config), weights_(std::move(weights)) {}
Bert::Bert(Bert&&) noexcept = default;
Bert& Bert::operator=(Bert&&) noexcept = default;
Bert::~Bert() = default;

Result<Bert> Bert::load(const BertConfig& config, const Tensors& tensors, Precision precision) {
    Result<Weights> weights = Weights::read(config, tensors, precision);
    if (!weights) return fail(std::move(weights.error()));
    return Bert(config, std::make_unique<const Weights>(std::move(*weights)));
}

bool Bert::embed(Texts texts, BertConfig::Pooling pooling, BertWorkspace& space, float* vectors) const {
    const std::size_t width = config_.hidden;
    check(texts);
    bool good = true;
    while (!texts.empty()) {
        const bool fine = has_few(texts.front());
        const auto end =
            std::find_if(texts.begin(), texts.end(), [fine](const auto& one) { return has_few(one) != fine; });
        const auto count = static_cast<std::size_t>(end - texts.begin());
        forward(texts.first(count), fine, space);
        const float* hidden = space.hidden.data();
        for (const auto& text : texts.first(count)) {
            good = pool(pooling, hidden, text.size(), width, vectors) && good;
            hidden += text.size() * width;
            vectors += width;
        }
        texts = texts.subspan(count);
    }
    return good;
}

void Bert::check(Texts texts) const {
    for (const auto& text : texts) {
        const bool fits = !text.empty() && text.size() <= config_.max_positions &&
                          *std::max_element(text.begin(), text.end()) < config_.vocabulary;
        if (!fits) raise(ErrorCode::internal, "a text has word pieces that the model does not have");
    }
}

void Bert::forward(Texts texts, bool fine, BertWorkspace& space) const {
    const std::size_t width = config_.hidden;
    std::size_t rows = 0;
    for (const auto& text : texts) rows += text.size();
    space.hidden.resize(rows * width);
    space.attended.resize(rows * width);
    space.context.resize(rows * width);
    space.queries_keys_values.resize(rows * 3 * width);
    space.inner.resize(rows * config_.intermediate);
    const auto apply = [&](const Linear& linear, const AlignedVector<float>& values, AlignedVector<float>& results) {
        linear.apply(values.data(), rows, fine, space.codes, results.data());
    };
    look_up(texts, space.hidden.data());
    for (const Weights::Layer& layer : weights_->layers) {
        apply(layer.queries_keys_values, space.hidden, space.queries_keys_values);
        attend(texts, space);
        apply(layer.attended, space.context, space.attended);
        kernels::add_and_normalize(space.attended.data(), space.hidden.data(), rows, width,
                                   layer.attended_norm.gain.data(), layer.attended_norm.bias.data(),
                                   config_.layer_norm_epsilon);
        apply(layer.inner, space.attended, space.inner);
        kernels::gelu(space.inner.data(), space.inner.size());
        apply(layer.output, space.inner, space.hidden);
        kernels::add_and_normalize(space.hidden.data(), space.attended.data(), rows, width,
                                   layer.output_norm.gain.data(), layer.output_norm.bias.data(),
                                   config_.layer_norm_epsilon);
    }
}

void Bert::look_up(Texts texts, float* hidden) const {
    const std::size_t width = config_.hidden;
    float* row = hidden;
    std::size_t rows = 0;
    for (const auto& text : texts) {
        const float* position = weights_->positions.data();
        for (const std::uint32_t id : text) {
            read_values(weights_->words, id * width, width, row);
            for (std::size_t k = 0; k < width; ++k) row[k] += position[k];
            row += width;
            position += width;
        }
        rows += text.size();
    }
    kernels::add_and_normalize(hidden, nullptr, rows, width, weights_->embedding_norm.gain.data(),
                               weights_->embedding_norm.bias.data(), config_.layer_norm_epsilon);
}

void Bert::attend(Texts texts, BertWorkspace& space) const {
    const std::size_t width = config_.hidden;
    const std::size_t stride = 3 * width;
    const std::size_t head = width / config_.heads;
    const float scale = 1.0F / std::sqrt(static_cast<float>(head));
    const float* rows = space.queries_keys_values.data();
    float* context = space.context.data();
    for (const auto& text : texts) {
        const std::size_t tokens = text.size();
        const std::size_t score_stride = whole_tiles(tokens);
        space.scores.resize(tokens * score_stride);
        for (std::size_t first = 0; first < width; first += head) {
            pack_keys(rows + width + first, stride, tokens, head, space.keys);
            pack_values(rows + 2 * width + first, stride, tokens, head, space.values);
            kernels::multiply(rows + first, stride, tokens, space.keys.data(), head, tokens, nullptr,
                              space.scores.data(), score_stride);
            kernels::softmax(space.scores.data(), score_stride, tokens, tokens, scale);
            kernels::multiply(space.scores.data(), score_stride, tokens, space.values.data(), tokens, head, nullptr,
                              context + first, width);
        }
        rows += tokens * stride;
        context += tokens * width;
    }
}

}  // namespace stele
