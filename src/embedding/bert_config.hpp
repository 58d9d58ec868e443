// What the JSON files of a model's folder say about it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.hpp"

namespace stele {

struct BertConfig {
    enum class Pooling : std::uint8_t { mean, cls };

    std::size_t hidden = 0;
    std::size_t layers = 0;
    std::size_t heads = 0;
    std::size_t intermediate = 0;
    std::size_t max_positions = 0;
    std::size_t vocabulary = 0;
    std::size_t type_vocabulary = 0;
    float layer_norm_epsilon = 0;
    Pooling pooling = Pooling::mean;
    std::size_t max_length = 0;  ///< in word pieces, with [CLS] and [SEP]; a longer text is cut
    /// Of a tokenizer made from vocab.txt. A tokenizer.json says it itself.
    bool lower_case = true;
    bool strip_accents = true;
    bool split_chinese = true;
};

/// Reads config.json, 1_Pooling/config.json, sentence_bert_config.json and tokenizer_config.json; what is left out has
/// the defaults of transformers and sentence-transformers. invalid_argument names the file and the one reason for which
/// this model cannot be run here. In what is returned, hidden and intermediate are multiples of 32, heads divide
/// hidden, the weights are at most 10^9 numbers, and 3 <= max_length <= max_positions.
Result<BertConfig> read_bert_config(std::string_view config_json, std::optional<std::string_view> pooling_json,
                                    std::optional<std::string_view> sentence_json,
                                    std::optional<std::string_view> tokenizer_config_json);

/// Reads modules.json: the steps from text to vector. invalid_argument for any but Transformer, Pooling and Normalize,
/// whose work would be missing from the vectors.
Result<void> check_modules(std::string_view modules_json);

}  // namespace stele
