#include "demo_embedder.hpp"

namespace stele::cli {

DemoEmbedder choose_embedder(const EmbedderOptions& options, std::optional<Deadline> deadline) {
    const ChosenEmbedder made = make_embedder(options, EmbedderKind::local, deadline,
                                              "`--embedder hashing` shows it without a model, by similar wording");
    DemoEmbedder chosen;
    chosen.embedder = made.embedder;
    chosen.description = describe(options, EmbedderKind::local);
    chosen.threshold = made.threshold();
    return chosen;
}

}  // namespace stele::cli
