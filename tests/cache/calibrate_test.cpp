#include "stele/calibrate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "cache/entry_vector.hpp"
#include "stele/error.hpp"
#include "stele/semantic_cache.hpp"
#include "stele/testing.hpp"

namespace stele::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ErrorInfo refusal_of(Embedder& embedder, std::span<const QuestionPair> pairs, const CalibrateOptions& options = {}) {
    try {
        calibrate(embedder, pairs, options);
    } catch (const Error& error) {
        return error.info();
    }
    ADD_FAILURE() << "nothing was refused";
    return {};
}

class Calibrate : public ::testing::Test {
protected:
    Calibrate() {
        embedder.similar("where did my parcel go?", "where is my parcel?", 0.95F);
        embedder.similar("how do i pay?", "how can i pay?", 0.75F);
        embedder.similar("return it within 30 days", "return it within 14 days", 0.90F);
        embedder.similar("do you sell tea?", "do you sell cars?", 0.60F);
    }
    testing::FakeEmbedder embedder;
    const std::vector<QuestionPair> pairs = {
        {"Where is my parcel?", "Where did my parcel  go?", true},
        {"How can I pay?", "How do I pay?", true},
        {"Return it within 14 days", "Return it within 30 days", false},
        {"Do you sell cars?", "Do you sell tea?", false},
    };
};

TEST_F(Calibrate, mneme_158_the_threshold_is_of_the_grid_and_its_figures_are_those_of_the_pairs) {
    const Calibration found = calibrate(embedder, pairs);
    ASSERT_TRUE(found.best);
    EXPECT_FLOAT_EQ(found.best->threshold, 0.61F) << "the first that leaves the tea out";
    EXPECT_EQ(found.best->right, 2U);
    EXPECT_EQ(found.best->wrong, 1U);
    EXPECT_EQ(found.best->missed, 0U);
    EXPECT_DOUBLE_EQ(found.best->precision, 2.0 / 3);
    EXPECT_DOUBLE_EQ(found.best->recall, 1.0);
    EXPECT_DOUBLE_EQ(found.best->f1, 0.8);
    ASSERT_EQ(found.curve.size(), 50U);
    EXPECT_FLOAT_EQ(found.curve.front().threshold, 0.50F);
    EXPECT_FLOAT_EQ(found.curve.back().threshold, 0.99F);
    EXPECT_EQ(found.curve.back().right + found.curve.back().wrong, 0U);
    EXPECT_EQ(found.curve.back().precision, 1.0) << "where nothing is served nothing is wrong";
    EXPECT_THAT(found.guarded, IsEmpty());
}

TEST_F(Calibrate, mneme_158_minimums_are_kept_or_there_is_no_threshold) {
    const Calibration precise = calibrate(embedder, pairs, {.min_precision = 1.0});
    ASSERT_TRUE(precise.best);
    EXPECT_FLOAT_EQ(precise.best->threshold, 0.91F);
    EXPECT_EQ(precise.best->recall, 0.5);
    const Calibration whole = calibrate(embedder, pairs, {.target = CalibrationTarget::precision, .min_recall = 1.0});
    ASSERT_TRUE(whole.best);
    EXPECT_FLOAT_EQ(whole.best->threshold, 0.61F);
    EXPECT_FALSE(calibrate(embedder, pairs, {.min_precision = 1.0, .min_recall = 1.0}).best);
}

TEST_F(Calibrate, mneme_158_pairs_of_one_kind_alone_are_refused) {
    EXPECT_EQ(refusal_of(embedder, {}).code, ErrorCode::invalid_argument);
    const ErrorInfo same = refusal_of(embedder, std::span(pairs).first(2));
    EXPECT_EQ(same.code, ErrorCode::invalid_argument);
    EXPECT_THAT(same.message, HasSubstr("2 of the first and 0 of the second"));
    EXPECT_EQ(refusal_of(embedder, std::span(pairs).last(2)).code, ErrorCode::invalid_argument);
}

