// A model's folder, loaded: what turns text into a vector in this process.
#pragma once

#include <filesystem>
#include <string>

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
    const KnownModel* known = nullptr;  // what the catalog says of these weights

    /// `model`: a name or, with a slash in it, a path. Every error is an embedder_failed that says what to do.
    static Result<LocalModel> load(const std::string& model, Bert::Precision precision);
};

}  // namespace stele
