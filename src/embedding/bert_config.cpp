#include "embedding/bert_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/json_tree.hpp"
#include "embedding/endpoint.hpp"

namespace stele {
namespace {

constexpr std::size_t kMaxFileBytes = 1U << 20U;
constexpr std::size_t kMaxParameters = 1'000'000'000;
// Room for [CLS], [SEP], and something between them.
constexpr std::size_t kLeastLength = 3;
// All that a BERT is trained for, if nobody says so.
constexpr std::size_t kUsualLength = 512;

/// One of the files. Refuses by throwing: the reader of a folder turns that into its result.
class ConfigFile {
public:
    ConfigFile(std::string_view name, std::optional<std::string_view> json) : name_(name) {
        if (!json) return;
        if (json->size() > kMaxFileBytes) refuse(fmt::format("it has {} bytes", json->size()));
        try {
            root_ = parse_json(*json);
        } catch (const Error& error) {
            refuse(error.what());
        }
        if (root_.kind != JsonNode::Kind::object) refuse("it is not a JSON object");
    }

    [[noreturn]] void refuse(std::string_view why) const {
        raise(ErrorCode::invalid_argument, fmt::format("the model cannot be used: {}: {}", name_, why));
    }

    /// The value of a key; nothing when it is left out or null.
    const JsonNode* find(std::string_view key, JsonNode::Kind kind) const {
        const JsonNode* const found = root_.find(key);
        if (found == nullptr || found->kind == JsonNode::Kind::null) return nullptr;
        if (found->kind != kind) refuse(fmt::format("{} should be a {}", key, to_string(kind)));
        return found;
    }

    std::optional<std::string_view> text(std::string_view key) const {
        const JsonNode* const found = find(key, JsonNode::Kind::string);
        return found == nullptr ? std::nullopt : std::optional<std::string_view>(found->text);
    }

    bool flag(std::string_view key, bool fallback) const {
        const JsonNode* const found = find(key, JsonNode::Kind::boolean);
        return found == nullptr ? fallback : found->flag;
    }

    /// What follows `prefix` in the names of those that are true.
    std::vector<std::string> true_flags(std::string_view prefix) const {
        std::vector<std::string> names;
        for (std::size_t i = 0; i < root_.keys.size(); ++i)
            if (root_.keys[i].starts_with(prefix) && root_.items[i].flag)
                names.push_back(root_.keys[i].substr(prefix.size()));
        return names;
    }

    template <class Number>
    std::optional<Number> number(std::string_view key, Number least, Number most) const {
        const JsonNode* const found = find(key, JsonNode::Kind::number);
        if (found == nullptr) return std::nullopt;
        Number value{};
        const char* const end = found->text.data() + found->text.size();
        const auto parsed = std::from_chars(found->text.data(), end, value);
        if (parsed.ec != std::errc() || parsed.ptr != end || !(value >= least && value <= most))
            refuse(fmt::format("{} is {}; {} to {} can be used", key, presentable(found->text, {}, 40), least, most));
        return value;
    }

    std::size_t size(std::string_view key, std::size_t least, std::size_t most,
                     std::optional<std::size_t> fallback = std::nullopt) const {
        const auto value = number<std::size_t>(key, least, most);
        if (!value && !fallback) refuse(fmt::format("{} is missing", key));
        return value ? *value : *fallback;
    }