TEST_F(Calibrate, mneme_158_the_form_of_the_vectors_in_memory_changes_nothing_since_float32_decides) {
    const Calibration found = calibrate(embedder, pairs);
    SemanticCache cache =
        SemanticCache::in_memory(MemoryDatabase(), std::shared_ptr<Embedder>(std::shared_ptr<void>(), &embedder),
                                 {.similarity_threshold = -1.0F});
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        const Scope scope("pair " + std::to_string(i));
        cache.put(pairs[i].stored, "r", scope);
        const auto hit = cache.get(pairs[i].asked, scope);
        ASSERT_TRUE(hit);
        EXPECT_FLOAT_EQ(hit->similarity, found.pairs[i].similarity.value()) << pairs[i].asked;
    }
}

TEST_F(Calibrate, the_texts_that_serving_embeds_are_embedded_each_once) {
    const std::vector<QuestionPair> repeated = {{" Where  IS my parcel?", "where is my parcel?", true},
                                                {"Where is my PARCEL?", "do you sell tea?", false}};
    const Calibration found = calibrate(embedder, repeated);
    EXPECT_EQ(found.texts, 2U);
    EXPECT_EQ(embedder.texts().size(), 2U);
    EXPECT_TRUE(found.pairs[0].same_wording);
    EXPECT_EQ(calibrate(embedder, repeated, {.normalize = false}).texts, 4U);
    EXPECT_EQ(calibrate(embedder, repeated, {.fold_case = false}).texts, 4U);
}

TEST_F(Calibrate, guards_refuse_what_they_would_refuse_and_both_curves_are_told) {
    const Calibration found = calibrate(embedder, pairs, {.guards = text_guards()});
    ASSERT_TRUE(found.best);
    EXPECT_EQ(found.pairs[2].refused_by, "numbers");
    EXPECT_THAT(found.pairs[2].refusal.value().text, HasSubstr("14"));
    EXPECT_EQ(found.best->precision, 1.0);
    EXPECT_EQ(found.best->recall, 1.0);
    ASSERT_EQ(found.guarded.size(), found.curve.size());
    EXPECT_EQ(found.curve[20].wrong, 1U);
    EXPECT_EQ(found.guarded[20].wrong, 0U);
}

TEST_F(Calibrate, a_guard_that_throws_refuses_as_it_does_in_the_cache) {
    const Guard broken{"broken", [](const GuardedPair&) -> std::optional<Refusal> { throw std::runtime_error("no"); }};
    const Calibration found = calibrate(embedder, pairs, {.guards = {broken}});
    EXPECT_EQ(found.pairs[0].refusal.value().kind, RefusalKind::failed);
    EXPECT_EQ(found.guarded.front().right, 0U);
}

TEST_F(Calibrate, a_question_that_is_cut_is_served_by_no_threshold) {
    embedder.cut_beyond(std::string_view("where is my parcel?").size());
    const Calibration found = calibrate(embedder, pairs);
    EXPECT_FALSE(found.pairs[0].similarity);
    EXPECT_TRUE(found.pairs[1].similarity);
    EXPECT_EQ(found.curve.front().missed, 1U);
}

TEST_F(Calibrate, thresholds_may_be_given_and_progress_is_told) {
    std::vector<std::size_t> told;
    const Calibration found = calibrate(
        embedder, pairs, {.grid = {0.9F, 0.7F}, .batch = 3, .on_progress = [&](std::size_t done, std::size_t all) {
                              told.push_back(done);
                              EXPECT_EQ(all, 8U);
                          }});
    EXPECT_THAT(told, ElementsAre(3U, 6U, 8U));
    ASSERT_EQ(found.curve.size(), 2U);
    EXPECT_EQ(found.curve.front().threshold, 0.9F);
}

TEST_F(Calibrate, options_out_of_bounds_are_refused) {
    EXPECT_EQ(refusal_of(embedder, pairs, {.grid = {1.5F}}).code, ErrorCode::invalid_argument);
    EXPECT_EQ(refusal_of(embedder, pairs, {.min_precision = 1.5}).code, ErrorCode::invalid_argument);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_EQ(refusal_of(embedder, pairs, {.min_recall = nan}).code, ErrorCode::invalid_argument);
    EXPECT_EQ(refusal_of(embedder, pairs, {.batch = 0}).code, ErrorCode::invalid_argument);
    EXPECT_EQ(refusal_of(embedder, pairs, {.guards = {Guard{"empty", {}}}}).code, ErrorCode::invalid_argument);
    embedder.fail(1);
    EXPECT_EQ(refusal_of(embedder, pairs).code, ErrorCode::embedder_failed);
}

}  // namespace
}  // namespace stele::test
