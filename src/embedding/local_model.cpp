#include "embedding/local_model.hpp"

#include <fmt/format.h>

#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/hash.hpp"
#include "embedding/model_folder.hpp"
#include "embedding/model_record.hpp"
#include "embedding/onnx_weights.hpp"
#include "embedding/safetensors.hpp"

namespace stele {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestText = 64U << 20U;  // of the JSON files and the vocabulary
constexpr std::size_t kShortSum = 8;

/// A folder and what is expected of it.
struct Located {
    InstalledModel installed;
    std::string sha256;  // which the weights must have; empty: any
    std::string hint;    // what helps if it is damaged
};

ErrorInfo unusable(const fs::path& folder, std::string_view reason, std::string_view hint) {
    return make_error(ErrorCode::embedder_failed, fmt::format("the model in {}: {}{}", folder.string(), reason, hint));
}

tl::unexpected<ErrorInfo> wrong(std::string reason) {
    return fail(make_error(ErrorCode::embedder_failed, std::move(reason)));
}

Result<Located> locate(const std::string& model) {
    if (model.find('/') == std::string::npos) {
        Result<InstalledModel> installed = look_for_model(model);
        if (!installed) return fail(std::move(installed.error()));
        const KnownModel* known = find_known_model(model);
        std::string sum = known == nullptr ? installed->model_sha256 : known->weights().sha256;
        return Located{*std::move(installed), std::move(sum), repair_hint(model, known)};
    }
    std::error_code ignored;
    if (!fs::is_directory(model, ignored)) return wrong(fmt::format("there is no folder {} with a model", model));
    Result<InstalledModel> installed = look_at_model(model, nullptr);
    if (!installed) return fail(std::move(installed.error()));
    return Located{*std::move(installed), {}, {}};
}

/// Of a folder that somebody brought nothing is believed: its record may be another's.
Result<std::string> sum_of_weights(const Located& located) {
    const InstalledModel& installed = located.installed;
    const bool is_believed = !located.hint.empty() && installed.sum_is_fresh;
    Result<std::string> sum =
        is_believed ? Result<std::string>(installed.model_sha256) : file_sum(installed.folder / installed.weights);
    if (sum && !located.sha256.empty() && *sum != located.sha256) {
        return wrong(fmt::format("{} is damaged: its SHA-256 is {}, not {}", installed.weights, *sum, located.sha256));
    }
    return sum;
}

/// The small files of a folder. The first that cannot be read is the error of all.
class Texts {
public:
    explicit Texts(fs::path folder) : folder_(std::move(folder)) {}

    std::optional<std::string> read(const fs::path& name) {
        Result<std::optional<std::string>> text = read_if_present(folder_ / name, kLargestText);
        if (text) return *std::move(text);
        if (!error_) error_ = std::move(text.error());
        return std::nullopt;
    }
    const std::optional<ErrorInfo>& error() const { return error_; }

private:
    fs::path folder_;
    std::optional<ErrorInfo> error_;
};

template <class T>
std::optional<std::string_view> view(const std::optional<T>& text) {
    return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

Result<BertConfig> read_config(Texts& texts) {
    const auto config = texts.read("config.json");
    const auto modules = texts.read("modules.json");
    const auto pooling = texts.read(fs::path("1_Pooling") / "config.json");
    const auto sentence = texts.read("sentence_bert_config.json");
    const auto tokenizer = texts.read("tokenizer_config.json");
    if (texts.error()) return fail(*texts.error());
    if (!config) return wrong("it has no config.json");
    if (modules) {
        if (Result<void> known = check_modules(*modules); !known) return fail(std::move(known.error()));
    }
    return read_bert_config(*config, view(pooling), view(sentence), view(tokenizer));
}

Result<WordPiece> read_tokenizer(Texts& texts, const BertConfig& config) {
    const auto vocabulary = texts.read("vocab.txt");
    const auto json = vocabulary ? std::nullopt : texts.read("tokenizer.json");
    if (texts.error()) return fail(*texts.error());
    if (vocabulary) {
        WordPiece::Options options;
        options.lower_case = config.lower_case;
        options.strip_accents = config.strip_accents;
        options.split_chinese = config.split_chinese;
        return WordPiece::from_vocabulary(*vocabulary, options, config.vocabulary);
    }
    if (json) return WordPiece::from_tokenizer_json(*json, config.vocabulary);
    return wrong("it has neither a vocab.txt nor a tokenizer.json");
}

std::string sum_of_rest(const BertConfig& config, const WordPiece& tokenizer) {
    return sha256_hex(fmt::format("{} {} {} {} {} {} {}", config.hidden, config.layers, config.heads,
                                  config.intermediate, config.max_positions, config.layer_norm_epsilon,
                                  tokenizer.sum()))
        .substr(0, kShortSum);
}

Result<LocalModel> load_from(const Located& located, Bert::Precision precision) {
    const InstalledModel& installed = located.installed;
    Result<std::string> sum = sum_of_weights(located);
    if (!sum) return fail(std::move(sum.error()));
    Texts texts(installed.folder);
    Result<BertConfig> config = read_config(texts);
    if (!config) return fail(std::move(config.error()));
    Result<WordPiece> tokenizer = read_tokenizer(texts, *config);
    if (!tokenizer) return fail(std::move(tokenizer.error()));
    if (tokenizer->size() > config->vocabulary) {
        return wrong(fmt::format("its vocabulary has {} entries, its weights are for {}", tokenizer->size(),
                                 config->vocabulary));
    }
    std::string rest = sum_of_rest(*config, *tokenizer);
    const KnownModel* known = find_model_by_sum(*sum);
    if (known != nullptr && known->rest != rest) {
        if (!located.hint.empty()) {
            return wrong(fmt::format("its configuration or vocabulary is not that of {}", known->title));
        }
        known = nullptr;
    }
    if (known != nullptr) {
        // what the packages leave out
        config->pooling =
            known->pooling == KnownModel::Pooling::cls ? BertConfig::Pooling::cls : BertConfig::Pooling::mean;
        config->max_length = known->max_pieces;
    }
    const fs::path file = installed.folder / installed.weights;
    Result<MappedFile> mapped = MappedFile::open(file);
    if (!mapped) return fail(std::move(mapped.error()));
    const std::span<const std::byte> bytes = mapped->bytes();
    Result<Tensors> tensors = file.extension() == ".onnx" ? read_onnx(bytes) : read_safetensors(bytes);
    if (!tensors) return fail(std::move(tensors.error()));
    Result<Bert> bert = Bert::load(*config, *tensors, precision);
    if (!bert) return fail(std::move(bert.error()));
    mapped->release_pages(bytes);  // all but the word vectors was copied, and of those few are ever looked at
    return LocalModel{*std::move(mapped), *std::move(tokenizer), *std::move(bert),
                      *std::move(sum),    std::move(rest),       known,
                      installed.folder,   located.hint};
}

}  // namespace

Result<LocalModel> LocalModel::load(const std::string& model, Bert::Precision precision) {
    const Result<Located> located = locate(model);
    if (!located) return fail(located.error());
    Result<LocalModel> loaded = load_from(*located, precision);
    if (!loaded) return fail(unusable(located->installed.folder, loaded.error().message, located->hint));
    return loaded;
}

ErrorInfo LocalModel::complaint(std::string_view reason) const {
    return unusable(folder, reason, hint);
}

}  // namespace stele
