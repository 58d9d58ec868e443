// Answers that know what they were made from: on a database and in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "cache/any_cache.hpp"
#include "stele/configuration.hpp"
#include "stele/labels.hpp"
#include "stele/publications.hpp"
#include "stele/templates.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::On;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Settings {
    std::string model;
};
STELE_DESCRIBE_AS("support.settings", Settings, (model))

class CacheDependencies : public test::AnyCache {
protected:
    TemplatesRepository templates() {
        return database ? TemplatesRepository(*database) : TemplatesRepository::in_memory(memory);
    }
    ConfigurationRepository configurations() {
        return database ? ConfigurationRepository(*database) : ConfigurationRepository::in_memory(memory);
    }
    Labels labels() { return database ? Labels(*database) : Labels(memory); }
    Publications publications() { return database ? Publications(*database) : Publications(memory); }
    static std::optional<MissReason> miss(SemanticCache& cache, const std::string& query) {
        return cache.look_up(query).miss;
    }
};

INSTANTIATE_TEST_SUITE_P(Cache, CacheDependencies, ::testing::Values(On::database, On::memory), test::name_of);

TEST_P(CacheDependencies, an_answer_is_a_miss_as_soon_as_what_it_was_made_from_is_published_anew) {
    SemanticCache cache = open();
    Publications things = publications();
    EXPECT_TRUE(things.publish("document", "terms", "7"));
    EXPECT_FALSE(things.publish("document", "terms", "7")) << "it is current already";
    cache.put("May I return it?", "Yes.", {}, {.depends_on = {{"document", "terms", "7"}}});
    cache.put("Hello?", "Hello.");
    EXPECT_TRUE(cache.get("May I return it?"));
    EXPECT_TRUE(cache.get("May I return it?")) << "from memory, too";
    EXPECT_TRUE(things.publish("document", "terms", "8"));
    EXPECT_EQ(miss(cache, "May I return it?"), MissReason::outdated);
    EXPECT_EQ(miss(cache, "May I return it?"), MissReason::outdated) << "it stays so";
    EXPECT_TRUE(cache.get("Hello?")) << "what depends on nothing stays";
    EXPECT_EQ(cache.stats().outdated, 2);
    cache.put("May I return it?", "Within 14 days.", {}, {.depends_on = {{"document", "terms", "8"}}});
    EXPECT_EQ(cache.get("May I return it?")->response, "Within 14 days.");
}

TEST_P(CacheDependencies, a_similar_question_is_not_answered_by_what_is_outdated) {
    SemanticCache cache = open({.similarity_threshold = 0.8f});
    embedder->similar("question", "asked", 0.95f);
    embedder->similar("other question", "asked", 0.9f);
    cache.put("question", "old", {}, {.depends_on = {{"document", "terms", "7"}}});
    EXPECT_EQ(cache.get("asked")->response, "old");
    publications().publish("document", "terms", "8");
    EXPECT_EQ(miss(cache, "asked"), MissReason::outdated);
    const Explanation why = cache.explain("asked");
    ASSERT_EQ(why.candidates.size(), 1U);
    EXPECT_EQ(why.candidates[0].fate, CandidateFate::outdated);
    cache.put("other question", "new");
    EXPECT_EQ(cache.get("asked")->response, "new") << "the next one does";
}

TEST_P(CacheDependencies, of_what_nobody_has_published_every_version_is_current) {
    SemanticCache cache = open();
    cache.put("q", "r", {}, {.depends_on = {{"model", "m-7b", "2024-05"}}});
    EXPECT_TRUE(cache.get("q"));
    EXPECT_FALSE(publications().current("model", "m-7b"));
    publications().publish("model", "m-7b", "2024-05");
    EXPECT_TRUE(cache.get("q"));
    EXPECT_EQ(publications().current("model", "m-7b"), "2024-05");
    publications().publish("embedder", "m-7b", "9");
    EXPECT_TRUE(cache.get("q")) << "another kind is another thing";
}

TEST_P(CacheDependencies, the_newest_version_is_that_of_the_moment_of_the_put) {
    SemanticCache cache = open();
    const PutOptions newest{.depends_on = {Dependency::on_newest("document", "terms")}};
    cache.put("before", "r", {}, newest);
    publications().publish("document", "terms", "1");
    cache.put("after", "r", {}, newest);
    EXPECT_EQ(miss(cache, "before"), MissReason::outdated) << "there was none when it was put";
    EXPECT_TRUE(cache.get("after"));
    EXPECT_THAT(cache.list()[0].depends_on, ElementsAre(Dependency("document", "terms", "1")));
    publications().publish("document", "terms", "2");
    EXPECT_EQ(miss(cache, "after"), MissReason::outdated);
}

