#include "embedding/local_model.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "embedding/model_folder.hpp"
#include "embedding/model_record.hpp"
#include "embedding/onnx_weights.hpp"
#include "embedding/safetensors.hpp"

namespace stele {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

template <class T>
std::optional<std::string_view> view(const std::optional<T>& text) {
    return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

tl::unexpected<ErrorInfo> unusable(const fs::path& folder, const ErrorInfo& reason) {
    return fail(
        make_error(ErrorCode::embedder_failed, fmt::format("the model in {}: {}", folder.string(), reason.message)));
}

Result<InstalledModel> locate(const std::string& model) {
    if (model.find('/') == std::string::npos) return look_for_model(model);
    std::error_code ignored;
    if (!fs::is_directory(model, ignored)) {
        return fail(make_error(ErrorCode::embedder_failed, fmt::format("there is no folder {} with a model", model)));
    }
    return look_at_model(model, nullptr);
}

Result<BertConfig> read_config(const fs::path& folder) {
    const auto config = read_file(folder / "config.json");
    if (!config) return fail(make_error(ErrorCode::embedder_failed, "it has no config.json"));
    if (const auto modules = read_file(folder / "modules.json")) {
        if (Result<void> known = check_modules(*modules); !known) return fail(std::move(known.error()));
    }
    const auto pooling = read_file(folder / "1_Pooling" / "config.json");
    const auto sentence = read_file(folder / "sentence_bert_config.json");
    const auto tokenizer = read_file(folder / "tokenizer_config.json");
    return read_bert_config(*config, view(pooling), view(sentence), view(tokenizer));
}

Result<WordPiece> read_tokenizer(const fs::path& folder, const BertConfig& config) {
    if (const auto vocabulary = read_file(folder / "vocab.txt")) {
        WordPiece::Options options;
        options.lower_case = config.lower_case;
        options.strip_accents = config.strip_accents;
        options.split_chinese = config.split_chinese;
        return WordPiece::from_vocabulary(*vocabulary, options);
    }
    if (const auto tokenizer = read_file(folder / "tokenizer.json")) return WordPiece::from_tokenizer_json(*tokenizer);
    return fail(make_error(ErrorCode::embedder_failed, "it has neither a vocab.txt nor a tokenizer.json"));
}

}  // namespace

Result<LocalModel> LocalModel::load(const std::string& model, Bert::Precision precision) {
    Result<InstalledModel> installed = locate(model);
    if (!installed) return fail(std::move(installed.error()));
    const fs::path& folder = installed->folder;
    const fs::path file = folder / installed->weights;

    Result<std::string> sum = model_sum(folder, installed->weights);
    if (!sum) return unusable(folder, sum.error());
    const KnownModel* known = find_model_by_sum(*sum);
    Result<BertConfig> config = read_config(folder);
    if (!config) return unusable(folder, config.error());
    if (known != nullptr) {
        // what the packages leave out
        config->pooling =
            known->pooling == KnownModel::Pooling::cls ? BertConfig::Pooling::cls : BertConfig::Pooling::mean;
        config->max_length = known->max_pieces;
    }
    Result<WordPiece> tokenizer = read_tokenizer(folder, *config);
    if (!tokenizer) return unusable(folder, tokenizer.error());
    if (tokenizer->size() > config->vocabulary) {
        return unusable(folder, make_error(ErrorCode::embedder_failed,
                                           fmt::format("its vocabulary has {} entries, its weights are for {}",
                                                       tokenizer->size(), config->vocabulary)));
    }
    Result<MappedFile> mapped = MappedFile::open(file);
    if (!mapped) return unusable(folder, mapped.error());
    const std::span<const std::byte> bytes = mapped->bytes();
    Result<Tensors> tensors = file.extension() == ".onnx" ? read_onnx(bytes) : read_safetensors(bytes);
    if (!tensors) return unusable(folder, tensors.error());
    Result<Bert> bert = Bert::load(*config, *tensors, precision);
    if (!bert) return unusable(folder, bert.error());
    mapped->release_pages(bytes);  // all but the word vectors was copied, and of those few are ever looked at
    return LocalModel{std::move(*mapped), std::move(*tokenizer), std::move(*bert), std::move(*sum), known};
}

}  // namespace stele
