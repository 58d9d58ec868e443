#include "embedding/word_piece.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "embedding/endpoint.hpp"

namespace stele {
namespace {

// The largest in use have a quarter of a million tokens, in 5 MB.
constexpr std::size_t kMaxVocabularyBytes = 64U << 20U;
constexpr std::size_t kMaxWord = 1'000;

template <class... Arguments>
tl::unexpected<ErrorInfo> refuse_vocabulary(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    return fail(make_error(ErrorCode::invalid_argument, fmt::format(format, std::forward<Arguments>(arguments)...)));
}

// FNV-1a, so that the hashes of all beginnings of a word cost no more than the hash of the word.
constexpr std::uint32_t kHashSeed = 0x811c9dc5;

constexpr std::uint32_t hash_on(std::uint32_t hash, char byte) noexcept {
    return (hash ^ static_cast<unsigned char>(byte)) * 0x01000193;
}

constexpr std::uint32_t hash_on(std::uint32_t hash, std::string_view bytes) noexcept {
    for (const char byte : bytes) hash = hash_on(hash, byte);
    return hash;
}

void check_utf8(std::string_view text) {
    if (valid_utf8(text)) return;
    auto fault = *find_text_fault(text);
    for (std::size_t start = 0; fault.kind == TextFault::Kind::nul;) {
        start = fault.offset + 1;
        fault = *find_text_fault(text.substr(start));
        fault.offset += start;
    }
    raise(ErrorCode::invalid_argument, "the text " + to_string(fault));
}

std::string_view without_trailing_blanks(std::string_view line) {
    return line.substr(0, line.find_last_not_of(" \t\r") + 1);
}

}  // namespace

Result<WordPiece> WordPiece::from_vocabulary(std::string_view lines, Options options, std::size_t most) {
    if (lines.size() > kMaxVocabularyBytes)
        return refuse_vocabulary("the vocabulary has {} bytes: too many for one", lines.size());
    if (!valid_utf8(lines)) return refuse_vocabulary("the vocabulary is not UTF-8");
    std::vector<Token> tokens;
    while (!lines.empty()) {
        if (tokens.size() == most)
            return refuse_vocabulary("the vocabulary has more than {} tokens: is it this model's?", most);
        const std::string_view line = lines.substr(0, lines.find('\n'));
        lines.remove_prefix(std::min(lines.size(), line.size() + 1));
        tokens.push_back({without_trailing_blanks(line), static_cast<std::uint32_t>(tokens.size())});
    }
    return create(tokens, std::move(options));
}

Result<WordPiece> WordPiece::create(const std::vector<Token>& tokens, Options options) {
    if (options.max_word < 1 || options.max_word > kMaxWord)
        return refuse_vocabulary("the tokenizer's longest word is {} characters, not 1 to {}", options.max_word,
                                 kMaxWord);
    WordPiece result(std::move(options));
    std::size_t bytes = 0;
    for (const Token& token : tokens) bytes += token.text.size();
    result.texts_.reserve(bytes);
    result.slots_.resize(std::bit_ceil(2 * tokens.size() + 2));
    for (const Token& token : tokens) result.insert(token);
    // A word is compared in whole characters, of 4 bytes at most.
    result.longest_ = std::min(result.longest_, 4 * result.options_.max_word);

    for (const auto& [text, id] :
         {std::pair(&result.options_.unknown, &result.unknown_), std::pair(&result.options_.first, &result.first_),
          std::pair(&result.options_.last, &result.last_)}) {
        const Slot* const slot = result.find(hash_on(kHashSeed, *text), {}, *text);
        if (slot == nullptr)
            return refuse_vocabulary("of the vocabulary's {} tokens none is \"{}\": is it a BERT model's, and whole?",
                                     tokens.size(), presentable(*text, {}, 80));
        *id = slot->id;
    }
    return result;
}

// The last of equal tokens counts, as at Hugging Face's.
void WordPiece::insert(const Token& token) {
    size_ = std::max<std::size_t>(size_, std::size_t{token.id} + 1);
    if (token.text.empty()) return;
    longest_ = std::max(longest_, token.text.size());
    const std::uint32_t hash = hash_on(kHashSeed, token.text);
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    while (slots_[at].length != 0 && (slots_[at].hash != hash || text_of(slots_[at]) != token.text))
        at = (at + 1) & mask;
    slots_[at].id = token.id;
    if (slots_[at].length != 0) return;
    slots_[at] = {hash, token.id, static_cast<std::uint32_t>(texts_.size()),
                  static_cast<std::uint32_t>(token.text.size())};
    texts_ += token.text;
}

std::string_view WordPiece::text_of(const Slot& slot) const noexcept {
    return {texts_.data() + slot.offset, slot.length};
}

const WordPiece::Slot* WordPiece::find(std::uint32_t hash, std::string_view prefix,
                                       std::string_view rest) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask; slots_[at].length != 0; at = (at + 1) & mask) {
        const Slot& slot = slots_[at];
        if (slot.hash != hash || slot.length != prefix.size() + rest.size()) continue;
        const auto text = text_of(slot);
        if (text.starts_with(prefix) && text.ends_with(rest)) return &slot;
    }
    return nullptr;
}