TEST_P(CacheDependencies, a_template_and_a_configuration_say_themselves_what_was_used) {
    SemanticCache cache = open();
    TemplatesRepository prompts = templates();
    ConfigurationRepository settings = configurations();
    prompts.define({.identifier = "tone"}, "be kind");
    prompts.define({.identifier = "answer", .variables = {{"tone"}}}, "Answer, {%tone%}.");
    settings.define(Settings{"m-7b"});
    const auto put = [&] {
        const RenderedTemplate prompt = prompts.render({"answer", {{"tone", Template{"tone"}}}});
        const auto used = settings.use<Settings>();
        EXPECT_EQ(prompt.text(), "Answer, be kind.");
        cache.put("q", used->model, {}, {.depends_on = {prompt, used}});
        EXPECT_TRUE(cache.get("q"));
    };
    put();
    EXPECT_EQ(cache.list()[0].depends_on.size(), 3U);
    prompts.define({.identifier = "tone"}, "be brief");
    EXPECT_EQ(miss(cache, "q"), MissReason::outdated) << "a nested template counts";
    prompts.define({.identifier = "tone"}, "be kind");
    EXPECT_EQ(miss(cache, "q"), MissReason::outdated) << "the same text again is another revision";
    put();
    settings.define(Settings{"m-8b"});
    EXPECT_EQ(miss(cache, "q"), MissReason::outdated);
    put();
    settings.define(Settings{"m-8b"});
    EXPECT_TRUE(cache.get("q")) << "what is the same is no new revision";
    prompts.remove("answer");
    EXPECT_EQ(miss(cache, "q"), MissReason::outdated) << "nor is there any now";
}

TEST_P(CacheDependencies, that_there_was_none_is_a_version_too) {
    SemanticCache cache = open();
    TemplatesRepository prompts = templates();
    ConfigurationRepository settings = configurations();
    const RenderedTemplate prompt = prompts.render({"answer"}, {}, "built in");
    EXPECT_EQ(prompt.text(), "built in");
    const auto used = settings.use<Settings>();
    EXPECT_FALSE(used);
    cache.put("by prompt", "r", {}, {.depends_on = {prompt}});
    cache.put("by settings", "r", {}, {.depends_on = {used}});
    EXPECT_TRUE(cache.get("by prompt"));
    prompts.define({.identifier = "answer"}, "written");
    EXPECT_EQ(miss(cache, "by prompt"), MissReason::outdated);
    EXPECT_TRUE(cache.get("by settings"));
    settings.define(Settings{"m"});
    EXPECT_EQ(miss(cache, "by settings"), MissReason::outdated);
}

TEST_P(CacheDependencies, what_a_label_chose_is_outdated_by_the_label_alone) {
    SemanticCache cache = open();
    TemplatesRepository prompts = templates();
    const std::optional<Timestamp> first = prompts.define({.identifier = "answer"}, "one");
    labels().move({{LabelStore::templates, "answer", "production", first}});
    const auto live = prompts.at(RevisionSelector::labelled("production"));
    cache.put("q", "r", {}, {.depends_on = {live.render({"answer"})}});
    EXPECT_EQ(cache.list()[0].depends_on[0].kind, "template:production");
    EXPECT_TRUE(cache.get("q"));
    const std::optional<Timestamp> second = prompts.define({.identifier = "answer"}, "two");
    EXPECT_TRUE(cache.get("q")) << "the label is where it was";
    labels().move({{LabelStore::templates, "answer", "production", second}});
    EXPECT_EQ(miss(cache, "q"), MissReason::outdated);
    labels().move({{LabelStore::templates, "answer", "production", first}});
    EXPECT_TRUE(cache.get("q")) << "and back";
    labels().remove({{LabelStore::templates, "answer", "production"}});
    EXPECT_EQ(miss(cache, "q"), MissReason::outdated);
    EXPECT_THAT(prompts.at(RevisionSelector::exactly(*first)).render({"answer"}).used, IsEmpty())
        << "what never changes outdates nothing";
}

