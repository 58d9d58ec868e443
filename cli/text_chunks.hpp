// Long texts, cut where their writers made a break.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace stele::cli {

struct TextChunk {
    std::vector<std::string> headings;  ///< those that it stands under, the outermost first
    std::string text;

    /// "The stele command > Exit status"
    std::string heading() const;
    /// What an embedder is to read: the headings tell what the text is about.
    std::string whole() const;
};

enum class TextFormat : unsigned char { plain, markdown };

/// Whether an embedder reads a text to its end.
using FitsEmbedder = std::function<bool(std::string_view)>;

/// The paragraphs of `text` (blocks of code are one), several together while they stand under the same headings and
/// fit. One that does not fit is cut at a line, a sentence, a word, whichever is there near its middle. Headings are
/// Markdown's with "#"; a plain text has none. `text` must be UTF-8.
std::vector<TextChunk> cut_text(std::string_view text, TextFormat format, const FitsEmbedder& fits);

}  // namespace stele::cli
