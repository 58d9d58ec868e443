#include "text_documents.hpp"

#include <fmt/format.h>

#include <optional>

#include "exit_code.hpp"
#include "text.hpp"
#include "text_folder.hpp"

namespace stele::cli {
namespace {

TextFormat format_of(const std::string& path) {
    return path.ends_with(".md") || path.ends_with(".markdown") ? TextFormat::markdown : TextFormat::plain;
}

std::string title_of(const std::string& path, const std::vector<TextChunk>& chunks) {
    if (!chunks.empty() && !chunks.front().headings.empty()) return chunks.front().headings.front();
    return std::filesystem::path(path).stem().string();
}

}  // namespace

std::string DocumentChunk::key() const {
    return fmt::format("{}#{}", path, position);
}

std::string DocumentChunk::whole() const {
    return TextChunk{heading.empty() ? std::vector<std::string>() : std::vector{heading}, text}.whole();
}

FitsEmbedder fits_embedder(const Embedder& embedder) {
    constexpr std::size_t kBytes = 1200;
    const std::optional<std::size_t> most = embedder.max_pieces();
    if (!most) return [](std::string_view text) { return text.size() <= kBytes; };
    return [&embedder, most = *most](std::string_view text) { return embedder.pieces(text).value_or(0) <= most; };
}

std::vector<DocumentChunk> read_documents(const std::filesystem::path& folder, const std::vector<std::string>& types,
                                          const std::string& prefix, const Embedder& embedder) {
    const FitsEmbedder fits = fits_embedder(embedder);
    std::vector<DocumentChunk> documents;
    for (const auto& [path, text] : read_folder(folder, types)) {
        if (!is_utf8(text) || text.find('\0') != std::string::npos) {
            refuse(fmt::format("{} is no text in UTF-8", printable((folder / path).string())));
        }
        const std::vector<TextChunk> chunks = cut_text(text, format_of(path), fits);
        const std::string title = title_of(path, chunks);
        std::int64_t position = 0;
        for (const TextChunk& chunk : chunks) {
            documents.push_back({prefix + path, title, chunk.heading(), position++, chunk.text});
        }
    }
    return documents;
}

}  // namespace stele::cli
