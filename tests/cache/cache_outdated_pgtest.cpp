// What answers were made from, and what tenants have settled, where answers are computed once, renewed, put together
// or looked for in other formats: on a database and in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cache/any_cache.hpp"
#include "cache/given.hpp"
#include "stele/publications.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::On;
using test::writes;
using ::testing::ElementsAre;

class CacheOutdated : public test::AnyCache {
protected:
    Publications publications() { return database ? Publications(*database) : Publications(memory); }
    static ComputeOptions made_from(const std::string& version) {
        ComputeOptions options;
        options.depends_on = {{"document", "terms", version}};
        return options;
    }
};

INSTANTIATE_TEST_SUITE_P(Cache, CacheOutdated, ::testing::Values(On::database, On::memory), test::name_of);

TEST_P(CacheOutdated, an_outdated_answer_is_computed_anew) {
    SemanticCache cache = open();
    Publications things = publications();
    things.publish("document", "terms", "7");
    ComputeOptions options = made_from("7");
    options.tags = {"legal"};
    EXPECT_EQ(cache.get_or_compute("May I?", {}, writes("Yes."), options).kept, Kept::stored);
    EXPECT_EQ(cache.get_or_compute("May I?", {}, writes("No."), options).response, "Yes.");
    ASSERT_EQ(cache.list().size(), 1U);
    EXPECT_THAT(cache.list()[0].tags, ElementsAre("legal"));
    things.publish("document", "terms", "8");
    const ComputedAnswer anew = cache.get_or_compute("May I?", {}, writes("No."), made_from("8"));
    EXPECT_EQ(anew.response, "No.");
    EXPECT_EQ(anew.source, AnswerSource::computed);
    EXPECT_EQ(anew.kept, Kept::stored);
    EXPECT_EQ(cache.get("May I?")->response, "No.");
    EXPECT_EQ(cache.remove_tagged("legal"), 0U) << "the tags of the answer before are gone";
    ComputeOptions wrong;
    wrong.tags = {""};
    EXPECT_EQ(error_of([&] { cache.get_or_compute("q", {}, writes("a"), wrong); }).code, ErrorCode::invalid_argument);
}

TEST_P(CacheOutdated, an_old_answer_that_is_outdated_is_not_served_while_it_is_renewed) {
    std::vector<std::function<void()>> tasks;
    SemanticCacheOptions renewing;
    renewing.default_ttl = 100s;
    renewing.serve_stale = 60s;
    renewing.background = [&tasks](std::function<void()> task) { tasks.push_back(std::move(task)); };
    SemanticCache cache = open(renewing);
    Publications things = publications();
    things.publish("document", "terms", "7");
    cache.get_or_compute("May I?", {}, writes("Yes."), made_from("7"));
    pass(130s);
    EXPECT_EQ(cache.get_or_compute("May I?", {}, writes("No."), made_from("8")).response, "Yes.");
    ASSERT_EQ(tasks.size(), 1U);
    tasks.clear();
    things.publish("document", "terms", "8");
    ComputeOptions patient = made_from("8");
    patient.stale_if_error = 60s;
    const auto fails = [](AnswerSink&) { throw std::runtime_error("no model"); };
    EXPECT_THROW(cache.get_or_compute("May I?", {}, fails, patient), std::runtime_error);
    const ComputedAnswer anew = cache.get_or_compute("May I?", {}, writes("No."), made_from("8"));
    EXPECT_EQ(anew.response, "No.");
    EXPECT_EQ(anew.source, AnswerSource::computed);
    EXPECT_TRUE(tasks.empty());
}

TEST_P(CacheOutdated, what_is_skipped_is_computed_each_time_and_not_stored) {
    SemanticCacheOptions short_ones;
    short_ones.skip.max_turns = 3;
    SemanticCache cache = open(short_ones);
    ComputeOptions long_one;
    long_one.turns = 4;
    const ComputedAnswer first = cache.get_or_compute("And then?", {}, writes("one"), long_one);
    EXPECT_EQ(first.response, "one");
    EXPECT_EQ(first.kept, Kept::unwanted);
    EXPECT_EQ(cache.get_or_compute("And then?", {}, writes("two"), long_one).response, "two");
    EXPECT_EQ(cache.stats().entries, 0);
    EXPECT_EQ(cache.stats().skipped, 2);
    EXPECT_EQ(cache.get_or_compute("And then?", {}, writes("three")).kept, Kept::stored);
    EXPECT_EQ(cache.get_or_compute("And then?", {}, writes("four"), long_one).response, "four") << "nor looked up";
}

TEST_P(CacheOutdated, a_tenants_lifetime_is_that_of_all_ways_to_put) {
    SemanticCacheOptions options;
    options.default_ttl = 1'000s;
    options.ttl_jitter = 0.5f;
    SemanticCache cache = open(options);
    cache.set_policy("acme", {.default_ttl = 77s});
    const Scope acme("acme");
    cache.put("plain", "a", acme);
    cache.put("tagged", "a", acme, {.tags = {"t"}});
    cache.get_or_compute("computed", acme, writes("a"));
    const NewAnswer many[] = {{"one of many", "a"}, {"another", "a", {.tags = {"t"}}}};
    EXPECT_EQ(cache.put_many(many, acme), 2U);
    ASSERT_EQ(cache.list(acme).size(), 5U);
    for (const CacheEntry& entry : cache.list(acme)) EXPECT_EQ(entry.ttl, 77s) << entry.query;
    const NewAnswer forever{"for ever", "a", {.never_expires = true}};
    cache.put_many({&forever, 1}, acme);
    EXPECT_FALSE(cache.list(acme, 1)[0].ttl);

    cache.put("jittered", "a", "other");
    const auto alone = cache.list("other")[0].ttl;
    ASSERT_TRUE(alone);
    EXPECT_LT(*alone, 1'000s);
    const NewAnswer again{"jittered", "b"};
    cache.put_many({&again, 1}, "other");
    EXPECT_EQ(cache.list("other")[0].ttl, alone) << "the question says by how much";
}

TEST_P(CacheOutdated, many_are_looked_for_in_every_format) {
    embedder->similar("where can i find it?", "where is it?", 0.95f);
    for (const VectorFormat format : {VectorFormat::float32, VectorFormat::float16, VectorFormat::int8}) {
        SemanticCacheOptions options;
        options.similarity_threshold = 0.8f;
        options.vector_format = format;
        SemanticCache cache = open(options);
        cache.put("Where is it?", "Here.");
        const std::vector<std::string> asked = {"Where can I find it?", "Something else entirely"};
        const std::vector<ManyLookup> found = cache.get_many(asked);
        const std::optional<Hit> alone = cache.get(asked[0]);
        ASSERT_TRUE(alone);
        ASSERT_TRUE(found[0].lookup.hit) << to_string(format);
        EXPECT_EQ(found[0].lookup.hit->similarity, alone->similarity) << to_string(format);
        EXPECT_EQ(found[1].lookup.miss, MissReason::below_threshold);
    }
}

}  // namespace
}  // namespace stele
