#include "onnx_runtime.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace stele::bench {
namespace {

constexpr char kPackages[] = STELE_EMBEDDER_RIVAL "/python";
constexpr char kTokenizer[] = STELE_EMBEDDER_RIVAL "/all-minilm-l6-v2-q-tokenizer.json";

std::vector<std::string> command() {
    if (!std::filesystem::exists(kPackages)) {
        throw std::runtime_error("ONNX Runtime was not fetched: run scripts/bench embedder");
    }
    return {"python3", "-I", STELE_ONNX_RUNTIME_PROGRAM, kPackages};
}

}  // namespace

OnnxRuntime::OnnxRuntime() : companion_(command()) {}

std::string OnnxRuntime::versions() {
    return companion_.ask({{"do", "versions"}})["text"];
}

std::string OnnxRuntime::load(const std::string& model) {
    return companion_.ask({{"do", "load"}, {"model", model}})["sha256"];
}

std::vector<std::vector<float>> OnnxRuntime::embed(const std::string& model, const std::vector<Pieces>& texts) {
    return companion_.ask({{"do", "embed"}, {"model", model}, {"texts", texts}})["vectors"];
}

double OnnxRuntime::seconds(const std::string& model, const std::vector<std::vector<Pieces>>& batches,
                            double at_least_seconds) {
    return companion_.ask(
        {{"do", "time runs"}, {"model", model}, {"batches", batches}, {"seconds", at_least_seconds}})["seconds"];
}

std::vector<OnnxRuntime::Pieces> OnnxRuntime::tokenize(const std::vector<std::string>& texts) {
    return companion_.ask({{"do", "tokenize"}, {"tokenizer", kTokenizer}, {"texts", texts}})["ids"];
}

double OnnxRuntime::tokenizer_seconds(const std::vector<std::string>& texts, double at_least_seconds) {
    return companion_.ask({{"do", "time tokenizer"},
                           {"tokenizer", kTokenizer},
                           {"texts", texts},
                           {"seconds", at_least_seconds}})["seconds"];
}

nlohmann::json OnnxRuntime::first_vector(const std::string& model, const Pieces& text) {
    return companion_.ask({{"do", "first vector"}, {"model", model}, {"text", text}});
}

}  // namespace stele::bench
