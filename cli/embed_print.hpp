// What `stele embed` shows of a few texts.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "output.hpp"
#include "stele/embedder.hpp"

namespace stele::cli {

struct EmbedReport {
    std::string embedder;  ///< for people
    std::string fingerprint;
    std::size_t dimension = 0;
    bool says_truncated = true;  ///< servers do not say whether they cut a text
    std::vector<std::string> texts;
    std::vector<Embedding> embeddings;  ///< of the texts
};

nlohmann::json to_document(const EmbedReport& report);
void print(const EmbedReport& report, const Output& output);

}  // namespace stele::cli
