// The options by which a command learns which embedder to use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "stele/deadline.hpp"
#include "stele/embedder.hpp"

namespace CLI {
class App;
}

namespace stele::cli {

enum class EmbedderKind : std::uint8_t { none, hashing, local, http };

struct EmbedderOptions {
    std::string kind;       ///< "local", "hashing", "none"; empty: what the others imply, else the command's default
    std::string url;        ///< of an HTTP embedder
    std::string model;      ///< by which its server knows it; for a local one the name or the folder
    std::string precision;  ///< of a local one: "int8" (also when empty) or "float32"
    std::string long_text;  ///< of a local one: "cut" (also when empty) or "windows"
    std::size_t dimension = 0;  ///< 0: the embedder's own
    std::optional<std::string> key_variable{};
};

struct ChosenEmbedder {
    EmbedderKind kind = EmbedderKind::none;
    std::shared_ptr<Embedder> embedder{};  ///< null: none
};

/// --embedder, --model, --precision, --long-text, --embedder-url, --dimension, --key-variable. `by_default`, for the
/// help: what is used when none of them is given. `may_be_none`: the command makes sense without an embedder.
void add_embedder_options(CLI::App& command, EmbedderOptions& options, std::string_view by_default = "local",
                          bool may_be_none = true);

/// Throws Error(invalid_argument) for options that contradict each other.
EmbedderKind kind_of(const EmbedderOptions& options, EmbedderKind by_default);

/// Throws what kind_of() throws, and Error(embedder_failed) for an endpoint that does not answer and a model that is
/// absent or damaged; `instead` is then added to the message: what can be done without that model.
ChosenEmbedder make_embedder(const EmbedderOptions& options, EmbedderKind by_default, std::optional<Deadline> deadline,
                             std::string_view instead = {});

/// Of one call of an embedder: --deadline; without it a server has half a minute, and the process all the time it
/// needs.
Deadline call_deadline(EmbedderKind kind, std::optional<Deadline> deadline);

/// "minilm, int8, in this process", "hashing (matches wording, not meaning)", "m-7b at http://127.0.0.1:8080/v1",
/// "none (exact questions only)".
std::string describe(const EmbedderOptions& options, EmbedderKind by_default);

}  // namespace stele::cli
