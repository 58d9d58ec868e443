#include "demo_embedder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "demo_curve.hpp"
#include "demo_replay.hpp"
#include "demo_vectors.hpp"
#include "support/sanitized.hpp"
#include "support/server.hpp"

namespace stele::cli {
namespace {

using stele::test::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

DemoEmbedder chosen_by(const std::string& kind) {
    EmbedderOptions options;
    options.kind = kind;
    return choose_embedder(options, {});
}

TEST(MiniLmDemo, embeds_unless_another_is_named) {
    const DemoEmbedder chosen = choose_embedder({}, {});
    ASSERT_TRUE(chosen.embedder);
    EXPECT_THAT(chosen.fingerprint(), AllOf(StartsWith("stele-bert-v1:"), HasSubstr("int8")));
    EXPECT_EQ(chosen.description, "minilm, int8, in this process");
    EXPECT_GT(chosen.threshold, 0.5F);
    EXPECT_LT(chosen.threshold, 1.0F);
}

TEST(DemoEmbedder, may_be_the_hashing_one) {
    const DemoEmbedder chosen = chosen_by("hashing");
    EXPECT_EQ(chosen.fingerprint(), "stele-hashing-v1-384");
    EXPECT_THAT(chosen.description, HasSubstr("matches wording, not meaning"));
}

TEST(DemoEmbedder, may_be_none) {
    const DemoEmbedder chosen = chosen_by("none");
    EXPECT_FALSE(chosen.embedder);
    EXPECT_EQ(chosen.fingerprint(), "none");
}

TEST(DemoEmbedder, a_model_that_is_absent_is_an_error_which_says_what_goes_without) {
    EmbedderOptions options;
    options.model = "no-such-model";
    const ErrorInfo error = error_of([&] { choose_embedder(options, {}); });
    EXPECT_EQ(error.code, ErrorCode::embedder_failed);
    EXPECT_THAT(error.message, AllOf(HasSubstr("no-such-model"), HasSubstr("--embedder hashing")));
}

/// At the embedder's own threshold, in a few orders of the questions that come with Stele.
DemoCurvePoint own_questions_by(const EmbedderOptions& options) {
    static const DemoQuestions own = load_questions(STELE_SOURCE_DIR "/examples/support/questions.jsonl");
    const DemoEmbedder chosen = choose_embedder(options, {});
    DemoVectors vectors(chosen.embedder);
    DemoCurvePoint sum;
    constexpr std::uint64_t kOrders = stele::test::kSanitized ? 1 : 3;
    for (std::uint64_t seed = 1; seed <= kOrders; ++seed) {
        const auto stream = shuffled(own.questions, seed);
        const auto places = vectors.places(stream, Deadline::never(), [] { return true; });
        const DemoCurvePoint point = threshold_curve(stream, *places, {chosen.threshold}).at(0);
        sum.rewordings += point.rewordings;
        sum.right += point.right;
        sum.found += point.found;
        sum.wrong += point.wrong;
        sum.unrelated += point.unrelated;
    }
    return sum;
}

TEST(MiniLmDemo, finds_half_of_all_rewordings_at_its_threshold_and_answers_no_unrelated_question) {
    const DemoCurvePoint sum = own_questions_by({});
    EXPECT_GE(2 * sum.found, sum.rewordings);
    EXPECT_EQ(sum.unrelated, 0u);
    EXPECT_LE(20 * sum.wrong, sum.right);
}

TEST(DemoEmbedder, the_hashing_one_s_threshold_serves_similar_questions_and_hardly_ever_a_wrong_answer) {
    EmbedderOptions options;
    options.kind = "hashing";
    const DemoCurvePoint sum = own_questions_by(options);
    EXPECT_GE(30 * sum.right, sum.rewordings);
    EXPECT_LE(10 * sum.wrong, sum.right);
    EXPECT_EQ(sum.unrelated, 0u);
}

}  // namespace
}  // namespace stele::cli
