#include "demo_embedder.hpp"

namespace stele::cli {

DemoEmbedder choose_embedder(const EmbedderOptions& options, std::optional<Deadline> deadline) {
    const ChosenEmbedder made = make_embedder(options, EmbedderKind::local, deadline,
                                              "`--embedder hashing` shows it without a model, by similar wording");
    constexpr float kUnmeasured = 0.85F;  // no more than a place to start: the report shows what others do
    DemoEmbedder chosen;
    chosen.embedder = made.embedder;
    chosen.description = describe(options, EmbedderKind::local);
    chosen.threshold = made.embedder ? made.embedder->threshold().value_or(kUnmeasured) : kUnmeasured;
    return chosen;
}

}  // namespace stele::cli
