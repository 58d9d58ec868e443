// Each finds what the other put, and no longer what the other replaced or removed.
#include <thread>

#include "interop/beside_mneme.hpp"
#include "support/in_threads.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::answer_of;
using test::Mneme;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;

class MnemeInterop : public test::BesideMneme {};

TEST_F(MnemeInterop, each_finds_by_wording_and_by_meaning_what_the_other_put) {
    similar("I forgot my password", "How do I reset it?");
    similar("Which plan is cheapest?", "What does it cost?");
    SemanticCache stele = open();
    Mneme python = mneme();
    stele.put("How do I reset it?", "press");
    python.put("What does it cost?", "nothing");
    test::settle(database);

    Json hit = python.get("  how do I\treset  IT? ");
    EXPECT_EQ(answer_of(hit), "press");
    EXPECT_EQ(hit["layer"], "exact");
    hit = python.get("I forgot my password");
    EXPECT_EQ(answer_of(hit), "press");
    EXPECT_EQ(hit["layer"], "semantic");
    const float theirs = hit["similarity"].get<float>();
    EXPECT_NEAR(theirs, stele.get("I forgot my password")->similarity, 1e-5f);

    EXPECT_EQ(stele.get("WHAT does it cost?")->layer, HitLayer::exact);
    const std::optional<Hit> found = stele.get("Which plan is cheapest?");
    EXPECT_EQ(answer_of(found), "nothing");
    EXPECT_EQ(found->layer, HitLayer::semantic);
    EXPECT_EQ(answer_of(python.get("never asked")), "a miss");
    EXPECT_EQ(answer_of(stele.get("never asked")), "a miss");
}

TEST_F(MnemeInterop, each_sees_what_the_other_replaced_under_the_same_id) {
    similar("other words", "question");
    SemanticCache stele = open();
    Mneme python = mneme();
    stele.put("question", "first");
    const std::int64_t id = stele.get("question")->id;
    for (const std::string round : {"second", "third"}) {
        python.put("Question", round + " of python");
        test::settle(database);
        EXPECT_EQ(answer_of(stele.get("question")), round + " of python");
        EXPECT_EQ(answer_of(stele.get("other words")), round + " of python");
        EXPECT_EQ(stele.get("question")->id, id);
        stele.put("question", round + " of stele");
        EXPECT_EQ(answer_of(python.get("question")), round + " of stele");
        EXPECT_EQ(answer_of(python.get("other words")), round + " of stele");
        EXPECT_EQ(python.entry("question")["id"], id);
    }
}

TEST_F(MnemeInterop, what_one_removes_the_other_no_longer_serves_and_finds_again_when_it_is_put_again) {
    similar("other words", "question");
    SemanticCache stele = open();
    Mneme python = mneme();
    stele.put("question", "answer");
    EXPECT_EQ(answer_of(python.get("other words")), "answer");  // its index has the id now
    EXPECT_TRUE(stele.remove("question"));
    EXPECT_EQ(answer_of(python.get("question")), "a miss");
    EXPECT_EQ(answer_of(python.get("other words")), "a miss");
    stele.put("question", "again");
    EXPECT_EQ(answer_of(python.get("other words")), "again");

    EXPECT_EQ(answer_of(stele.get("other words")), "again");
    EXPECT_TRUE(python.remove("question"));
    test::settle(database);
    EXPECT_EQ(answer_of(stele.get("question")), "a miss");
    EXPECT_EQ(answer_of(stele.get("other words")), "a miss");
    python.put("question", "anew");
    test::settle(database);
    EXPECT_EQ(answer_of(stele.get("other words")), "anew");
}

TEST_F(MnemeInterop, whole_namespaces_are_cleared_for_both_and_may_have_colons) {
    similar("other words", "question");
    SemanticCache stele = open();
    Mneme python = mneme();
    const std::string acme = "customer:42", zenith = "translate:en-fr";
    stele.put("question", "acme's", acme);
    python.put("question", "zenith's", zenith);
    test::settle(database);
    EXPECT_EQ(answer_of(python.get("other words", acme)), "acme's");
    EXPECT_EQ(answer_of(stele.get("other words", zenith)), "zenith's");
    EXPECT_EQ(answer_of(python.get("other words", "customer")), "a miss");
    EXPECT_EQ(answer_of(stele.get("other words", "translate")), "a miss");
    EXPECT_EQ(python.ask("namespaces"), Json({acme, zenith}));

    EXPECT_EQ(stele.clear(acme), 1U);
    EXPECT_EQ(answer_of(python.get("question", acme)), "a miss");
    EXPECT_EQ(answer_of(python.get("other words", acme)), "a miss");
    EXPECT_EQ(python.ask("clear_namespace", {{"namespace", zenith}}), 1);
    test::settle(database);
    EXPECT_EQ(answer_of(stele.get("question", zenith)), "a miss");
    EXPECT_EQ(answer_of(stele.get("other words", zenith)), "a miss");
    stele.put("question", "one", acme);
    python.put("question", "two", zenith);
    EXPECT_EQ(python.ask("clear"), 2);
    test::settle(database);
    EXPECT_EQ(stele.stats().entries, 0);
    EXPECT_EQ(answer_of(stele.get("question", acme)), "a miss");
}

