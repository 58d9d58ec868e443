// The rival of the embedder bench: ONNX Runtime, driven by its Python package in a process of its own.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "companion.hpp"

namespace stele::bench {

/// A started onnx_runtime.py, which measures inside itself. Models and the tokenizer are files, texts the ids of their
/// word pieces; texts of one batch have the same length. Throws std::runtime_error with what it says.
class OnnxRuntime {
public:
    using Pieces = std::vector<std::uint32_t>;

    /// With the packages that embedder_rival.sh fetched, on the CPUs of the calling thread.
    OnnxRuntime();

    std::string versions();
    /// Returns the model's SHA-256. Before embed() and seconds().
    std::string load(const std::string& model);
    std::vector<std::vector<float>> embed(const std::string& model, const std::vector<Pieces>& texts);
    /// The median time of a batch; they take turns for at least that long.
    double seconds(const std::string& model, const std::vector<std::vector<Pieces>>& batches, double at_least_seconds);
    std::vector<Pieces> tokenize(const std::vector<std::string>& texts);
    double tokenizer_seconds(const std::vector<std::string>& texts, double at_least_seconds);
    /// {"seconds", "bytes"}: what load and first vector take; in an object that was asked nothing before.
    nlohmann::json first_vector(const std::string& model, const Pieces& text);

private:
    Companion companion_;
};

}  // namespace stele::bench
