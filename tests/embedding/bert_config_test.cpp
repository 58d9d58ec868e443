#include "embedding/bert_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace stele {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Text = std::optional<std::string_view>;

// As all-MiniLM-L6-v2 has it.
json minilm() {
    return json::parse(R"({"architectures": ["BertModel"], "attention_probs_dropout_prob": 0.1, "hidden_act": "gelu",
        "hidden_size": 384, "initializer_range": 0.02, "intermediate_size": 1536, "layer_norm_eps": 1e-12,
        "max_position_embeddings": 512, "model_type": "bert", "num_attention_heads": 12, "num_hidden_layers": 6,
        "position_embedding_type": "absolute", "type_vocab_size": 2, "use_cache": true, "vocab_size": 30522})");
}

json minilm_with(const char* key, const json& value) {
    json config = minilm();
    config[key] = value;
    return config;
}

json minilm_without(const char* key) {
    json config = minilm();
    config.erase(key);
    return config;
}

Result<BertConfig> read(const json& config, Text pooling = {}, Text sentence = {}, Text tokenizer = {}) {
    return read_bert_config(config.dump(), pooling, sentence, tokenizer);
}

std::string message_of(const Result<BertConfig>& config) {
    if (config) return "no error";
    EXPECT_EQ(config.error().code, ErrorCode::invalid_argument);
    return config.error().message;
}

TEST(BertConfig, has_the_numbers_of_the_files) {
    const auto config = read(
        minilm(),
        R"({"word_embedding_dimension": 384, "pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true,
                      "pooling_mode_max_tokens": false, "pooling_mode_mean_sqrt_len_tokens": false})",
        R"({"max_seq_length": 256, "do_lower_case": false})",
        R"({"do_lower_case": true, "strip_accents": null, "tokenizer_class": "BertTokenizer", "model_max_length": 512})");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->hidden, 384U);
    EXPECT_EQ(config->layers, 6U);
    EXPECT_EQ(config->heads, 12U);
    EXPECT_EQ(config->intermediate, 1536U);
    EXPECT_EQ(config->max_positions, 512U);
    EXPECT_EQ(config->vocabulary, 30522U);
    EXPECT_EQ(config->type_vocabulary, 2U);
    EXPECT_EQ(config->layer_norm_epsilon, 1e-12F);
    EXPECT_EQ(config->pooling, BertConfig::Pooling::mean);
    EXPECT_EQ(config->max_length, 256U);
    EXPECT_TRUE(config->lower_case);
}

TEST(BertConfig, what_is_left_out_or_null_has_the_usual_value) {
    json bare = minilm();
    for (const char* key : {"hidden_act", "position_embedding_type", "type_vocab_size"}) bare.erase(key);
    bare["layer_norm_eps"] = nullptr;
    const auto config = read(bare);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->type_vocabulary, 2U);
    EXPECT_EQ(config->layer_norm_epsilon, 1e-12F);
    EXPECT_EQ(config->pooling, BertConfig::Pooling::mean);
    EXPECT_EQ(config->max_length, 512U);
    EXPECT_TRUE(config->lower_case);
}

TEST(BertConfig, another_architecture_is_refused_with_the_key_that_says_so) {
    EXPECT_EQ(message_of(read(minilm_with("model_type", "roberta"))),
              "the model cannot be used: config.json: model_type is \"roberta\"; only \"bert\" can be used");
    EXPECT_THAT(message_of(read(minilm_without("model_type"))), HasSubstr("model_type is missing"));
    EXPECT_THAT(message_of(read(minilm_with("hidden_act", "gelu_new"))), HasSubstr("hidden_act is \"gelu_new\""));
    EXPECT_THAT(message_of(read(minilm_with("position_embedding_type", "relative_key"))),
                HasSubstr("\"relative_key\""));
    EXPECT_THAT(message_of(read(minilm_with("is_decoder", true))), HasSubstr("is_decoder"));
}

TEST(BertConfig, sizes_that_cannot_be_run_are_refused) {
    EXPECT_THAT(message_of(read(minilm_with("hidden_size", 312))),
                HasSubstr("hidden_size is 312; only multiples of 32"));
    EXPECT_THAT(message_of(read(minilm_with("intermediate_size", 1500))), HasSubstr("intermediate_size is 1500"));
    EXPECT_THAT(message_of(read(minilm_with("num_attention_heads", 5))),
                HasSubstr("384 cannot be divided among 5 heads"));
    json huge = minilm_with("vocab_size", 1'000'000);
    huge["hidden_size"] = 1536;
    EXPECT_THAT(message_of(read(huge)), HasSubstr("weights; at most 1000000000"));
    for (const char* key : {"hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
                            "max_position_embeddings", "vocab_size"}) {
        EXPECT_THAT(message_of(read(minilm_without(key))), AllOf(HasSubstr(key), HasSubstr("is missing")));
        for (const json& value : {json(0), json(-1), json(32.0), json(1e18), json(10'000'000), json("32"), json(true)})
            EXPECT_THAT(message_of(read(minilm_with(key, value))), HasSubstr(key)) << value;
    }
    for (const json& value : {json(-1e-12), json(1), json("1e-12")})
        EXPECT_THAT(message_of(read(minilm_with("layer_norm_eps", value))), HasSubstr("layer_norm_eps")) << value;
}