TEST_F(MnemeInterop, metadata_go_both_ways_nested_and_in_any_script) {
    const std::string text =
        R"({"tags": ["größe", "日本語", "\ud83d\ude00"], "deep": {"a": {"b": [1, 2.5, -3e2, null, true, {"c": ""}]}},)"
        R"( "empty": {}, "list": [], "quote": "\"\\/\b\f\n\r\t", "big": 9007199254740993})";
    SemanticCache stele = open();
    Mneme python = mneme();
    stele.put("Größe?", "groß", {}, {.metadata = stele::Json::parse(text)});
    EXPECT_EQ(python.get("GRÖSSE?")["metadata"], Json::parse(text)) << "sharp s is ss, for both";
    python.put("大きさ?", "大きい", "default", {{"metadata", Json::parse(text)}});
    test::settle(database);
    const std::optional<Hit> hit = stele.get("大きさ?");
    ASSERT_TRUE(hit);
    EXPECT_EQ(hit->response, "大きい");
    EXPECT_TRUE(same_value(hit->metadata, stele::Json::parse(text))) << hit->metadata.text();
}

TEST_F(MnemeInterop, lifetimes_of_both_end_for_both) {
    similar("other words", "stele's");
    similar("more words", "python's");
    SemanticCache stele = open();
    Mneme python = mneme();
    const auto put = [&] {
        stele.put("stele's", "r", {}, {.ttl = 600s});
        python.put("python's", "r", "default", {{"ttl", 600}});
        test::settle(database);
    };
    put();
    EXPECT_EQ(python.entry("stele's")["ttl"], 600);
    pass(300s);
    for (const std::string question : {"stele's", "python's", "other words", "more words"}) {
        EXPECT_EQ(answer_of(python.get(question)), "r") << question;
        EXPECT_EQ(answer_of(stele.get(question)), "r") << question;
    }
    pass(300s);
    for (const std::string question : {"stele's", "python's", "other words", "more words"}) {
        EXPECT_EQ(answer_of(stele.get(question)), "a miss") << question;
    }
    for (const std::string question : {"stele's", "python's", "other words", "more words"}) {
        EXPECT_EQ(answer_of(python.get(question)), "a miss") << question;
    }
    EXPECT_EQ(entries(), 0) << "mneme removes what it finds expired";
    put();
    pass(600s);
    EXPECT_EQ(stele.vacuum(), 2U);
    put();
    pass(600s);
    EXPECT_EQ(python.ask("vacuum"), 2);
    test::settle(database);
    EXPECT_EQ(stele.stats().entries, 0);
}

TEST_F(MnemeInterop, each_notes_the_use_of_what_the_other_put) {
    SemanticCache stele = open({.access_times = AccessTimes::within_call});
    Mneme python = mneme();
    python.put("question", "answer");
    test::settle(database);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(stele.get("question"));
    python.get("question");
    EXPECT_EQ(python.entry("question")["access_count"], 4);
}

// mneme deletes by an id that it read before. A row that Stele put in its place meanwhile has that id, and goes with
// it: an answer is lost, and none is wrong.
TEST_F(MnemeInterop, a_deletion_by_an_id_that_was_read_before_loses_an_answer_and_serves_none_that_is_old) {
    similar("other words", "question");
    SemanticCache stele = open();
    Mneme python = mneme();
    python.put("question", "old");
    const Json id = python.entry("question")["id"];
    stele.put("question", "fresh");
    EXPECT_EQ(answer_of(stele.get("other words")), "fresh");
    EXPECT_EQ(python.ask("delete_by_id", {{"id", id}}), true);
    test::settle(database);
    EXPECT_EQ(answer_of(stele.get("question")), "a miss");
    EXPECT_EQ(answer_of(stele.get("other words")), "a miss");
    stele.put("question", "anew");
    EXPECT_NE(python.entry("question")["id"], id);
    EXPECT_EQ(python.ask("delete_by_id", {{"id", id}}), false);
    EXPECT_EQ(answer_of(stele.get("other words")), "anew");
    EXPECT_EQ(answer_of(python.get("other words")), "anew");
}

