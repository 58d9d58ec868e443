#include "text_chunks.hpp"

#include <algorithm>
#include <optional>

#include "text.hpp"

namespace stele::cli {
namespace {

struct Heading {
    std::size_t level;
    std::string text;
};

/// "## Exit status ##"
std::optional<Heading> read_heading(std::string_view line) {
    constexpr std::size_t kDeepest = 6;
    const std::size_t level = std::min(line.find_first_not_of('#'), line.size());
    if (level == 0 || level > kDeepest || (level < line.size() && line[level] != ' ')) return std::nullopt;
    std::string_view text = trimmed(line.substr(level));
    const std::size_t end = text.find_last_not_of('#') + 1;
    if (end < text.size() && (end == 0 || text[end - 1] == ' ')) text = trimmed(text.substr(0, end));
    return Heading{level, std::string(text)};
}

/// "```cpp": what a line that ends the block begins with.
std::string_view fence_of(std::string_view line) {
    for (const char mark : {'`', '~'}) {
        const std::size_t length = std::min(line.find_first_not_of(mark), line.size());
        if (length >= 3) return line.substr(0, length);
    }
    return {};
}

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

/// Behind the break that is nearest to the middle, in the middle half of the text. Nothing: there is none of the kind.
std::optional<std::size_t> break_near_middle(std::string_view text, std::string_view mark) {
    const std::size_t first = text.size() / 4, last = text.size() - first, middle = text.size() / 2;
    std::optional<std::size_t> best;
    const auto distance = [middle](std::size_t at) { return at > middle ? at - middle : middle - at; };
    for (std::size_t at = text.find(mark, first); at < last; at = text.find(mark, at + 1)) {
        const std::size_t behind = at + mark.size();
        if (!best || distance(behind) < distance(*best)) best = behind;
    }
    return best;
}

std::size_t middle_of(std::string_view text) {
    for (const std::string_view mark : {"\n", ". ", " "}) {
        if (const auto at = break_near_middle(text, mark)) return *at;
    }
    std::size_t at = text.size() / 2;
    while (at > 0 && is_continuation(text[at])) --at;
    return at;
}

class Cutter {
public:
    Cutter(TextFormat format, const FitsEmbedder& fits) : format_(format), fits_(fits) {}

    std::vector<TextChunk> cut(std::string_view text) {
        while (!text.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            take(text.substr(0, end));
            text.remove_prefix(std::min(text.size(), end + 1));
        }
        end_paragraph();
        end_chunk();
        return std::move(chunks_);
    }

private:
    void take(std::string_view line) {
        const std::string_view bare = trimmed(line);
        if (format_ == TextFormat::markdown) {
            if (!fence_.empty()) {
                add(line);
                if (bare.starts_with(fence_) && bare.find_first_not_of(fence_.front()) == std::string_view::npos) {
                    fence_.clear();
                }
                return;
            }
            fence_ = fence_of(bare);
            if (auto heading = fence_.empty() ? read_heading(line) : std::nullopt) return begin_section(*heading);
        }
        bare.empty() ? end_paragraph() : add(line);
    }
    void add(std::string_view line) {
        if (!paragraph_.empty()) paragraph_ += '\n';
        paragraph_ += line.substr(0, line.find_last_not_of(" \t\r\n") + 1);
    }

    void begin_section(Heading& heading) {
        end_paragraph();
        end_chunk();
        while (!open_.empty() && open_.back().level >= heading.level) open_.pop_back();
        open_.push_back(std::move(heading));
    }
    void end_paragraph() {
        if (paragraph_.empty()) return;
        const std::string longer = chunk_.empty() ? paragraph_ : chunk_ + "\n\n" + paragraph_;
        if (fits(longer)) {
            chunk_ = longer;
        } else {
            end_chunk();
            fits(paragraph_) ? void(chunk_ = paragraph_) : cut_paragraph(paragraph_);
        }
        paragraph_.clear();
    }
    void end_chunk() {
        if (!chunk_.empty()) chunks_.push_back(chunk(std::move(chunk_)));
        chunk_.clear();
    }
    void cut_paragraph(std::string_view text) {
        constexpr std::size_t kLeast = 64;  // headings alone may be too long; then an end that does not count is better
        text = trimmed(text);
        if (text.empty()) return;
        if (text.size() <= kLeast || fits(text)) {
            chunks_.push_back(chunk(std::string(text)));
            return;
        }
        const std::size_t middle = middle_of(text);
        cut_paragraph(text.substr(0, middle));
        cut_paragraph(text.substr(middle));
    }

    TextChunk chunk(std::string text) const {
        TextChunk chunk;
        for (const Heading& heading : open_) chunk.headings.push_back(heading.text);
        chunk.text = std::move(text);
        return chunk;
    }
    bool fits(std::string_view text) const { return fits_(chunk(std::string(text)).whole()); }

    const TextFormat format_;
    const FitsEmbedder& fits_;
    std::vector<Heading> open_;
    std::string fence_;  // the end of the block of code that we are in
    std::string paragraph_, chunk_;
    std::vector<TextChunk> chunks_;
};

}  // namespace

std::string TextChunk::heading() const {
    return joined(headings, " > ");
}

std::string TextChunk::whole() const {
    return headings.empty() ? text : heading() + "\n\n" + text;
}

std::vector<TextChunk> cut_text(std::string_view text, TextFormat format, const FitsEmbedder& fits) {
    return Cutter(format, fits).cut(text);
}

}  // namespace stele::cli
