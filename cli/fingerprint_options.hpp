// From what is stored beside vectors back to the options that name their embedder.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stele::cli {

/// "--model minilm --precision float32", "--embedder hashing"; nothing for an embedder that no option names.
std::optional<std::string> options_naming(std::string_view fingerprint);

}  // namespace stele::cli
