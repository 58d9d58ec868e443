#include "fingerprint_options.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "stele/models.hpp"

namespace stele::cli {
namespace {

bool take(std::string_view& text, std::string_view beginning) {
    if (!text.starts_with(beginning)) return false;
    text.remove_prefix(beginning.size());
    return true;
}

/// What follows "stele-bert-v1:" in the fingerprint of a LocalEmbedder:
/// "SHA256:REST:POOLING:LENGTH:PRECISION:LONGTEXT", ":PREFIX".
struct LocalFingerprint {
    std::string_view sha256;  ///< of the weights
    std::string_view rest;    ///< of configuration and vocabulary
    std::string_view pooling, length, precision, long_text;
    std::string_view prefix;  ///< empty: none
};

std::optional<LocalFingerprint> parse_local(std::string_view text) {
    LocalFingerprint parsed;
    std::string_view* const parts[] = {&parsed.sha256, &parsed.rest,      &parsed.pooling,
                                       &parsed.length, &parsed.precision, &parsed.long_text};
    bool more = true;
    for (std::string_view* part : parts) {
        if (!more) return std::nullopt;
        const std::size_t end = text.find(':');
        more = end != std::string_view::npos;
        *part = text.substr(0, end);
        text.remove_prefix(more ? end + 1 : text.size());
    }
    parsed.prefix = text;  // colons may stand in it
    if (parsed.precision != "int8" && parsed.precision != "float32") return std::nullopt;
    if (parsed.long_text != "cut" && parsed.long_text != "windows") return std::nullopt;
    return parsed;
}

/// Nothing where an option that the command does not have was used: pooling, length and prefix are the model's own with
/// it.
std::optional<std::string> local_options(std::string_view text) {
    const auto made = parse_local(text);
    if (!made) return std::nullopt;
    const auto& all = known_models();
    const auto known = std::find_if(all.begin(), all.end(), [&made](const KnownModel& model) {
        return model.weights().sha256 == made->sha256 && model.rest == made->rest &&
               made->pooling == (model.pooling == KnownModel::Pooling::cls ? "cls" : "mean") &&
               made->length == std::to_string(model.max_pieces) && made->prefix == model.prefix;
    });
    if (known == all.end()) return std::nullopt;
    std::string options = "--model " + known->name;
    if (made->precision != "int8") options += fmt::format(" --precision {}", made->precision);
    if (made->long_text != "cut") options += fmt::format(" --long-text {}", made->long_text);
    return options;
}

}  // namespace

std::optional<std::string> options_naming(std::string_view fingerprint) {
    if (take(fingerprint, "stele-hashing-v1-")) {
        return fingerprint == "384" ? std::string("--embedder hashing")
                                    : fmt::format("--embedder hashing --dimension {}", fingerprint);
    }
    if (take(fingerprint, "stele-bert-v1:")) return local_options(fingerprint);
    if (take(fingerprint, "openai:")) {
        return fmt::format("--embedder-url URL --model {}", fingerprint.substr(0, fingerprint.rfind(':')));
    }
    return std::nullopt;
}

}  // namespace stele::cli