TEST_F(MnemeInterop, what_mneme_stores_without_a_direction_is_found_by_its_wording_only) {
    SemanticCache stele = open();
    Mneme python = mneme();
    const auto put = [&](const char* question, const Json& vector) {
        python.ask("put", {{"query", question}, {"response", "r"}, {"vector", vector}, {"namespace", "default"}});
    };
    put("zeros", std::vector<float>(64, 0.0f));
    put("overflows", std::vector<float>(64, 3e38f));
    Json holes = std::vector<float>(64, 1.0f);
    holes[3] = nullptr;  // NaN, to NumPy
    put("not numbers", holes);
    test::settle(database);
    for (const char* question : {"zeros", "overflows", "not numbers"}) EXPECT_TRUE(stele.get(question)) << question;
    EXPECT_FALSE(stele.get("anything", {}, {.similarity_threshold = -1.0f}));
    EXPECT_EQ(stele.stats().entries, 3);
}

TEST_F(MnemeInterop, what_stele_stores_without_a_vector_harms_no_process_of_mnemes) {
    {
        SemanticCache settled = open();
    }
    SemanticCache wordless(database, nullptr);
    wordless.put("question", "answer");
    Mneme python = mneme();
    EXPECT_EQ(answer_of(python.get("question")), "answer");
    EXPECT_EQ(answer_of(python.get("never asked")), "a miss");
    EXPECT_EQ(python.ask("healthy"), true);
}

TEST_F(MnemeInterop, both_write_the_same_questions_at_once_and_neither_fails_for_it_nor_answers_wrongly) {
    constexpr int kThreads = 3, kRounds = 60, kQuestions = 12;
    std::vector<std::string> questions;
    Json vectors = Json::array();
    SemanticCache stele = open();
    Mneme python = mneme();
    for (int i = 0; i < kQuestions; ++i) {
        questions.push_back("question " + std::to_string(i));
        similar("other " + questions.back(), questions.back());
        vectors.push_back(python.vector(questions.back()));
    }
    int failures = 0;
    test::in_threads(kThreads + 1, [&](int t) {
        if (t == kThreads) {
            failures = python
                           .ask("write_and_read", {{"threads", kThreads},
                                                   {"rounds", kRounds},
                                                   {"questions", questions},
                                                   {"vectors", vectors},
                                                   {"namespace", "default"}})
                           .get<int>();
            return;
        }
        for (int i = 0; i < kRounds; ++i) {
            const std::string& question = questions[static_cast<std::size_t>(i * 5 + t) % questions.size()];
            stele.put(question, question + "|stele " + std::to_string(t) + " " + std::to_string(i));
            const std::optional<Hit> hit = stele.get("other " + question);
            if (hit) {
                EXPECT_THAT(hit->response, ::testing::StartsWith(question + "|"));
            }
            if (i % 7 == 3) stele.remove(question);
        }
    });
    EXPECT_LE(failures, kThreads * kRounds / 2) << "of mneme's own puts";
    test::settle(database);
    python.close();
    python.open();
    int found = 0;
    for (const std::string& question : questions) {
        const Json stored = python.entry(question);
        const std::string answer = stored.is_null() ? "a miss" : stored["response"].get<std::string>();
        EXPECT_EQ(answer_of(stele.get(question)), answer);
        EXPECT_EQ(answer_of(stele.get("other " + question)), answer);
        EXPECT_EQ(answer_of(python.get("other " + question)), answer);
        found += stored.is_null() ? 0 : 1;
    }
    EXPECT_EQ(entries(), found);
    EXPECT_EQ(stele.stats().entries, found);
    EXPECT_TRUE(stele.health().healthy);
    EXPECT_EQ(python.ask("healthy"), true);
}

TEST_F(MnemeInterop, another_embedder_is_refused_by_both_with_the_same_name) {
    {
        SemanticCache settled = open();
    }
    const auto other = std::make_shared<testing::FakeEmbedder>(testing::FakeEmbedderOptions{.fingerprint = "fake:v2"});
    try {
        Mneme refused(server, other);
        FAIL() << "it opened the tables";
    } catch (const std::runtime_error& error) {
        EXPECT_THAT(error.what(), HasSubstr("EmbedderMismatchError"));
        EXPECT_THAT(error.what(), HasSubstr("fake:v1"));
    }
}

}  // namespace
}  // namespace stele
