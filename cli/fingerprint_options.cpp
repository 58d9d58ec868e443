#include "fingerprint_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "stele/models.hpp"

namespace stele::cli {
namespace {

bool take(std::string_view& text, std::string_view beginning) {
    if (!text.starts_with(beginning)) return false;
    text.remove_prefix(beginning.size());
    return true;
}

std::vector<std::string_view> parts_of(std::string_view text) {
    std::vector<std::string_view> parts;
    for (std::size_t end = 0; end != std::string_view::npos;) {
        end = text.find(':');
        parts.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return parts;
}

/// "SHA256:POOLING:LENGTH:PRECISION", ":windows", ":PREFIX". Pooling, length and prefix are the model's own with this
/// command.
std::optional<std::string> local_options(std::string_view text) {
    const std::vector<std::string_view> parts = parts_of(text);
    constexpr std::size_t kPrecision = 3, kWindows = 4;
    const auto& all = known_models();
    const auto known = std::find_if(
        all.begin(), all.end(), [&parts](const KnownModel& model) { return model.weights().sha256 == parts.front(); });
    if (known == all.end() || parts.size() <= kPrecision) return std::nullopt;
    std::string options = "--model " + known->name;
    if (parts[kPrecision] != "int8") options += fmt::format(" --precision {}", parts[kPrecision]);
    if (parts.size() > kWindows && parts[kWindows] == "windows") options += " --long-text windows";
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
