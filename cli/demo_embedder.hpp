// Which embedder a demonstration uses when none is named, and from which similarity it serves.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "embedder_options.hpp"
#include "stele/deadline.hpp"
#include "stele/embedder.hpp"

namespace stele::cli {

struct DemoEmbedder {
    std::shared_ptr<Embedder> embedder;  ///< null: the same question only
    std::string description;             ///< for people
    float threshold = 1.0F;              ///< suits the embedder

    std::string fingerprint() const { return embedder ? embedder->fingerprint() : "none"; }
};

/// Throws what make_embedder throws.
DemoEmbedder choose_embedder(const EmbedderOptions& options, std::optional<Deadline> deadline);

}  // namespace stele::cli
