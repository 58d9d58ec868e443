#include "text_documents.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "stele/error.hpp"
#include "stele/hashing_embedder.hpp"
#include "support/temporary_directory.hpp"

namespace stele::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Takes every byte for a piece, and one more for the text.
class ShortSighted final : public Embedder {
public:
    std::size_t dimension() const override { return hashing_.dimension(); }
    const std::string& fingerprint() const override { return hashing_.fingerprint(); }
    std::optional<std::size_t> pieces(std::string_view text) const override { return text.size() + 1; }
    std::optional<std::size_t> max_pieces() const override { return 120; }
    std::vector<Embedding> embed(std::span<const std::string_view> texts, Deadline deadline) override {
        return hashing_.embed(texts, deadline);
    }

private:
    HashingEmbedder hashing_;
};

class TextDocuments : public ::testing::Test {
protected:
    void put(const fs::path& name, const std::string& text) const {
        fs::create_directories((place_.path() / name).parent_path());
        std::ofstream(place_.path() / name, std::ios::binary) << text;
    }
    std::vector<DocumentChunk> read(const Embedder& embedder, const std::string& prefix = "") const {
        return read_documents(place_.path(), {".md", ".txt"}, prefix, embedder);
    }

    const test::TemporaryDirectory place_;
};

TEST_F(TextDocuments, know_where_they_come_from) {
    put("b/guide.md", "# Guide\n\nintro\n\n## Part\n\nmore\n");
    put("a.txt", "# words\n");
    std::vector<std::string> keys, whole, titles;
    for (const DocumentChunk& chunk : read(HashingEmbedder(), "x/")) {
        keys.push_back(chunk.key());
        whole.push_back(chunk.whole());
        titles.push_back(chunk.title);
    }
    EXPECT_THAT(keys, ElementsAre("x/a.txt#0", "x/b/guide.md#0", "x/b/guide.md#1"));
    EXPECT_THAT(whole, ElementsAre("# words", "Guide\n\nintro", "Guide > Part\n\nmore"));
    EXPECT_THAT(titles, ElementsAre("a", "Guide", "Guide"));
}

TEST_F(TextDocuments, are_no_longer_than_the_embedder_reads_by_its_own_count) {
    const std::string words = "one two three four five six seven eight nine ten eleven twelve";
    put("a.md", "# H\n\n" + words + " " + words + " " + words + "\n");
    std::string joined;
    const auto chunks = read(ShortSighted());
    EXPECT_EQ(chunks.size(), 2U);
    for (const DocumentChunk& chunk : chunks) {
        joined += chunk.text + " ";
        EXPECT_LE(chunk.whole().size(), 119U);
    }
    EXPECT_EQ(joined, words + " " + words + " " + words + " ");
}

TEST_F(TextDocuments, have_a_bound_where_the_embedder_cannot_count) {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "words ";
    put("a.txt", text);
    const auto chunks = read(HashingEmbedder());
    EXPECT_GT(chunks.size(), 4U);
    for (const DocumentChunk& chunk : chunks) EXPECT_LE(chunk.text.size(), 1200U);
}

TEST_F(TextDocuments, that_are_no_text_are_refused_by_name) {
    put("a.txt", std::string("x\0y", 3));
    try {
        read(HashingEmbedder());
        FAIL() << "it holds a zero";
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("a.txt is no text in UTF-8"));
    }
}

}  // namespace
}  // namespace stele::cli
