// Text to the numbers that a BERT model reads: words, cut into the longest pieces that the vocabulary has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embedding/bert_normalizer.hpp"

namespace stele {

/// The same pieces as Hugging Face's tokenizers gives, with one difference: "[SEP]" and the like in a text are plain
/// text. Thread-safe once made.
class WordPiece {
public:
    struct Options : BertOptions {
        std::string prefix = "##";  ///< of a piece that does not begin a word
        std::string unknown = "[UNK]";
        std::string first = "[CLS]";
        std::string last = "[SEP]";
    };
    struct Tokens {
        std::vector<std::uint32_t> ids;
        bool truncated = false;  ///< there were more pieces
    };

    static constexpr std::size_t kMostTokens = 1'000'000;  ///< more than any in use has

    /// A vocab.txt: one token a line, its id the number of the line. invalid_argument says what is wrong. More than
    /// `most` tokens, those that the model has room for, are refused without memory for them.
    static Result<WordPiece> from_vocabulary(std::string_view lines, Options options, std::size_t most = kMostTokens);
    /// A tokenizer.json, which holds the options too; its padding and truncation are not taken. invalid_argument for
    /// another kind of tokenizer, with what it is.
    static Result<WordPiece> from_tokenizer_json(std::string_view json, std::size_t most = kMostTokens);

    /// `first`, the pieces of `text`, `last`: at most `max_length` ids, which must be 2 or more. What comes after them
    /// in a long text costs next to nothing. Throws Error(invalid_argument) for text that is not UTF-8; U+0000 is
    /// allowed.
    Tokens encode(std::string_view text, std::size_t max_length) const;

    /// One more than the highest id: the rows that a model's word table needs.
    std::size_t size() const noexcept { return size_; }
    /// SHA-256 of all that decides what encode() gives: the options and the tokens, wherever they were read from.
    std::string sum() const;

private:
    struct Token {
        std::string_view text;
        std::uint32_t id = 0;
    };
    struct Slot {
        std::uint32_t hash = 0;
        std::uint32_t id = 0;
        std::uint32_t offset = 0;
        std::uint32_t length = 0;  // 0: free
    };

    explicit WordPiece(Options options) : options_(std::move(options)) {}
    static Result<WordPiece> create(const std::vector<Token>& tokens, Options options);

    void insert(const Token& token);
    std::string_view text_of(const Slot& slot) const noexcept;
    const Slot* find(std::uint32_t hash, std::string_view prefix, std::string_view rest) const noexcept;
    bool append_pieces(std::string_view word, std::vector<std::uint32_t>& hashes,
                       std::vector<std::uint32_t>& ids) const;

    Options options_;
    std::string texts_;        // of all tokens, one after the other
    std::vector<Slot> slots_;  // a power of two, at most half of them taken
    std::size_t longest_ = 0;  // bytes of the longest token that a word can hold
    std::size_t size_ = 0;
    std::uint32_t unknown_ = 0;
    std::uint32_t first_ = 0;
    std::uint32_t last_ = 0;
};

}  // namespace stele
