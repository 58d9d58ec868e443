// A vector index on a database, and its twin in memory: what is true of both.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stele/testing.hpp"
#include "stele/vector_index.hpp"
#include "support/server.hpp"

namespace shelf {

struct Note {
    std::string text;
    std::string language = "en";
    int page = 0;
    std::vector<float> vector;  // not described: not stored
    stele::ResourceContent image;
};
STELE_DESCRIBE(Note, (text), (language, "lang"), (page))

}  // namespace shelf

namespace stele::test {

using shelf::Note;

enum class On { database, memory };

/// Embeds images by the text that they are made of.
class FakeImages final : public ImageEmbedder {
public:
    explicit FakeImages(std::shared_ptr<Embedder> texts) : texts_(std::move(texts)) {}
    std::size_t dimension() const override { return texts_->dimension(); }
    const std::string& fingerprint() const override { return texts_->fingerprint(); }
    std::vector<Embedding> embed_images(std::span<const ResourceContent> images, Deadline deadline) override {
        ++calls;
        std::vector<Embedding> all;
        for (const ResourceContent& image : images) {
            const std::string text(reinterpret_cast<const char*>(image.data.data()), image.data.size());
            all.push_back(texts_->embed_one(text, deadline));
        }
        return all;
    }
    int calls = 0;

private:
    std::shared_ptr<Embedder> texts_;
};

inline ResourceContent resource(std::string_view content, std::string mime_type) {
    const auto bytes = std::as_bytes(std::span(content));
    return {{bytes.begin(), bytes.end()}, std::move(mime_type), Json::object()};
}

class AnyIndex : public ::testing::TestWithParam<On> {
protected:
    VectorIndex<Note> open(VectorIndexOptions options = {}) { return open(embedder, std::move(options)); }
    VectorIndex<Note> open(std::shared_ptr<Embedder> other, VectorIndexOptions options = {},
                           std::shared_ptr<ImageEmbedder> images = nullptr) {
        if (GetParam() == On::memory) {
            return VectorIndex<Note>::in_memory(memory, std::move(other), std::move(options), std::move(images));
        }
        if (!database) database = server.open();
        return VectorIndex<Note>(*database, std::move(other), std::move(options), std::move(images));
    }
    /// Notes with these vectors, of text "0", "1" ...
    static std::vector<Note> with_vectors(const std::vector<std::vector<float>>& vectors) {
        std::vector<Note> notes;
        for (const auto& vector : vectors) {
            notes.push_back({std::to_string(notes.size()), "en", static_cast<int>(notes.size()), vector, {}});
        }
        return notes;
    }
    static std::vector<std::string> texts(const std::vector<Found<Note>>& found) {
        std::vector<std::string> all;
        for (const auto& one : found) all.push_back(one.value.text);
        return all;
    }

    Server server;
    std::optional<Database> database;
    testing::FakeClock clock;
    MemoryDatabase memory{clock};
    std::shared_ptr<testing::FakeEmbedder> embedder = std::make_shared<testing::FakeEmbedder>();
};

inline std::string name_of(const ::testing::TestParamInfo<On>& which) {
    return which.param == On::database ? "on_a_database" : "in_memory";
}

}  // namespace stele::test
