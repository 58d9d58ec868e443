// A model's folder, loaded: what turns text into a vector in this process.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "embedding/bert.hpp"
#include "embedding/bert_config.hpp"
#include "embedding/mapped_file.hpp"
#include "embedding/model_catalog.hpp"
#include "embedding/word_piece.hpp"

namespace stele {

struct LocalModel {
    MappedFile weights;  // the word vectors stay in it
    WordPiece tokenizer;
    Bert bert;
    std::string sha256;                 // of the weights
    std::string rest;                   // 8 digits of the sum of what else decides a vector: shape and vocabulary
    const KnownModel* known = nullptr;  // the one of the catalog, if it is one in both
    std::filesystem::path folder;
    std::string hint;  // what helps if it turns out to be damaged

    /// `model`: a name or, with a slash in it, a path. Every error is an embedder_failed that says what to do.
    static Result<LocalModel> load(const std::string& model, Bert::Precision precision);

    /// "the model in FOLDER: REASON; `stele model verify ...`"
    ErrorInfo complaint(std::string_view reason) const;
};

}  // namespace stele
