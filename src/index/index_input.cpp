#include "index/index_input.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "vectors/kernels.hpp"

namespace stele {
namespace {

using Vector = std::vector<float>;

const std::string* text_of(const IndexInput& input) {
    return std::get_if<std::string>(&input.value());
}
const ResourceContent* resource_of(const IndexInput& input) {
    return std::get_if<ResourceContent>(&input.value());
}
const Vector* vector_of(const IndexInput& input) {
    return std::get_if<Vector>(&input.value());
}

// in the order of IndexInput::Value
constexpr std::string_view kKinds[] = {"a text", "an image", "a vector"};
constexpr std::size_t kVector = 2;
constexpr std::size_t kMaxKeyBytes = 1024;

bool has_direction(std::span<const float> vector) {
    return kernels::all_finite(vector) && std::any_of(vector.begin(), vector.end(), [](float x) { return x != 0; });
}

void check_vector(std::string_view what, const Vector& vector) {
    if (!has_direction(vector)) {
        raise(ErrorCode::invalid_argument,
              fmt::format("{} is empty, zero, or holds a NaN or an infinity; it has no direction", what));
    }
}

void check_input(const std::string& what, const IndexInput& input) {
    if (const std::string* text = text_of(input)) check_text("the text of " + what, *text);
    if (const Vector* vector = vector_of(input)) check_vector("the vector of " + what, *vector);
    if (const ResourceContent* resource = resource_of(input); resource && !resource->mime_type.starts_with("image")) {
        raise(ErrorCode::invalid_argument,
              fmt::format("{} has the media type \"{}\"; texts and images (image/...) can be indexed", what,
                          resource->mime_type));
    }
}

[[noreturn]] void no_embedder(std::string_view what, std::string_view which) {
    raise(ErrorCode::embedder_failed,
          fmt::format("{} is to be embedded, and the index has no {}: give it one, or vectors", what, which));
}

std::vector<EmbeddedInput> counted(std::vector<Embedding> embeddings, std::size_t wanted) {
    if (embeddings.size() != wanted) {
        raise(ErrorCode::embedder_failed,
              fmt::format("the embedder gave {} vectors for {} values", embeddings.size(), wanted));
    }
    std::vector<EmbeddedInput> all;
    all.reserve(wanted);
    for (Embedding& embedding : embeddings) all.push_back({std::move(embedding.vector), embedding.truncated});
    return all;
}

}  // namespace

VectorFrame IndexEmbedders::frame(const IndexInput& input) const {
    if (const Vector* vector = vector_of(input)) return {vector->size(), fingerprint};
    if (text_of(input) != nullptr) {
        if (!text) no_embedder("a text", "Embedder");
        return {text->dimension(), text->fingerprint()};
    }
    if (!images) no_embedder("an image", "ImageEmbedder");
    return {images->dimension(), images->fingerprint()};
}

VectorFrame IndexEmbedders::new_frame(std::size_t dimension) const {
    constexpr std::size_t kMost = 16'000;  // pgvector's
    const std::size_t own = text ? text->dimension() : (images ? images->dimension() : 0);
    if (dimension == 0) dimension = own;
    if (own != 0 && own != dimension) {
        raise(ErrorCode::invalid_argument,
              fmt::format("the dimension is {}, and the embedder's vectors have {} elements", dimension, own));
    }
    if (dimension < 1 || dimension > kMost) {
        raise(ErrorCode::invalid_argument,
              fmt::format("the dimension is {}; without an embedder it must be given, 1 to {}", dimension, kMost));
    }
    return {dimension, fingerprint};
}

InputShape::InputShape(std::size_t first_position, const IndexInput& first)
    : kind(first.value().index()),
      dimension(vector_of(first) == nullptr ? 0 : vector_of(first)->size()),
      position(first_position) {}

bool InputShape::is_vector() const noexcept {
    return kind == kVector;
}

void check_item(std::size_t position, const detail::IndexItem& item) {
    check_input(fmt::format("value {}", position), item.input);
    if (!item.key) return;
    check_text(fmt::format("the key of value {}", position), *item.key);
    if (item.key->empty() || item.key->size() > kMaxKeyBytes) {
        raise(ErrorCode::invalid_argument, fmt::format("the key of value {} has {} bytes; it must have 1 to {}",
                                                       position, item.key->size(), kMaxKeyBytes));
    }
}

void check_alike(std::size_t position, const IndexInput& input, const InputShape& shape) {
    if (input.value().index() != shape.kind) {
        raise(ErrorCode::invalid_argument,
              fmt::format("value {} is {} and value {} {}: index them in calls of their own", position,
                          kKinds[input.value().index()], shape.position, kKinds[shape.kind]));
    }
    const Vector* vector = vector_of(input);
    if (vector != nullptr && vector->size() != shape.dimension) {
        raise(ErrorCode::dimension_mismatch, fmt::format("the vector of value {} has {} elements, and {} were expected",
                                                         position, vector->size(), shape.dimension));
    }
}

void check_embedded(std::span<const float> vector, std::size_t dimension) {
    if (vector.size() == dimension && has_direction(vector)) return;
    raise(ErrorCode::embedder_failed,
          fmt::format("the embedder gave a vector of {} elements where {} were expected, or one of no direction (NaN, "
                      "infinity, zero)",
                      vector.size(), dimension));
}

IndexInput check_query(const IndexInput& query) {
    const ResourceContent* resource = resource_of(query);
    if (resource != nullptr && resource->mime_type.starts_with("text/")) {
        std::string text(reinterpret_cast<const char*>(resource->data.data()), resource->data.size());
        check_text("the query", text);
        return text;
    }
    if (resource != nullptr && !resource->mime_type.starts_with("image")) {
        raise(ErrorCode::invalid_argument,
              fmt::format("the query has the media type \"{}\"; it must be text or an image", resource->mime_type));
    }
    check_input("the query", query);
    return query;
}

std::optional<std::string> digest_of(const IndexInput& input, const std::string& fingerprint) {
    const std::string of = fmt::format("{}:{}:", fingerprint.size(), fingerprint);
    if (const std::string* text = text_of(input)) return sha256_hex(fmt::format("{}text:{}", of, *text));
    const ResourceContent* resource = resource_of(input);
    if (resource == nullptr) return std::nullopt;
    return sha256_hex(fmt::format("{}{}:", of, resource->mime_type) +
                      std::string(reinterpret_cast<const char*>(resource->data.data()), resource->data.size()));
}

std::vector<EmbeddedInput> embed_inputs(const IndexEmbedders& embedders, std::span<const IndexInput* const> inputs,
                                        Deadline deadline) {
    if (inputs.empty()) return {};
    std::vector<EmbeddedInput> all = embed_unchecked(embedders, inputs, deadline);
    const std::size_t dimension = embedders.frame(*inputs.front()).dimension;
    for (const EmbeddedInput& one : all) check_embedded(one.vector, dimension);
    return all;
}

std::vector<EmbeddedInput> embed_unchecked(const IndexEmbedders& embedders, std::span<const IndexInput* const> inputs,
                                           Deadline deadline) {
    if (inputs.empty()) return {};
    try {
        if (vector_of(*inputs.front()) != nullptr) {
            std::vector<EmbeddedInput> all;
            for (const IndexInput* input : inputs) all.push_back({*vector_of(*input), false});
            return all;
        }
        if (text_of(*inputs.front()) != nullptr) {
            std::vector<std::string_view> texts;
            for (const IndexInput* input : inputs) texts.push_back(*text_of(*input));
            return counted(embedders.text->embed(texts, deadline), texts.size());
        }
        std::vector<ResourceContent> images;
        for (const IndexInput* input : inputs) images.push_back(*resource_of(*input));
        return counted(embedders.images->embed_images(images, deadline), images.size());
    } catch (const Error&) {
        throw;
    } catch (const std::exception& error) {  // somebody else's embedder
        raise(ErrorCode::embedder_failed, error.what());
    }
}

}  // namespace stele