TEST(BertConfig, pools_by_the_mean_or_the_first_token) {
    const auto pooling = [](std::string_view text) { return read(minilm(), text); };
    EXPECT_EQ(pooling(R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false})")->pooling,
              BertConfig::Pooling::cls);
    EXPECT_EQ(pooling(R"({"pooling_mode": "cls"})")->pooling, BertConfig::Pooling::cls);
    EXPECT_EQ(pooling(R"({"pooling_mode": "mean", "include_prompt": true})")->pooling, BertConfig::Pooling::mean);

    EXPECT_THAT(message_of(pooling(R"({"pooling_mode_max_tokens": true})")),
                HasSubstr("1_Pooling/config.json: it pools by max_tokens"));
    EXPECT_THAT(message_of(pooling(R"({"pooling_mode_mean_tokens": true, "pooling_mode_weightedmean_tokens": true})")),
                HasSubstr("mean_tokens and weightedmean_tokens"));
    EXPECT_THAT(message_of(pooling("{}")), HasSubstr("it pools by nothing"));
    EXPECT_THAT(message_of(pooling(R"({"pooling_mode": "mean", "include_prompt": false})")),
                HasSubstr("include_prompt"));
}

TEST(BertConfig, the_length_is_what_the_sentence_model_or_else_the_tokenizer_says) {
    const auto length = [](Text sentence, Text tokenizer, int positions = 512) {
        const auto config = read(minilm_with("max_position_embeddings", positions), {}, sentence, tokenizer);
        EXPECT_TRUE(config) << config.error().message;
        return config ? config->max_length : 0;
    };
    EXPECT_EQ(length(R"({"max_seq_length": 128})", R"({"model_max_length": 64})"), 128U);
    EXPECT_EQ(length(R"({"max_seq_length": 1024})", {}), 512U);
    EXPECT_EQ(length(R"({"max_seq_length": null})", R"({"model_max_length": 64})"), 64U);
    EXPECT_EQ(length({}, R"({"model_max_length": 1000000000000000019884624838656})"), 512U);
    EXPECT_EQ(length({}, {}, 128), 128U);
    EXPECT_EQ(length({}, {}, 2048), 512U);
    EXPECT_EQ(length(R"({"max_seq_length": 2048})", {}, 2048), 2048U);
    for (const char* sentence : {R"({"max_seq_length": 2})", R"({"max_seq_length": -5})", R"({"max_seq_length": "9"})"})
        EXPECT_THAT(message_of(read(minilm(), {}, sentence)), HasSubstr("sentence_bert_config.json: max_seq_length"));
}

TEST(BertConfig, the_tokenizer_says_whether_case_counts) {
    EXPECT_FALSE(read(minilm(), {}, {}, R"({"do_lower_case": false})")->lower_case);
    EXPECT_TRUE(read(minilm(), {}, R"({"do_lower_case": true})", "{}")->lower_case);
    EXPECT_THAT(message_of(read(minilm(), {}, R"({"do_lower_case": true})", R"({"do_lower_case": false})")),
                HasSubstr("sentence_bert_config.json: do_lower_case is true"));
}

TEST(BertConfig, the_tokenizer_says_what_becomes_of_accents_and_ideographs) {
    const auto usual = read(minilm());
    EXPECT_TRUE(usual->strip_accents);
    EXPECT_TRUE(usual->split_chinese);
    const auto cased = read(minilm(), {}, {}, R"({"do_lower_case": false, "strip_accents": null})");
    EXPECT_FALSE(cased->strip_accents);
    EXPECT_TRUE(read(minilm(), {}, {}, R"({"do_lower_case": false, "strip_accents": true})")->strip_accents);
    const auto other = read(minilm(), {}, {}, R"({"strip_accents": false, "tokenize_chinese_chars": false})");
    EXPECT_TRUE(other->lower_case);
    EXPECT_FALSE(other->strip_accents);
    EXPECT_FALSE(other->split_chinese);
}

TEST(BertConfig, another_tokenizer_is_refused) {
    for (const char* name : {"BertTokenizerFast", "PreTrainedTokenizerFast"})
        EXPECT_TRUE(read(minilm(), {}, {}, json({{"tokenizer_class", name}}).dump())) << name;
    for (const char* name : {"XLMRobertaTokenizer", "BertJapaneseTokenizer"})
        EXPECT_THAT(message_of(read(minilm(), {}, {}, json({{"tokenizer_class", name}}).dump())), HasSubstr(name));
}

TEST(BertConfig, what_is_no_json_object_is_refused_with_the_files_name) {
    for (const char* text : {"", "[]", "{", "null", "{\"model_type\": NaN}"})
        EXPECT_THAT(message_of(read_bert_config(text, {}, {}, {})), HasSubstr(": config.json: ")) << text;
    EXPECT_THAT(message_of(read(minilm(), "[")), HasSubstr(": 1_Pooling/config.json: "));
    EXPECT_THAT(message_of(read(minilm(), {}, "[]")), HasSubstr(": sentence_bert_config.json: "));
    EXPECT_THAT(message_of(read(minilm(), {}, {}, "7")), HasSubstr(": tokenizer_config.json: "));
    const std::string large(2U << 20U, ' ');
    EXPECT_THAT(message_of(read_bert_config(large, {}, {}, {})), HasSubstr("it has 2097152 bytes"));
}

}  // namespace
}  // namespace stele