TEST_P(CacheDependencies, a_put_leaves_nothing_of_the_put_before) {
    SemanticCache cache = open();
    cache.put("q", "r", {}, {.depends_on = {{"document", "a", "1"}, {"document", "b", "1"}}});
    cache.put("q", "r", {}, {.depends_on = {{"document", "b", "1"}}});
    EXPECT_THAT(cache.list()[0].depends_on, ElementsAre(Dependency("document", "b", "1")));
    publications().publish("document", "a", "2");
    EXPECT_TRUE(cache.get("q"));
    cache.put("q", "r");
    EXPECT_THAT(cache.list()[0].depends_on, IsEmpty());
    publications().publish("document", "b", "2");
    EXPECT_TRUE(cache.get("q"));
}

TEST_P(CacheDependencies, what_is_outdated_is_listed_as_such_and_swept) {
    SemanticCache cache = open({.default_ttl = 1h});
    for (const char* query : {"one", "two", "three"}) {
        cache.put(query, "r", "acme", {.depends_on = {{"document", query, "1"}, {"document", "all", "1"}}});
    }
    cache.put("other", "r", "zenith", {.depends_on = {{"document", "two", "1"}}});
    cache.put("plain", "r", "acme");
    EXPECT_EQ(cache.remove_outdated(), 0U);
    publications().publish("document", "two", "2");
    std::vector<std::string> outdated;
    for (const CacheEntry& entry : cache.entries({}, {})) {
        if (entry.outdated) outdated.push_back(entry.query);
    }
    EXPECT_THAT(outdated, ElementsAre("other", "two"));
    EXPECT_EQ(cache.remove_outdated(Scope("acme")), 1U);
    EXPECT_EQ(cache.stats().entries, 4);
    EXPECT_EQ(cache.vacuum(), 1U) << "vacuum does it, too";
    publications().publish("document", "all", "2");
    EXPECT_EQ(cache.vacuum(), 2U);
    EXPECT_EQ(cache.list("acme").size(), 1U);
    EXPECT_EQ(cache.stats().expirations, 0);
}

TEST_P(CacheDependencies, more_is_swept_than_one_batch_holds) {
    SemanticCache cache = open(nullptr);
    std::vector<NewAnswer> answers;
    for (int i = 0; i < 1'200; ++i) {
        answers.push_back({"q" + std::to_string(i), "r", {.depends_on = {{"document", "a", "1"}}}});
    }
    EXPECT_EQ(cache.put_many(answers), answers.size());
    publications().publish("document", "a", "2");
    EXPECT_EQ(cache.remove_outdated(), answers.size());
    EXPECT_EQ(cache.stats().entries, 0);
}

TEST_P(CacheDependencies, what_cannot_be_a_dependency_is_refused) {
    SemanticCache cache = open();
    const auto refused = [&](Dependency one) {
        return error_of([&] { cache.put("q", "r", {}, {.depends_on = {std::move(one)}}); });
    };
    EXPECT_EQ(refused({"", "a", "1"}).code, ErrorCode::invalid_argument);
    EXPECT_EQ(refused({"document", "", "1"}).code, ErrorCode::invalid_argument);
    EXPECT_EQ(refused({"document", std::string(1'025, 'x'), "1"}).code, ErrorCode::invalid_argument);
    EXPECT_EQ(refused({"document", "\xff", "1"}).code, ErrorCode::invalid_argument);
    Dependencies many;
    for (int i = 0; i < 101; ++i) many.add({"document", std::to_string(i), "1"});
    EXPECT_EQ(error_of([&] { cache.put("q", "r", {}, {.depends_on = many}); }).code, ErrorCode::limit_exceeded);
    EXPECT_EQ(cache.stats().entries, 0);
    const ErrorInfo own = error_of([&] { publications().publish("template:production", "a", "1"); });
    EXPECT_EQ(own.code, ErrorCode::invalid_argument);
    EXPECT_THAT(own.message, HasSubstr("define 'a' there"));
    EXPECT_EQ(error_of([&] { publications().publish("document", "a", ""); }).code, ErrorCode::invalid_argument);
}

TEST_P(CacheDependencies, publications_are_listed) {
    Publications things = publications();
    things.publish("model", "m", "1");
    things.publish("document", "b", "1");
    things.publish("document", "a", "1");
    std::vector<std::string> names;
    for (const Publication& each : things.list()) names.push_back(each.kind + " " + each.name + " " + each.version);
    EXPECT_THAT(names, ElementsAre("document a 1", "document b 1", "model m 1"));
    EXPECT_EQ(things.list("model").size(), 1U);
    EXPECT_EQ(things.list({}, 2).size(), 2U);
}

}  // namespace
}  // namespace stele