    /// Left out, it has this value too, if it is not `required`.
    void expect(std::string_view key, std::string_view value, bool required = false) const {
        const auto found = text(key);
        if (!found && required) refuse(fmt::format("{} is missing; only \"{}\" can be used", key, value));
        if (found && *found != value)
            refuse(fmt::format("{} is \"{}\"; only \"{}\" can be used", key, presentable(*found, {}, 80), value));
    }

private:
    const std::string_view name_;
    JsonNode root_;
};

void read_architecture(const ConfigFile& file, BertConfig& config) {
    file.expect("model_type", "bert", true);
    // The exact one, by erf; "gelu_new" and "gelu_pytorch_tanh" are approximations that give other vectors.
    file.expect("hidden_act", "gelu");
    file.expect("position_embedding_type", "absolute");
    if (file.flag("is_decoder", false)) file.refuse("is_decoder is true; only encoders can be used");

    config.hidden = file.size("hidden_size", 1, 8192);
    config.layers = file.size("num_hidden_layers", 1, 128);
    config.heads = file.size("num_attention_heads", 1, 256);
    config.intermediate = file.size("intermediate_size", 1, 32768);
    config.max_positions = file.size("max_position_embeddings", kLeastLength, 65536);
    config.vocabulary = file.size("vocab_size", 1, 1'000'000);
    config.type_vocabulary = file.size("type_vocab_size", 1, 1024, 2);
    config.layer_norm_epsilon = static_cast<float>(file.number<double>("layer_norm_eps", 0, 0.1).value_or(1e-12));

    for (const auto& [key, value] :
         {std::pair("hidden_size", config.hidden), std::pair("intermediate_size", config.intermediate)})
        if (value % 32 != 0) file.refuse(fmt::format("{} is {}; only multiples of 32 can be used", key, value));
    if (config.hidden % config.heads != 0)
        file.refuse(fmt::format("hidden_size {} cannot be divided among {} heads", config.hidden, config.heads));
    if (config.hidden / config.heads % 16 != 0)
        file.refuse(fmt::format("{} heads of {} each; only multiples of 16 can be used", config.heads,
                                config.hidden / config.heads));
    const std::size_t parameters = config.hidden * (config.vocabulary + config.max_positions + config.type_vocabulary) +
                                   config.layers * config.hidden * (4 * config.hidden + 2 * config.intermediate);
    if (parameters > kMaxParameters)
        file.refuse(fmt::format("{} weights; at most {} can be used", parameters, kMaxParameters));
}

BertConfig::Pooling read_pooling(const ConfigFile& file) {
    std::vector<std::string> modes = file.true_flags("pooling_mode_");
    if (const auto mode = file.text("pooling_mode")) modes.emplace_back(*mode);
    if (!file.flag("include_prompt", true)) file.refuse("include_prompt is false; only true can be used");
    if (modes == std::vector<std::string>{"mean_tokens"} || modes == std::vector<std::string>{"mean"})
        return BertConfig::Pooling::mean;
    if (modes == std::vector<std::string>{"cls_token"} || modes == std::vector<std::string>{"cls"})
        return BertConfig::Pooling::cls;
    file.refuse(
        fmt::format("it pools by {}; only mean_tokens or cls_token, and one alone, can be used",
                    modes.empty() ? "nothing" : presentable(fmt::format("{}", fmt::join(modes, " and ")), {}, 80)));
}

void read_tokenizer(const ConfigFile& sentence, const ConfigFile& tokenizer, BertConfig& config) {
    constexpr std::array<std::string_view, 8> kWordPiece = {
        "BertTokenizer",    "BertTokenizerFast",    "DistilBertTokenizer",     "DistilBertTokenizerFast",
        "ElectraTokenizer", "ElectraTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend"};
    const std::string_view name = tokenizer.text("tokenizer_class").value_or(kWordPiece.front());
    if (std::find(kWordPiece.begin(), kWordPiece.end(), name) == kWordPiece.end())
        tokenizer.refuse(
            fmt::format("tokenizer_class is \"{}\"; only that of BERT can be used", presentable(name, {}, 80)));
    config.lower_case = tokenizer.flag("do_lower_case", true);
    config.strip_accents = tokenizer.flag("strip_accents", config.lower_case);
    config.split_chinese = tokenizer.flag("tokenize_chinese_chars", true);
    if (sentence.flag("do_lower_case", false) && !config.lower_case)
        sentence.refuse("do_lower_case is true, and false in tokenizer_config.json; only the same can be used");
}

std::size_t read_max_length(const ConfigFile& sentence, const ConfigFile& tokenizer, std::size_t max_positions) {
    // As transformers writes it for a tokenizer that sets no limit.
    constexpr double kNone = 1e30;
    constexpr double kMost = std::numeric_limits<double>::max();
    const auto wanted = sentence.number<std::size_t>("max_seq_length", kLeastLength, 1U << 30U);
    if (wanted) return std::min(*wanted, max_positions);
    const double limit = tokenizer.number<double>("model_max_length", kLeastLength, kMost).value_or(kNone);
    const std::size_t usual = std::min(max_positions, kUsualLength);
    return limit < static_cast<double>(usual) ? static_cast<std::size_t>(limit) : usual;
}

}  // namespace

Result<BertConfig> read_bert_config(std::string_view config_json, std::optional<std::string_view> pooling_json,
                                    std::optional<std::string_view> sentence_json,
                                    std::optional<std::string_view> tokenizer_config_json) {
    try {
        const ConfigFile sentence("sentence_bert_config.json", sentence_json);
        const ConfigFile tokenizer("tokenizer_config.json", tokenizer_config_json);
        BertConfig config;
        read_architecture(ConfigFile("config.json", config_json), config);
        if (pooling_json) config.pooling = read_pooling(ConfigFile("1_Pooling/config.json", pooling_json));
        read_tokenizer(sentence, tokenizer, config);
        config.max_length = read_max_length(sentence, tokenizer, config.max_positions);
        return config;
    } catch (const Error& error) {
        return fail(error.info());
    }
}

Result<void> check_modules(std::string_view modules_json) {
    const auto refuse = [](std::string_view why) {
        return fail(
            make_error(ErrorCode::invalid_argument, fmt::format("the model cannot be used: modules.json: {}", why)));
    };
    try {
        if (modules_json.size() > kMaxFileBytes) return refuse(fmt::format("it has {} bytes", modules_json.size()));
        const JsonNode root = parse_json(modules_json);
        if (root.kind != JsonNode::Kind::array) return refuse("it is not a JSON array");
        for (const JsonNode& module : root.items) {
            const JsonNode* const type = module.find("type");
            if (type == nullptr || type->kind != JsonNode::Kind::string) return refuse("a module has no type");
            const std::string_view name = std::string_view(type->text).substr(type->text.rfind('.') + 1);
            if (name != "Transformer" && name != "Pooling" && name != "Normalize") {
                return refuse(fmt::format("it has a step \"{}\"; only Transformer, Pooling and Normalize can be used",
                                          presentable(name, {}, 80)));
            }
        }
        return {};
    } catch (const Error& error) {
        return refuse(error.what());
    }
}

}  // namespace stele
