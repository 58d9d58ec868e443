// WordPiece: any UTF-8 becomes ids, the same whether it is cut or not; any file becomes a vocabulary, or is refused.
#include <algorithm>

#include "base/text.hpp"
#include "embedding/word_piece.hpp"
#include "fuzz.hpp"

namespace {

constexpr std::size_t kNoLimit = 1'000'000;
constexpr std::size_t kFewTokens = 6;

void check_ids(const stele::WordPiece& word_piece, const stele::WordPiece::Tokens& tokens, std::size_t max_length) {
    require(tokens.ids.size() >= 2 && tokens.ids.size() <= max_length);
    require(std::ranges::all_of(tokens.ids, [&](std::uint32_t id) { return id < word_piece.size(); }));
}

void check_cutting(const stele::WordPiece& word_piece, std::string_view text) {
    const auto whole = word_piece.encode(text, kNoLimit);
    check_ids(word_piece, whole, kNoLimit);
    require(!whole.truncated);
    for (const std::size_t max_length : {2, 3, 4, 7, 32}) {
        const auto cut = word_piece.encode(text, max_length);
        check_ids(word_piece, cut, max_length);
        require(cut.truncated == (whole.ids.size() > max_length));
        require(cut.ids.size() == std::min(max_length, whole.ids.size()));
        require(std::equal(cut.ids.begin(), cut.ids.end() - 1, whole.ids.begin()));
        require(cut.ids.back() == whole.ids.back());
    }
}

void check_result(const stele::Result<stele::WordPiece>& word_piece, std::string_view text) {
    if (!word_piece) require(word_piece.error().code == stele::ErrorCode::invalid_argument);
    if (word_piece) check_cutting(*word_piece, text);
}

// A limit refuses, and changes nothing else.
void check_limited(const stele::Result<stele::WordPiece>& limited, const stele::Result<stele::WordPiece>& unlimited,
                   std::string_view text) {
    check_result(limited, text);
    if (limited) require(unlimited && limited->size() == unlimited->size());
}

// No word reaches over a blank.
void check_halves(const stele::WordPiece& word_piece, std::string_view text) {
    const auto middle = text.find(' ', text.size() / 2);
    if (middle == std::string_view::npos) return;
    auto left = word_piece.encode(text.substr(0, middle), kNoLimit).ids;
    const auto right = word_piece.encode(text.substr(middle), kNoLimit).ids;
    left.pop_back();
    left.insert(left.end(), right.begin() + 1, right.end());
    require(left == word_piece.encode(text, kNoLimit).ids);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto kWordPiece = stele::value_or_raise(stele::WordPiece::from_vocabulary(
        "[UNK]\n[CLS]\n[SEP]\na\nb\nab\n##a\n##b\n##ab\n.\n<\né\n##é\ne\n##e\n漢\nᄒ\n##ᅡ\ni\n##i\nß\n##ß\n", {}));
    const std::string_view text = as_text(data, size);
    const bool accepted = accepts([&] { check_cutting(kWordPiece, text); });
    require(accepted == stele::valid_utf8(text));
    if (accepted) check_halves(kWordPiece, text);

    const auto by_lines = stele::WordPiece::from_vocabulary(text, {});
    const auto by_json = stele::WordPiece::from_tokenizer_json(text);
    check_result(by_lines, text);
    check_result(by_json, text);
    const auto few_lines = stele::WordPiece::from_vocabulary(text, {}, kFewTokens);
    check_limited(few_lines, by_lines, text);
    check_limited(stele::WordPiece::from_tokenizer_json(text, kFewTokens), by_json, text);
    require(few_lines.has_value() == (by_lines && by_lines->size() <= kFewTokens));
    return 0;
}
