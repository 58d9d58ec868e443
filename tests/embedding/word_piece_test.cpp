#include "embedding/word_piece.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <initializer_list>
#include <sstream>

namespace stele {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::size_t kNoLimit = 1'000'000;

WordPiece::Options cased() {
    WordPiece::Options options;
    options.lower_case = false;
    options.strip_accents = false;
    return options;
}

/// A vocabulary of the special tokens and the given ones, that shows pieces instead of ids.
class Pieces {
public:
    Pieces(std::initializer_list<std::string_view> tokens, const WordPiece::Options& options = {})
        : tokens_{"[UNK]", "[CLS]", "[SEP]"}, word_piece_(make(tokens, options)) {}

    const WordPiece* operator->() const { return &word_piece_; }

    /// The pieces between [CLS] and [SEP], "?" for an unknown word; " ..." at the end says that there were more.
    std::string of(std::string_view text, std::size_t max_length = kNoLimit) const {
        const auto [ids, truncated] = word_piece_.encode(text, max_length);
        EXPECT_LE(ids.size(), max_length);
        EXPECT_EQ(tokens_.at(ids.front()), "[CLS]");
        EXPECT_EQ(tokens_.at(ids.back()), "[SEP]");
        std::string shown;
        for (std::size_t i = 1; i + 1 < ids.size(); ++i)
            shown += (i > 1 ? " " : "") + (ids[i] == 0 ? "?" : tokens_.at(ids[i]));
        return truncated ? shown + " ..." : shown;
    }

private:
    WordPiece make(std::initializer_list<std::string_view> tokens, const WordPiece::Options& options) {
        tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
        std::string lines;
        for (const std::string& token : tokens_) lines += token + "\n";
        return value_or_raise(WordPiece::from_vocabulary(lines, options));
    }

