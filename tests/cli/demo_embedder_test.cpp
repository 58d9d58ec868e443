#include "demo_embedder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "base/text.hpp"
#include "demo_replay.hpp"
#include "support/server.hpp"

namespace stele::cli {
namespace {

using stele::test::error_of;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

DemoEmbedder chosen_by(const std::string& kind) {
    EmbedderOptions options;
    options.kind = kind;
    return choose_embedder(options, {});
}

TEST(DemoEmbedder, is_the_local_one_unless_another_is_named) {
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

/// A cache in the process, by the definition: the same question, else the most similar of all.
class Reference {
public:
    explicit Reference(DemoEmbedder chosen) : chosen_(std::move(chosen)) {}

    DemoPorts ports() {
        DemoPorts ports;
        ports.look_up = [this](const DemoQuestion& asked) { return look_up(asked); };
        ports.answer = [](const DemoQuestion& asked) { return std::optional(asked.answer); };
        ports.store = [this](const DemoQuestion& asked, const std::string&) {
            const std::string text = normalize_query(asked.question);
            stored_.push_back({&asked, vector_of(text)});
            exact_.emplace(text, &asked);
        };
        return ports;
    }

private:
    struct Stored {
        const DemoQuestion* question;
        std::vector<float> vector;
    };

    std::vector<float> vector_of(const std::string& text) const {
        return chosen_.embedder->embed_one(text, Deadline::never()).vector;
    }

    std::optional<DemoServed> look_up(const DemoQuestion& asked) const {
        DemoServed served;
        const std::string text = normalize_query(asked.question);
        if (const auto same = exact_.find(text); same != exact_.end()) {
            served.group = same->second->group;
            return served;
        }
        const std::vector<float> vector = vector_of(text);
        served.layer = HitLayer::semantic;
        served.similarity = -1.0F;
        for (const Stored& one : stored_) {
            const float cosine = std::inner_product(vector.begin(), vector.end(), one.vector.begin(), 0.0F);
            if (cosine <= served.similarity) continue;
            served.similarity = cosine;
            served.group = one.question->group;
        }
        if (served.similarity < chosen_.threshold) return std::nullopt;
        return served;
    }

    DemoEmbedder chosen_;
    std::vector<Stored> stored_;
    std::map<std::string, const DemoQuestion*> exact_;
};

TEST(DemoEmbedder, the_hashing_one_s_threshold_serves_similar_questions_and_hardly_ever_a_wrong_answer) {
    const DemoQuestions own = load_questions(STELE_SOURCE_DIR "/examples/support/questions.jsonl");
    Reference reference(chosen_by("hashing"));
    const DemoRun run = replay(shuffled(own.questions, 1), reference.ports());
    EXPECT_GE(run.exact.size(), 80u);
    EXPECT_GE(run.semantic.size(), 15u);
    EXPECT_LE(run.wrong.size(), 2u);
}

}  // namespace
}  // namespace stele::cli
