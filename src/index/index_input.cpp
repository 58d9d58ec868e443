#include "index/index_input.hpp"

#include <fmt/format.h>

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

std::string_view kind_of(const IndexInput& input) {
    return text_of(input) != nullptr ? "a text" : (resource_of(input) != nullptr ? "an image" : "a vector");
}

void check_vector(std::string_view what, Vector vector) {
    if (!kernels::normalize(vector)) {
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

std::vector<EmbeddedInput> checked(std::vector<Embedding> embeddings, std::size_t wanted, std::size_t dimension) {
    if (embeddings.size() != wanted) {
        raise(ErrorCode::embedder_failed,
              fmt::format("the embedder gave {} vectors for {} values", embeddings.size(), wanted));
    }
    std::vector<EmbeddedInput> all;
    for (Embedding& embedding : embeddings) {
        Vector copy = embedding.vector;
        if (embedding.vector.size() != dimension || !kernels::normalize(copy)) {
            raise(
                ErrorCode::embedder_failed,
                fmt::format("the embedder gave a vector of {} elements for value {} where {} were expected, or one of "
                            "no direction (NaN, infinity, zero)",
                            embedding.vector.size(), all.size(), dimension));
        }
        all.push_back({std::move(embedding.vector), embedding.truncated});
    }
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

void check_inputs(std::span<const detail::IndexItem> items) {
    for (std::size_t i = 0; i < items.size(); ++i) {
        const IndexInput& first = items.front().input;
        const IndexInput& input = items[i].input;
        check_input(fmt::format("value {}", i), input);
        if (input.value().index() != first.value().index()) {
            raise(ErrorCode::invalid_argument,
                  fmt::format("value {} is {} and value 0 {}: index them in calls of their own", i, kind_of(input),
                              kind_of(first)));
        }
        const Vector* vector = vector_of(input);
        if (vector != nullptr && vector->size() != vector_of(first)->size()) {
            raise(ErrorCode::dimension_mismatch,
                  fmt::format("the vector of value {} has {} elements, that of value 0 {}", i, vector->size(),
                              vector_of(first)->size()));
        }
    }
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

std::optional<std::string> digest_of(const IndexInput& input) {
    if (const std::string* text = text_of(input)) return sha256_hex("text:" + *text);
    const ResourceContent* resource = resource_of(input);
    if (resource == nullptr) return std::nullopt;
    return sha256_hex(fmt::format("{}:", resource->mime_type) +
                      std::string(reinterpret_cast<const char*>(resource->data.data()), resource->data.size()));
}

std::vector<EmbeddedInput> embed_inputs(const IndexEmbedders& embedders, std::span<const IndexInput* const> inputs,
                                        Deadline deadline) {
    if (inputs.empty()) return {};
    const std::size_t dimension = embedders.frame(*inputs.front()).dimension;
    try {
        if (vector_of(*inputs.front()) != nullptr) {
            std::vector<EmbeddedInput> all;
            for (const IndexInput* input : inputs) all.push_back({*vector_of(*input), false});
            return all;
        }
        if (text_of(*inputs.front()) != nullptr) {
            std::vector<std::string_view> texts;
            for (const IndexInput* input : inputs) texts.push_back(*text_of(*input));
            return checked(embedders.text->embed(texts, deadline), texts.size(), dimension);
        }
        std::vector<ResourceContent> images;
        for (const IndexInput* input : inputs) images.push_back(*resource_of(*input));
        return checked(embedders.images->embed_images(images, deadline), images.size(), dimension);
    } catch (const Error&) {
        throw;
    } catch (const std::exception& error) {  // somebody else's embedder
        raise(ErrorCode::embedder_failed, error.what());
    }
}

}  // namespace stele