    std::vector<std::string> tokens_;
    WordPiece word_piece_;
};

std::string error_of(const Result<WordPiece>& result) {
    if (result) return "no error";
    EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
    return result.error().message;
}

TEST(WordPiece, cuts_a_word_into_the_longest_pieces) {
    const Pieces pieces{"un", "una", "##aff", "##able", "##ff", "##a", "token", "##ization"};
    EXPECT_EQ(pieces.of("unaffable tokenization"), "una ##ff ##able token ##ization");
    EXPECT_EQ(pieces.of(""), "");
    EXPECT_EQ(pieces.of(" \t\n "), "");
    EXPECT_EQ(pieces->size(), 11U);
}

TEST(WordPiece, a_word_is_unknown_as_a_whole_when_a_part_of_it_is) {
    const Pieces pieces{"token", "##s", "a"};
    EXPECT_EQ(pieces.of("a tokenx a"), "a ? a");
    EXPECT_EQ(pieces.of("tokens xtoken"), "token ##s ?");
}

TEST(WordPiece, takes_case_and_accents_away) {
    const Pieces pieces{"ubergroßen", "cafe", "istanbul", "ωσ", "вои", "ss"};
    EXPECT_EQ(pieces.of("ÜBERGRÖßEN Café CAFE\u0301 İSTANBUL ΩΣ \u2126σ Вой\u0306"),
              "ubergroßen cafe cafe istanbul ωσ ωσ вои");
}

TEST(WordPiece, keeps_case_and_accents_when_told_so) {
    const Pieces both({"Café", "cafe"}, cased());
    EXPECT_EQ(both.of("Café café CAFÉ cafe"), "Café ? ? cafe");

    WordPiece::Options options = cased();
    options.lower_case = true;
    const Pieces accents({"café", "i\u0307x"}, options);
    EXPECT_EQ(accents.of("CAFÉ café cafe İX"), "café café ? i\u0307x");
}

TEST(WordPiece, punctuation_stands_alone) {
    const Pieces pieces{"a", "##a", "b", "!", "$", "+", "<", "=", ">", "^", "`", "|", "~", "_", "“", "…", "¿", "、"};
    EXPECT_EQ(pieces.of("a!b$+<=>^`|~a_b"), "a ! b $ + < = > ^ ` | ~ a _ b");
    EXPECT_EQ(pieces.of("¿a…“b、a"), "¿ a … “ b 、 a");
    // A symbol outside ASCII is no punctuation, unless it is taken apart into one: U+2260 is "=" and a mark.
    EXPECT_EQ(pieces.of("a€b a\u2260b"), "? a = b");
}

TEST(WordPiece, ideographs_stand_alone_and_other_scripts_do_not) {
    const Pieces pieces{"漢", "字", "か", "##な", "a", "豈", "ᄒ", "##ᅡ", "##ᆫ"};
    EXPECT_EQ(pieces.of("漢字かな漢a漢"), "漢 字 か ##な 漢 a 漢");
    EXPECT_EQ(pieces.of("\uF900한"), "豈 ᄒ ##ᅡ ##ᆫ");  // taken apart

    WordPiece::Options options;
    options.split_chinese = false;
    const Pieces together({"漢", "##字"}, options);
    EXPECT_EQ(together.of("漢字"), "漢 ##字");
}

TEST(WordPiece, blanks_separate_and_control_characters_vanish) {
    const Pieces pieces{"a", "ab"};
    EXPECT_EQ(pieces.of("a\ta\na\ra\u00A0a\u2003a\u3000a\u2028a"), "a a a a a a a a");
    EXPECT_EQ(pieces.of(std::string_view("a\0b a\x01"
                                         "b a\vb a\x1F"
                                         "b a\x7F"
                                         "b",
                                         19)),
              "ab ab ab ab ab");
    EXPECT_EQ(pieces.of("a\u0085b a\u00ADb a\u200Db a\uFEFFb a\uFFFDb a\uE000b"), "ab ab ab ab ab ab");

    WordPiece::Options options;
    options.clean_text = false;
    const Pieces uncleaned({"a", "b"}, options);
    EXPECT_EQ(uncleaned.of("a\vb a\u0085b a\x01"
                           "b a\u200Db"),
              "a b a b ? ?");
}

TEST(WordPiece, special_tokens_in_a_text_are_plain_text) {
    const Pieces pieces{"[", "]", "sep", "cls", "#", "s"};
    EXPECT_EQ(pieces.of("[SEP] [CLS]s ##s"), "[ sep ] [ cls ] s # # s");
}

TEST(WordPiece, a_word_longer_than_the_limit_is_unknown) {
    const Pieces pieces{"x", "##x", "é", "##é"};
    EXPECT_EQ(pieces->encode(std::string(100, 'x'), kNoLimit).ids.size(), 102U);
    EXPECT_EQ(pieces.of(std::string(101, 'x')), "?");
    EXPECT_EQ(pieces.of(std::string(1'000'000, 'X') + " x"), "? x");
    // Counted after the marks are gone.
    std::string accented;
    for (int i = 0; i < 100; ++i) accented += "x\u0301";
    EXPECT_EQ(pieces->encode(accented, kNoLimit).ids.size(), 102U);
    EXPECT_EQ(pieces.of(accented + "x"), "?");

    WordPiece::Options options = cased();
    options.max_word = 2;
    const Pieces small({"é", "##é"}, options);
    EXPECT_EQ(small.of("éé ééé"), "é ##é ?");
}

TEST(WordPiece, cuts_a_long_text_and_says_so) {
    const Pieces pieces{"a", "##b", "##c"};
    EXPECT_EQ(pieces.of("a abc", 6), "a a ##b ##c");
    EXPECT_EQ(pieces.of("a abc", 5), "a a ##b ...");
    EXPECT_EQ(pieces.of("a abc", 3), "a ...");
    EXPECT_EQ(pieces.of("a abc", 2), " ...");
    EXPECT_EQ(pieces.of("", 2), "");
    EXPECT_EQ(pieces.of("xyz", 2), " ...");
}

TEST(WordPiece, a_cut_word_is_unknown_when_what_was_cut_off_is) {
    const Pieces pieces{"a", "##b"};
    EXPECT_EQ(pieces.of("abbbx", 4), "?");
    EXPECT_EQ(pieces.of("abbb", 4), "a ##b ...");
}

TEST(WordPiece, blanks_and_dropped_characters_at_the_end_are_no_cut) {
    const Pieces pieces{"a"};
    EXPECT_EQ(pieces.of("a  \n\u0301\u200B ", 3), "a");
    EXPECT_EQ(pieces.of("a  \n\u0301\u200B .", 3), "a ...");
}

TEST(WordPiece, refuses_text_that_is_not_utf8_with_the_place) {
    const Pieces pieces{"a"};
    const auto message = [&pieces](std::string_view text, std::size_t max_length = kNoLimit) -> std::string {
        try {
            pieces->encode(text, max_length);
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
            return error.what();
        }
        return "no error";
    };
    EXPECT_EQ(message("a a\xFF"), "the text is not UTF-8 at byte 3");
    EXPECT_EQ(message(std::string_view("\0a\0\xC3 a", 6)), "the text is not UTF-8 at byte 3");
    EXPECT_EQ(message("\xED\xA0\x80"), "the text is not UTF-8 at byte 0");
    EXPECT_EQ(message("a a a a\xC3", 3), "the text is not UTF-8 at byte 7");  // also where nothing is read any more
    EXPECT_THAT(message("a", 1), HasSubstr("cut to 1 pieces"));
}

TEST(WordPieceVocabulary, has_a_token_a_line_whatever_ends_it) {
    const auto word_piece = WordPiece::from_vocabulary("[UNK]\r\n[CLS]\r\n\r\n[SEP]\r\na \r\n##b", {});
    ASSERT_TRUE(word_piece) << word_piece.error().message;
    EXPECT_EQ(word_piece->size(), 6U);
    EXPECT_THAT(word_piece->encode("ab", kNoLimit).ids, ElementsAre(1, 4, 5, 3));
}

TEST(WordPieceVocabulary, the_last_of_equal_tokens_counts) {
    const auto word_piece = WordPiece::from_vocabulary("[UNK]\n[CLS]\n[SEP]\na\na\n", {});
    ASSERT_TRUE(word_piece);
    EXPECT_THAT(word_piece->encode("a", kNoLimit).ids, ElementsAre(1, 4, 2));
}

TEST(WordPieceVocabulary, has_the_prefix_and_the_special_tokens_it_is_told) {
    WordPiece::Options options;
    options.prefix = "@@";
    options.unknown = "<unk>";
    options.first = "<s>";
    options.last = "</s>";
    const auto word_piece = WordPiece::from_vocabulary("</s>\n<s>\n<unk>\na\n@@b\n##b\n", options);
    ASSERT_TRUE(word_piece) << word_piece.error().message;
    EXPECT_THAT(word_piece->encode("ab x", kNoLimit).ids, ElementsAre(1, 3, 4, 2, 0));

    options.prefix.clear();
    const auto unmarked = WordPiece::from_vocabulary("</s>\n<s>\n<unk>\na\nb\n", options);
    ASSERT_TRUE(unmarked);
    EXPECT_THAT(unmarked->encode("abba", kNoLimit).ids, ElementsAre(1, 3, 4, 4, 3, 0));
}

TEST(WordPieceVocabulary, finds_every_token_of_a_large_one) {
    std::string lines = "[UNK]\n[CLS]\n[SEP]\n";
    for (int i = 0; i < 50'000; ++i) lines += "w" + std::to_string(i) + "\n";
    const auto word_piece = WordPiece::from_vocabulary(lines, {});
    ASSERT_TRUE(word_piece);
    std::string text;
    for (int i = 0; i < 50'000; ++i) text += "W" + std::to_string(i) + " ";
    const auto ids = word_piece->encode(text, kNoLimit).ids;
    ASSERT_EQ(ids.size(), 50'002U);
    for (std::uint32_t i = 0; i < 50'000; ++i) ASSERT_EQ(ids[i + 1], i + 3);
}

TEST(WordPieceVocabulary, is_refused_without_its_special_tokens) {
    EXPECT_THAT(error_of(WordPiece::from_vocabulary("", {})),
                HasSubstr("of the vocabulary's 0 tokens none is \"[UNK]\""));
    EXPECT_THAT(error_of(WordPiece::from_vocabulary("[UNK]\n[CLS]\na\n", {})), HasSubstr("3 tokens none is \"[SEP]\""));
    EXPECT_THAT(error_of(WordPiece::from_vocabulary("[UNK]\n[CLS]\n[SEP]\n\xFF\n", {})), HasSubstr("not UTF-8"));
    WordPiece::Options options;
    options.max_word = 0;
    EXPECT_THAT(error_of(WordPiece::from_vocabulary("[UNK]\n[CLS]\n[SEP]\n", options)), HasSubstr("1 to 1000"));
}

TEST(WordPieceVocabulary, is_refused_with_more_tokens_than_the_model_has_room_for) {
    EXPECT_TRUE(WordPiece::from_vocabulary("[UNK]\n[CLS]\n[SEP]\n", {}, 3));
    EXPECT_TRUE(WordPiece::from_vocabulary("[UNK]\n[CLS]\n[SEP]", {}, 3));
    for (const char* lines : {"[UNK]\n[CLS]\n[SEP]\na", "[UNK]\n[CLS]\n[SEP]\n\n"})
        EXPECT_EQ(error_of(WordPiece::from_vocabulary(lines, {}, 3)),
                  "the vocabulary has more than 3 tokens: is it this model's?");
    EXPECT_THAT(error_of(WordPiece::from_vocabulary(std::string(WordPiece::kMostTokens + 1, '\n'), {})),
                HasSubstr("more than 1000000 tokens"));
}

/// A tokenizer.json with `part` replaced by `other`.
std::string tokenizer_json(std::string_view part = "", std::string_view other = "") {
    std::string json = R"({"version": "1.0", "truncation": {"max_length": 3}, "padding": {"strategy": {"Fixed": 3}},
        "added_tokens": [{"id": 7, "special": true, "content": "[UNK]"}],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                       "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 5,
                  "vocab": {"[UNK]": 7, "[CLS]": 8, "[SEP]": 9, "a": 0, "##b": 1, "é": 2, "e": 3, "É": 4, "漢字": 12}}})";
    if (const auto at = json.find(part); !part.empty()) json.replace(at, part.size(), other);
    return json;
}

std::vector<std::uint32_t> ids_by(const std::string& json, std::string_view text) {
    return value_or_raise(WordPiece::from_tokenizer_json(json)).encode(text, kNoLimit).ids;
}

TEST(WordPieceJson, has_the_ids_that_it_states) {
    const auto word_piece = WordPiece::from_tokenizer_json(tokenizer_json());
    ASSERT_TRUE(word_piece) << word_piece.error().message;
    EXPECT_EQ(word_piece->size(), 13U);
    EXPECT_THAT(word_piece->encode("ABB x É", kNoLimit).ids, ElementsAre(8, 0, 1, 1, 7, 3, 9));
    EXPECT_THAT(word_piece->encode("abbbb abbbbb", kNoLimit).ids, ElementsAre(8, 0, 1, 1, 1, 1, 7, 9));
}

TEST(WordPieceJson, takes_the_options_of_its_normalizer) {
    EXPECT_THAT(ids_by(tokenizer_json(R"("strip_accents": null)", R"("strip_accents": false)"), "É"),
                ElementsAre(8, 2, 9));
    EXPECT_THAT(ids_by(tokenizer_json(R"("lowercase": true)", R"("lowercase": false)"), "É A"),
                ElementsAre(8, 4, 7, 9));
    EXPECT_THAT(ids_by(tokenizer_json(R"("handle_chinese_chars": true)", R"("handle_chinese_chars": false)"), "漢字"),
                ElementsAre(8, 12, 9));
    EXPECT_THAT(ids_by(tokenizer_json(R"("clean_text": true)", R"("clean_text": false)"), "a\x01"),
                ElementsAre(8, 7, 9));
}

TEST(WordPieceJson, takes_the_ends_of_a_text_from_its_post_processor) {
    const std::string json = tokenizer_json(R"("type": "TemplateProcessing")",
                                            R"("type": "BertProcessing", "sep": ["[CLS]", 8], "cls": ["[SEP]", 9])");
    EXPECT_THAT(ids_by(json, "a"), ElementsAre(9, 0, 8));
    EXPECT_THAT(error_of(WordPiece::from_tokenizer_json(tokenizer_json("TemplateProcessing", "ByteLevel"))),
                HasSubstr("post_processor (\"ByteLevel\")"));
    EXPECT_THAT(
        error_of(WordPiece::from_tokenizer_json(tokenizer_json(R"({"Sequence": {"id": "A", "type_id": 0}}, )", ""))),
        HasSubstr("one token at each end"));
}

TEST(WordPieceJson, is_refused_with_more_tokens_than_the_model_has_room_for) {
    EXPECT_TRUE(WordPiece::from_tokenizer_json(tokenizer_json(), 9));
    EXPECT_EQ(error_of(WordPiece::from_tokenizer_json(tokenizer_json(), 3)),
              "the tokenizer has more than 3 tokens: is it this model's?");
}

TEST(WordPieceJson, refuses_what_would_give_other_pieces_and_says_why) {
    const auto refusal = [](std::string_view part, std::string_view other) {
        return error_of(WordPiece::from_tokenizer_json(tokenizer_json(part, other)));
    };
    EXPECT_EQ(refusal(R"("WordPiece")", R"("BPE")"),
              R"(the tokenizer cannot be used: its /model/type is "BPE"; only "WordPiece" can be read)");
    EXPECT_THAT(refusal(R"("BertNormalizer")", R"("Sequence")"), HasSubstr("/normalizer/type is \"Sequence\""));
    EXPECT_THAT(refusal(R"("BertPreTokenizer")", R"("Metaspace")"), HasSubstr("/pre_tokenizer/type is \"Metaspace\""));
    EXPECT_THAT(refusal(R"("special": true)", R"("special": false)"),
                AllOf(HasSubstr("adds a word"), HasSubstr("\"[UNK]\"")));
    EXPECT_THAT(refusal(R"("[SEP]": 9)", R"("[SEPARATOR]": 9)"), HasSubstr("none is \"[SEP]\""));
    EXPECT_THAT(refusal(R"("unk_token": "[UNK]",)", ""), HasSubstr("none is \"\""));
    EXPECT_THAT(refusal(R"("##b": 1)", R"("##b": -1)"), HasSubstr("\"##b\" has no id"));
    EXPECT_THAT(refusal(R"("##b": 1)", R"("##b": 4294967296)"), HasSubstr("\"##b\" has no id"));
    EXPECT_THAT(refusal(R"("vocab": )", R"("vocabulary": )"), HasSubstr("no object model.vocab"));
    EXPECT_THAT(refusal(R"("max_input_chars_per_word": 5)", R"("max_input_chars_per_word": 100000)"),
                HasSubstr("longest word is 100000"));
    EXPECT_THAT(refusal(R"("version")", ""), HasSubstr("not JSON"));
    EXPECT_THAT(error_of(WordPiece::from_tokenizer_json("")), HasSubstr("not JSON"));
    EXPECT_THAT(error_of(WordPiece::from_tokenizer_json("[]")), HasSubstr("/model/type is \"\""));
}

std::string utf8_of(char32_t c) {
    const auto byte = [c](unsigned shift, unsigned mark) {
        return static_cast<char>(static_cast<unsigned char>(mark | ((c >> shift) & 0x3FU)));
    };
    if (c < 0x80) return {static_cast<char>(c)};
    if (c < 0x800) return {static_cast<char>(static_cast<unsigned char>(0xC0U | (c >> 6U))), byte(0, 0x80)};
    if (c < 0x10000)
        return {static_cast<char>(static_cast<unsigned char>(0xE0U | (c >> 12U))), byte(6, 0x80), byte(0, 0x80)};
    return {static_cast<char>(static_cast<unsigned char>(0xF0U | (c >> 18U))), byte(12, 0x80), byte(6, 0x80),
            byte(0, 0x80)};
}

// The categories of utf8proc differ from those of Hugging Face's tokenizers, and from version to version.
TEST(WordPiece, every_code_point_is_what_hugging_face_makes_of_it) {
    std::ifstream file(STELE_SOURCE_DIR "/tests/embedding/reference/bert_characters.txt");
    std::vector<std::string> expected(0x110000, "part");
    std::size_t ranges = 0;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('#')) continue;
        std::istringstream fields(line);
        std::size_t first = 0;
        std::size_t last = 0;
        std::string kind;
        ASSERT_TRUE(fields >> std::hex >> first >> last >> kind && first <= last && last < expected.size()) << line;
        for (std::size_t c = first; c <= last; ++c) expected[c] = kind;
        ++ranges;
    }
    ASSERT_GT(ranges, 400U);

    const Pieces pieces{"a", "b", "ab"};
    for (char32_t c = 0; c < 0x110000; ++c) {
        if (c >= 0xD800 && c < 0xE000) continue;
        const auto ids = pieces->encode("a" + utf8_of(c) + "b", kNoLimit).ids;
        const std::string kind = ids.size() == 4   ? "blank"
                                 : ids.size() == 5 ? "alone"
                                 : ids[1] == 5     ? "dropped"
                                                   : "part";
        ASSERT_EQ(kind, expected[c]) << "U+" << std::hex << static_cast<unsigned>(c);
    }
}

}  // namespace
}  // namespace stele
