#include "demo_curve.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>

#include "demo_vectors.hpp"
#include "stele/hashing_embedder.hpp"

namespace stele::cli {
namespace {

using ::testing::ElementsAre;

DemoQuestion question(std::string group, std::string kind, std::string text = {}) {
    DemoQuestion made;
    made.group = std::move(group);
    made.kind = std::move(kind);
    made.question = std::move(text);
    return made;
}

/// Questions on a circle: their likeness is the cosine of the angle between them.
struct DemoCurveTest : ::testing::Test {
    std::vector<DemoQuestion> questions;
    std::vector<std::array<float, 2>> units;
    std::vector<std::size_t> keys;
    std::set<std::size_t> cut;

    /// A unit of its own kind: the embedder cut the question.
    void ask_cut(DemoQuestion asked, std::size_t key) {
        ask(std::move(asked), 0, key);
        cut.insert(questions.size() - 1);
    }
    void ask(DemoQuestion asked, float degrees, std::size_t key) {
        constexpr float kRadians = 3.14159265F / 180;
        questions.push_back(std::move(asked));
        units.push_back({std::cos(degrees * kRadians), std::sin(degrees * kRadians)});
        keys.push_back(key);
    }
    DemoCurvePoint at(std::optional<float> threshold) const {
        std::vector<const DemoQuestion*> stream;
        std::vector<DemoPlace> places;
        for (std::size_t i = 0; i < questions.size(); ++i) {
            stream.push_back(&questions[i]);
            places.push_back({keys[i], cut.contains(i) ? std::span<const float>() : units[i]});
        }
        return threshold_curve(stream, places, {threshold}).at(0);
    }
};

TEST_F(DemoCurveTest, exact_matching_alone_answers_the_same_question_and_no_other) {
    ask(question("a", "paraphrase"), 0, 0);
    ask(question("a", "paraphrase"), 0, 0);
    ask(question("a", "paraphrase"), 1, 1);
    const DemoCurvePoint point = at(std::nullopt);
    EXPECT_EQ(point.asked, 3u);
    EXPECT_EQ(point.exact, 1u);
    EXPECT_EQ(point.right + point.wrong, 0u);
    EXPECT_DOUBLE_EQ(point.answered(), 1.0 / 3);
}

TEST_F(DemoCurveTest, the_most_alike_of_the_stored_answers_from_the_threshold_on) {
    ask(question("a", "paraphrase"), 0, 0);
    ask(question("b", "paraphrase"), 50, 1);
    ask(question("a", "paraphrase"), 20, 2);  // 20 degrees from a, 30 from b: 0.94 and 0.87
    EXPECT_EQ(at(0.9F).right, 1u);
    EXPECT_EQ(at(0.95F).right, 0u);
    EXPECT_EQ(at(0.9F).wrong, 0u);
}

TEST_F(DemoCurveTest, what_was_answered_is_not_stored) {
    ask(question("a", "paraphrase"), 0, 0);
    ask(question("a", "paraphrase"), 20, 1);
    ask(question("a", "paraphrase"), 40, 2);  // 0.94 from the second, 0.77 from the first
    EXPECT_EQ(at(0.9F).right, 1u);
    EXPECT_EQ(at(0.7F).right, 2u);
}

TEST_F(DemoCurveTest, a_wrong_answer_is_a_near_miss_or_unrelated_or_neither) {
    ask(question("pause", "paraphrase"), 0, 0);
    DemoQuestion resume = question("resume", "near_miss");
    resume.near = "pause";
    ask(resume, 5, 1);
    ask(question("other", "paraphrase"), -6, 2);
    ask(question("weather", "distractor"), 7, 3);
    const DemoCurvePoint point = at(0.9F);
    EXPECT_EQ(point.wrong, 3u);
    EXPECT_EQ(point.near_misses, 1u);
    EXPECT_EQ(point.unrelated, 1u);
}

TEST_F(DemoCurveTest, rewordings_are_counted_by_whether_their_answer_was_known_and_found) {
    ask(question("a", "paraphrase"), 0, 0);
    ask(question("a", "paraphrase"), 0, 0);    // the same: no rewording
    ask(question("a", "paraphrase"), 10, 1);   // found
    ask(question("a", "paraphrase"), 90, 2);   // known, but far
    ask(question("b", "distractor"), 180, 3);  // no paraphrase
    const DemoCurvePoint point = at(0.9F);
    EXPECT_EQ(point.rewordings, 3u);
    EXPECT_EQ(point.known, 2u);
    EXPECT_EQ(point.found, 1u);
    EXPECT_DOUBLE_EQ(point.found_share(), 0.5);
}

TEST_F(DemoCurveTest, a_question_that_was_cut_is_found_by_its_key_only_and_gives_no_other_its_answer) {
    ask_cut(question("a", "paraphrase"), 0);
    ask(question("a", "paraphrase"), 0, 1);
    ask_cut(question("a", "paraphrase"), 2);
    ask_cut(question("a", "paraphrase"), 0);
    ask(question("a", "paraphrase"), 1, 3);
    const DemoCurvePoint point = at(-1.0F);
    EXPECT_EQ(point.exact, 1u);
    EXPECT_EQ(point.right, 1u) << "the last, from the second";
    EXPECT_EQ(point.known, 3u);
    EXPECT_EQ(point.found, 1u);
}

TEST_F(DemoCurveTest, known_rewordings_are_counted_by_their_wording_where_they_have_one) {
    const auto worded = [](const char* wording) {
        DemoQuestion made = question("a", "paraphrase");
        made.wording = wording;
        return made;
    };
    ask(worded("far"), 0, 0);  // nothing is known yet
    ask(worded("close"), 10, 1);
    ask(worded("close"), 90, 2);
    ask(worded("far"), 180, 3);
    ask(worded("close"), 10, 2);               // the same: no rewording
    ask(question("a", "paraphrase"), 100, 4);  // says nothing of its wording
    const DemoCurvePoint point = at(0.9F);
    EXPECT_EQ(point.known, 4u);
    EXPECT_EQ(point.found, 2u);
    ASSERT_EQ(point.by_wording.size(), 2u);
    EXPECT_EQ(point.by_wording.at("close").known, 2u);
    EXPECT_EQ(point.by_wording.at("close").found, 1u);
    EXPECT_DOUBLE_EQ(point.by_wording.at("close").share(), 0.5);
    EXPECT_EQ(point.by_wording.at("far").known, 1u);
    EXPECT_EQ(point.by_wording.at("far").found, 0u);
}

TEST(DemoCurve, of_no_questions_is_zero_everywhere) {
    const auto points = threshold_curve({}, {}, {std::nullopt, 0.5F});
    ASSERT_EQ(points.size(), 2u);
    EXPECT_EQ(points[1].asked, 0u);
    EXPECT_DOUBLE_EQ(points[1].answered(), 0.0);
    EXPECT_DOUBLE_EQ(points[1].found_share(), 0.0);
}

TEST(DemoVectors, embed_once_what_the_cache_did_not_and_give_the_same_question_one_key) {
    class Counting final : public Embedder {
    public:
        std::size_t dimension() const override { return hashing_.dimension(); }
        const std::string& fingerprint() const override { return hashing_.fingerprint(); }
        std::vector<Embedding> embed(std::span<const std::string_view> texts, Deadline deadline) override {
            for (const std::string_view text : texts) seen.emplace_back(text);
            return hashing_.embed(texts, deadline);
        }
        std::vector<std::string> seen;

    private:
        HashingEmbedder hashing_{16};
    };
    const auto counting = std::make_shared<Counting>();
    DemoVectors vectors(counting);
    vectors.embed_one("one", Deadline::never());
    const DemoQuestion one = question("a", "paraphrase", " ONE"), same = question("a", "paraphrase", "one"),
                       other = question("b", "paraphrase", "Two");
    const auto places = vectors.places({&one, &other, &same}, Deadline::never(), [] { return true; });
    ASSERT_TRUE(places);
    EXPECT_EQ((*places)[0].key, (*places)[2].key);
    EXPECT_NE((*places)[0].key, (*places)[1].key);
    EXPECT_EQ((*places)[1].unit.size(), 16u);
    EXPECT_THAT(counting->seen, ElementsAre("one", "two"));
    const DemoQuestion third = question("c", "paraphrase", "three");
    EXPECT_FALSE(vectors.places({&third}, Deadline::never(), [] { return false; }));
}

TEST(DemoVectors, have_none_for_a_question_that_the_embedder_cut) {
    class Cutting final : public Embedder {
    public:
        std::size_t dimension() const override { return hashing_.dimension(); }
        const std::string& fingerprint() const override { return hashing_.fingerprint(); }
        std::vector<Embedding> embed(std::span<const std::string_view> texts, Deadline deadline) override {
            std::vector<Embedding> made = hashing_.embed(texts, deadline);
            for (std::size_t i = 0; i < texts.size(); ++i) made[i].truncated = texts[i].size() > 5;
            return made;
        }

    private:
        HashingEmbedder hashing_{16};
    };
    DemoVectors vectors(std::make_shared<Cutting>());
    EXPECT_EQ(vectors.embed_one("longer", Deadline::never()).vector.size(), 16u) << "the cache decides for itself";
    const DemoQuestion earlier = question("a", "paraphrase", "longer"), now = question("a", "paraphrase", "as long"),
                       whole = question("a", "paraphrase", "short");
    const auto places = vectors.places({&earlier, &now, &whole}, Deadline::never(), [] { return true; });
    ASSERT_TRUE(places);
    EXPECT_TRUE((*places)[0].unit.empty());
    EXPECT_TRUE((*places)[1].unit.empty());
    EXPECT_EQ((*places)[2].unit.size(), 16u);
}

}  // namespace
}  // namespace stele::cli