bool WordPiece::append_pieces(std::string_view word, std::vector<std::uint32_t>& hashes,
                              std::vector<std::uint32_t>& ids) const {
    const std::size_t before = ids.size();
    std::string_view prefix;
    while (!word.empty()) {
        const std::size_t longest = std::min(word.size(), longest_);
        std::uint32_t hash = hash_on(kHashSeed, prefix);
        for (std::size_t i = 0; i < longest; ++i) hashes[i] = hash = hash_on(hash, word[i]);
        const Slot* found = nullptr;
        std::size_t length = longest;
        // Tokens are UTF-8: none ends within a character.
        while (length > 0 && (found = find(hashes[length - 1], prefix, word.substr(0, length))) == nullptr) --length;
        if (found == nullptr) {
            ids.resize(before);
            return false;
        }
        ids.push_back(found->id);
        word.remove_prefix(length);
        prefix = options_.prefix;
    }
    return true;
}

WordPiece::Tokens WordPiece::encode(std::string_view text, std::size_t max_length) const {
    if (max_length < 2)
        raise(ErrorCode::invalid_argument,
              fmt::format("a text cannot be cut to {} pieces: its two ends count", max_length));
    check_utf8(text);
    const std::size_t limit = max_length - 1;
    Tokens tokens;
    tokens.ids.reserve(std::min(max_length, text.size() / 2 + 3));
    tokens.ids.push_back(first_);
    std::vector<std::uint32_t> hashes(longest_);
    BertWords words(text, options_);
    // A word has one piece at least. All of them are looked for, even if few fit: without the last one it has none.
    while (tokens.ids.size() <= limit && words.next())
        if (words.too_long() || !append_pieces(words.word(), hashes, tokens.ids)) tokens.ids.push_back(unknown_);
    tokens.truncated = tokens.ids.size() > limit;
    if (tokens.truncated) tokens.ids.resize(limit);
    tokens.ids.push_back(last_);
    return tokens;
}

std::string WordPiece::sum() const {
    std::vector<std::string_view> by_id(size_);
    for (const Slot& slot : slots_) {
        if (slot.length != 0) by_id[slot.id] = text_of(slot);
    }
    std::string text =
        fmt::format("{:d}{:d}{:d}{:d} {} {} {} {}", options_.clean_text, options_.split_chinese, options_.strip_accents,
                    options_.lower_case, options_.max_word, unknown_, first_, last_);
    for (const std::string_view token : by_id) (text += '\n') += token;
    return sha256_hex((text += '\n') += options_.prefix);
}

}  // namespace stele
