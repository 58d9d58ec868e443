// Either opens what the other made.
#include <cstring>

#include "interop/beside_mneme.hpp"
#include "stele/adopt.hpp"
#include "support/in_threads.hpp"

namespace stele {
namespace {

using test::answer_of;
using test::Mneme;
using Json = nlohmann::json;

class MnemeAdopt : public test::BesideMneme {
protected:
    /// The stored vector.
    static std::vector<float> floats_of(const Json& entry) {
        const auto hex = entry["bytes"].get<std::string>();
        std::vector<unsigned char> bytes;
        for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
            bytes.push_back(static_cast<unsigned char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
        }
        std::vector<float> floats(bytes.size() / sizeof(float));
        std::memcpy(floats.data(), bytes.data(), floats.size() * sizeof(float));
        return floats;
    }
    test::Server mnemes;  // a schema in which Stele has made nothing
};

TEST_F(MnemeAdopt, stele_takes_over_what_mneme_made_while_it_goes_on_writing) {
    similar("other words", "question");
    similar("more words", "later question");
    Mneme python(mnemes, embedder);
    python.put("question", "before", "customer:42", {{"metadata", {{"a", 1}}}});
    const Json entry = python.entry("question", "customer:42");
    Database bare = mnemes.bare();
    EXPECT_TRUE(plan_adoption(bare).obstacles.empty());
    adopt(bare);
    Database adopted = Database::open(test::undisturbed(mnemes.options()));
    SemanticCache stele(adopted, embedder);
    const std::optional<Hit> hit = stele.get("other words", "customer:42");
    EXPECT_EQ(answer_of(hit), "before");
    EXPECT_EQ(hit->id, entry["id"].get<std::int64_t>());
    EXPECT_EQ(hit->metadata.text(), R"({"a": 1})");
    EXPECT_EQ(stele.stats().entries, 1);

    python.put("later question", "after", "customer:42");
    test::settle(adopted);
    EXPECT_EQ(answer_of(stele.get("more words", "customer:42")), "after");
    EXPECT_EQ(stele.stats().entries, 2);
    stele.put("question", "stele's", "customer:42");
    EXPECT_EQ(answer_of(python.get("other words", "customer:42")), "stele's");
    const std::vector<float> ours = floats_of(python.entry("question", "customer:42")), theirs = floats_of(entry);
    ASSERT_EQ(ours.size(), theirs.size());
    for (std::size_t i = 0; i < ours.size(); ++i)
        EXPECT_NEAR(ours[i], theirs[i], 1e-6f) << "sums are made in other orders";
}

TEST_F(MnemeAdopt, mneme_goes_on_where_the_adoption_was_undone) {
    Database bare = mnemes.bare();
    Mneme python(mnemes, embedder);
    python.put("question", "python's");
    adopt(bare);
    SemanticCache(Database::open(mnemes.options()), embedder).put("another", "stele's");
    undo_adoption(bare);
    EXPECT_EQ(answer_of(python.get("another")), "stele's");
    python.put("question", "replaced");
    python.close();
    python.open();
    EXPECT_EQ(answer_of(python.get("question")), "replaced");
    EXPECT_EQ(python.ask("stats")["entries"], 2);
}

TEST_F(MnemeAdopt, mneme_opens_what_stele_made_and_finds_it_sound) {
    SemanticCache stele = open();
    stele.put("question", "answer");
    Mneme python = mneme();
    EXPECT_EQ(python.ask("healthy"), true);
    EXPECT_EQ(answer_of(python.get("question")), "answer");
    EXPECT_EQ(python.ask("rows_in_memory"), 1);
    EXPECT_EQ(stele.health().schema_version, 1);
    python.close();
    EXPECT_TRUE(stele.health().healthy);
}

// mneme itself fails when two of it do (the namespace of the catalogs, its own fault); Stele never does for it.
TEST_F(MnemeAdopt, both_open_a_fresh_schema_at_once) {
    for (int round = 0; round < 3; ++round) {
        test::Server fresh;
        test::in_threads(4, [&](int t) {
            if (t > 0) {
                SemanticCache stele(Database::open(fresh.options()), embedder);
                stele.put("question " + std::to_string(t), "answer");
                return;
            }
            try {
                Mneme python(fresh, embedder);
            } catch (const std::runtime_error& error) {
                EXPECT_THAT(error.what(), ::testing::HasSubstr("StoreBackendError"));
            }
        });
        Mneme python(fresh, embedder);
        EXPECT_EQ(python.ask("stats")["entries"], 3);
        EXPECT_EQ(answer_of(python.get("question 2")), "answer");
    }
}

TEST_F(MnemeAdopt, a_process_that_was_open_during_the_adoption_opens_and_closes_as_before) {
    Database bare = mnemes.bare();
    Mneme python(mnemes, embedder);
    adopt(bare);
    python.put("question", "answer");
    python.get("question");
    python.remove("question");
    python.put("question", "again");
    python.close();
    python.open();
    EXPECT_EQ(answer_of(python.get("question")), "again");
    SemanticCache stele(Database::open(mnemes.options()), embedder);
    EXPECT_EQ(stele.stats().entries, 1);
    EXPECT_EQ(stele.stats().hits_exact, 1);
}

}  // namespace
}  // namespace stele
