// Another embedder takes over while the cache is used.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "any_cache.hpp"
#include "base/hash.hpp"
#include "cache/entry_vector.hpp"
#include "stele/reembed.hpp"
#include "stele/semantic_cache.hpp"
#include "stele/testing.hpp"
#include "support/role.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::FakeEmbedder;
using ::testing::HasSubstr;

class CacheReembed : public ::testing::Test {
protected:
    CacheReembed() {
        before->similar("how do i get in?", "how do i reset my password?", 0.95F);
        after->similar("help me in!", "how do i reset my password?", 0.95F);
        // alike to the first embedder only, whose vectors the second must never be compared with
        same_length->similar("how do i get in?", "how do i reset my password?", -0.5F);
    }
    void fill() {
        SemanticCache cache(database, before);
        cache.put("How do I reset my PASSWORD?", "Press reset.", {}, {.metadata = Json::parse("{\"k\":1}")});
        cache.put("other", "r", Scope("acme").with("model", "m"));
        cache.put("third", "r", Scope("acme"));
    }
    /// As another process has it.
    SemanticCache open(const std::shared_ptr<Embedder>& embedder, SemanticCacheOptions options = {}) {
        others.push_back(Database::open(test::undisturbed(server.options())));
        return SemanticCache(others.back(), embedder, options);
    }
    void settle() {
        for (const Database& each : others) test::settle(each);
    }
    std::string text(const std::string& sql) { return database.query(Statement(sql))[0].get<std::string>(0); }
    std::string setting(const std::string& key) {
        return text("SELECT coalesce((SELECT value FROM " + server.schema() + ".schema_meta WHERE key = '" + key +
                    "'), '')");
    }
    std::string shadows() { return text("SELECT count(*)::text FROM " + server.schema() + ".stele_shadow_vectors"); }

    test::Server server;
    Database database = server.open();
    std::deque<Database> others;
    std::shared_ptr<FakeEmbedder> before = std::make_shared<FakeEmbedder>();
    std::shared_ptr<FakeEmbedder> after =
        std::make_shared<FakeEmbedder>(testing::FakeEmbedderOptions{.dimension = 32, .fingerprint = "fake:v2"});
    std::shared_ptr<FakeEmbedder> same_length =
        std::make_shared<FakeEmbedder>(testing::FakeEmbedderOptions{.fingerprint = "fake:v3"});
};

TEST_F(CacheReembed, mneme_157_it_says_how_many_keeps_all_else_and_changes_dimension_and_fingerprint) {
    fill();
    const std::string rest = "SELECT string_agg((to_jsonb(e) - 'embedding')::text, E'\\n' ORDER BY id) FROM " +
                             server.schema() + ".entries e";
    const std::string was = text(rest);
    std::vector<std::uint64_t> told;
    const Reembedded done =
        reembed(database, *after,
                {.batch = 2, .on_progress = [&](const ReembedProgress& progress) { told.push_back(progress.done); }});
    EXPECT_EQ(done.embedded, 3U);
    EXPECT_EQ(done.entries, 3U);
    EXPECT_TRUE(done.switched);
    EXPECT_EQ(done.overlap.sample, 3U);
    EXPECT_THAT(std::vector(told.begin(), told.begin() + 2), ElementsAre(2U, 3U));
    EXPECT_EQ(text(rest), was);
    EXPECT_EQ(setting("embedder_fingerprint"), "fake:v2");
    EXPECT_EQ(setting("embedder_dim"), "32");
    SemanticCache cache = open(after);
    EXPECT_EQ(cache.get("Help me in!").value().response, "Press reset.");
    EXPECT_TRUE(cache.health().healthy);
}

TEST_F(CacheReembed, mneme_157_of_other_namespaces_only_the_wording_finds_entries) {
    fill();
    const Reembedded done = reembed(database, *after, {.namespaces = {"default"}});
    EXPECT_EQ(done.embedded, 1U);
    after->similar("drittens", "third", 0.95F);
    SemanticCache cache = open(after);
    EXPECT_TRUE(cache.get("help me in!"));
    EXPECT_FALSE(cache.get("drittens", Scope("acme")));
    EXPECT_TRUE(cache.get("third", Scope("acme")));
    reembed_back(database);
    EXPECT_EQ(text("SELECT count(*)::text FROM " + server.schema() + ".entries WHERE octet_length(embedding) = 256"),
              "3");
    before->similar("drittens", "third", 0.95F);
    EXPECT_TRUE(open(before).get("drittens", Scope("acme")));
    EXPECT_EQ(reembed(database, *after).embedded, 2U) << "those that had none";
    EXPECT_TRUE(open(after).get("drittens", Scope("acme")));
}

TEST_F(CacheReembed, mneme_157_the_same_fingerprint_is_refused_and_so_is_a_cache_without_vectors) {
    EXPECT_EQ(error_of([&] { reembed(database, *after); }).code, ErrorCode::invalid_argument);
    fill();
    const ErrorInfo refused = error_of([&] { reembed(database, *before); });
    EXPECT_EQ(refused.code, ErrorCode::invalid_argument);
    EXPECT_THAT(refused.message, HasSubstr("must differ"));
}

TEST_F(CacheReembed, mneme_157_what_was_begun_with_a_third_embedder_is_overwritten_when_that_is_said) {
    fill();
    reembed(database, *same_length, {.switch_over = false});
    const ErrorInfo refused = error_of([&] { reembed(database, *after); });
    EXPECT_EQ(refused.code, ErrorCode::invalid_argument);
    EXPECT_THAT(refused.message, AllOf(HasSubstr("fake:v3"), HasSubstr("--start-over")));
    EXPECT_EQ(reembed(database, *after, {.start_over = true}).embedded, 3U);
    EXPECT_TRUE(open(after).get("help me in!"));
}

TEST_F(CacheReembed, the_text_that_serving_embeds_is_embedded_normalised_or_as_it_was_written) {
    fill();
    SemanticCacheOptions as_written;
    as_written.normalize = false;
    SemanticCache(database, before, as_written).put("As  I Wrote", "r", Scope("raw"));
    SemanticCache(database, before, {.fold_case = false}).put("in  Capitals", "r", Scope("raw"));
    reembed(database, *after);
    EXPECT_THAT(after->texts(), ::testing::UnorderedElementsAre("how do i reset my password?", "other", "third",
                                                                "As  I Wrote", "in Capitals"));
}

TEST_F(CacheReembed, vectors_are_of_unit_length_and_as_long_as_the_new_embedders) {
    fill();
    reembed(database, *after);
    for (const Row& row : database.query(Statement("SELECT embedding FROM " + server.schema() + ".entries"))) {
        const auto bytes = row.get<std::span<const std::byte>>(0);
        ASSERT_EQ(bytes.size(), 32 * sizeof(float));
        std::vector<float> stored(32);
        std::memcpy(stored.data(), bytes.data(), bytes.size());
        float sum = 0;
        for (const float each : stored) sum += each * each;
        EXPECT_NEAR(sum, 1.0F, 1e-5F);
    }
}

TEST_F(CacheReembed, it_goes_on_where_it_was_ended) {
    fill();
    struct Stop {};
    EXPECT_THROW(reembed(database, *after, {.batch = 1, .on_progress = [](const ReembedProgress&) { throw Stop(); }}),
                 Stop);
    const ReembedStatus status = reembed_status(database).value();
    EXPECT_EQ(status.embedder, "fake:v2");
    EXPECT_EQ(status.embedder_before, "fake:v1");
    EXPECT_FALSE(status.switched);
    EXPECT_EQ(status.done, 1U);
    EXPECT_EQ(status.all, 3U);
    EXPECT_TRUE(open(before).get("how do i get in?")) << "nothing has changed for anybody";

    after->fail(1);
    EXPECT_EQ(error_of([&] { reembed(database, *after); }).code, ErrorCode::embedder_failed);
    EXPECT_EQ(error_of([&] { reembed(database, *after, {.deadline = Deadline::after(0s)}); }).code,
              ErrorCode::deadline_exceeded);
    EXPECT_EQ(reembed(database, *after).embedded, 2U);
}

TEST_F(CacheReembed, what_is_put_replaced_and_removed_meanwhile_is_right_after_the_switch) {
    fill();
    SemanticCache cache = open(before);
    int batches = 0;
    after->similar("neu?", "put meanwhile", 0.95F);
    reembed(database, *after, {.batch = 1, .on_progress = [&](const ReembedProgress& progress) {
                                   if (progress.phase != ReembedPhase::embedding || ++batches != 2) return;
                                   cache.put("put meanwhile", "new");
                                   cache.put("how do i reset my password?", "Replaced.");
                                   cache.remove("third", Scope("acme"));
                               }});
    SemanticCache now = open(after);
    EXPECT_EQ(now.get("neu?").value().response, "new");
    EXPECT_EQ(now.get("help me in!").value().response, "Replaced.");
    EXPECT_FALSE(now.get("third", Scope("acme")));
}

TEST_F(CacheReembed, a_cache_with_the_embedder_before_never_compares_with_the_new_vectors) {
    fill();
    SemanticCache cache = open(before);
    ASSERT_EQ(cache.get("how do i get in?").value().layer, HitLayer::semantic);
    before->similar("anything", "how do i reset my password?", 0.99F);
    reembed(database, *same_length);

    // before it knows of the switch
    EXPECT_FALSE(cache.get("how do i get in?"));
    EXPECT_EQ(cache.stats().embedder_failures, 1);
    EXPECT_EQ(cache.look_up("anything").miss, MissReason::embedder_failure);
    settle();
    EXPECT_EQ(cache.look_up("anything").miss, MissReason::embedder_failure);
    EXPECT_EQ(cache.get("how do i reset my password?").value().response, "Press reset.") << "by its wording";
    const ErrorInfo refused = error_of([&] { cache.put("new", "r"); });
    EXPECT_EQ(refused.code, ErrorCode::fingerprint_mismatch);
    EXPECT_THAT(refused.message, AllOf(HasSubstr("fake:v3"), HasSubstr("open it again")));
    EXPECT_EQ(text("SELECT count(*)::text FROM " + server.schema() + ".entries WHERE query = 'new'"), "0");
    EXPECT_EQ(error_of([&] { open(before); }).code, ErrorCode::fingerprint_mismatch);
}

TEST_F(CacheReembed, after_the_way_back_the_cache_with_the_embedder_before_goes_on) {
    fill();
    SemanticCache cache = open(before);
    reembed(database, *same_length);
    settle();
    EXPECT_FALSE(cache.get("how do i get in?"));
    EXPECT_EQ(open(same_length).stats().entries, 3);
    open(same_length).put("since", "r");
    EXPECT_EQ(reembed_back(database), 3U);
    EXPECT_EQ(setting("embedder_fingerprint"), "fake:v1");
    cache.put("back again", "r");
    settle();
    EXPECT_EQ(cache.get("how do i get in?").value().layer, HitLayer::semantic);
    EXPECT_TRUE(cache.get("since")) << "by its wording";

    const Reembedded again = reembed(database, *same_length);
    EXPECT_EQ(again.embedded, 1U) << "the others' vectors were kept";
    EXPECT_TRUE(again.switched);
}

TEST_F(CacheReembed, a_transaction_with_vectors_of_before_does_not_commit_after_the_switch) {
    fill();
    SemanticCache cache = open(before);
    Transaction transaction = others.back().begin();
    cache.in(transaction).put("inside", "r");
    reembed(database, *same_length);
    const ErrorInfo failed = error_of([&] { transaction.commit(); });
    EXPECT_EQ(failed.code, ErrorCode::serialization);
    EXPECT_EQ(failed.retry, Retry::transaction);
    Transaction next = others.back().begin();
    EXPECT_EQ(error_of([&] { cache.in(next).put("inside", "r"); }).code, ErrorCode::fingerprint_mismatch);
    EXPECT_FALSE(cache.in(next).get("how do i get in?"));
    next.rollback();
    EXPECT_EQ(text("SELECT count(*)::text FROM " + server.schema() + ".entries WHERE query = 'inside'"), "0");
}

TEST_F(CacheReembed, a_caller_who_brings_vectors_of_the_length_before_is_told) {
    fill();
    SemanticCache cache = open(nullptr);
    const std::vector<float> vector = before->embed_one("x", Deadline::never()).vector;
    cache.put("x", "r", {}, {.embedding = vector});
    reembed(database, *after);
    settle();
    EXPECT_EQ(error_of([&] { cache.put("y", "r", {}, {.embedding = vector}); }).code, ErrorCode::fingerprint_mismatch);
    EXPECT_EQ(cache.look_up("z", {}, {.embedding = vector, .similarity_threshold = 0.5F}).miss,
              MissReason::embedder_failure);
}

TEST_F(CacheReembed, questions_that_the_new_embedder_cuts_are_found_by_their_wording) {
    fill();
    after->cut_beyond(10);
    const Reembedded done = reembed(database, *after);
    EXPECT_EQ(done.cut, 1U);
    EXPECT_EQ(done.entries, 3U);
    EXPECT_EQ(text("SELECT count(*)::text FROM " + server.schema() + ".entries WHERE octet_length(embedding) = 128"),
              "3");
    after->cut_beyond(1000);
    EXPECT_FALSE(open(after).get("help me in!"));
}

TEST_F(CacheReembed, too_little_in_common_keeps_it_from_the_switch) {
    SemanticCache cache(database, before);
    for (int i = 0; i < 30; ++i) cache.put("question " + std::to_string(i), "r");
    const ErrorInfo refused = error_of([&] { reembed(database, *after, {.min_overlap = 0.99}); });
    EXPECT_EQ(refused.code, ErrorCode::invalid_argument);
    EXPECT_THAT(refused.message, HasSubstr("nothing was switched"));
    EXPECT_EQ(setting("embedder_fingerprint"), "fake:v1");
    const Reembedded done = reembed(database, *after);
    EXPECT_EQ(done.embedded, 0U);
    EXPECT_EQ(done.overlap.sample, 30U);
    EXPECT_LT(done.overlap.nearest_ten, 0.9);
}

TEST_F(CacheReembed, pairs_find_the_threshold_of_the_new_embedder) {
    fill();
    const Reembedded done =
        reembed(database, *after,
                {.pairs = {{"help me in!", "how do i reset my password?", true}, {"other", "third", false}},
                 .switch_over = false});
    EXPECT_FALSE(done.switched);
    EXPECT_EQ(done.calibration.value().best.value().f1, 1.0);
}

TEST_F(CacheReembed, finishing_gives_up_the_way_back_and_cancelling_what_was_made) {
    fill();
    EXPECT_FALSE(reembed_cancel(database));
    EXPECT_EQ(error_of([&] { reembed_finish(database); }).code, ErrorCode::invalid_argument);
    reembed(database, *after, {.switch_over = false});
    EXPECT_EQ(error_of([&] { reembed_back(database); }).code, ErrorCode::invalid_argument);
    EXPECT_TRUE(reembed_cancel(database));
    EXPECT_EQ(shadows(), "0");
    EXPECT_FALSE(reembed_status(database));

    reembed(database, *after);
    EXPECT_TRUE(reembed_status(database).value().switched);
    EXPECT_EQ(error_of([&] { reembed_cancel(database); }).code, ErrorCode::invalid_argument);
    EXPECT_THAT(error_of([&] { reembed(database, *same_length); }).message, HasSubstr("--finish"));
    reembed_finish(database);
    EXPECT_EQ(shadows(), "0");
    EXPECT_FALSE(reembed_status(database));
    EXPECT_EQ(error_of([&] { reembed_back(database); }).code, ErrorCode::invalid_argument);
    reembed(database, *same_length);
    EXPECT_EQ(setting("embedder_fingerprint"), "fake:v3");
}

TEST_F(CacheReembed, a_role_with_rights_on_data_alone_does_all_of_it) {
    fill();
    test::Role role(database, "embedder_" + server.schema());
    role.execute("GRANT USAGE ON SCHEMA " + server.schema() + " TO " + role.name());
    role.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + server.schema() + " TO " +
                 role.name());
    role.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA " + server.schema() + " TO " + role.name());
    DatabaseOptions options = role.assumed(server.options());
    options.migrate = false;
    Database as_role = Database::open(options);
    EXPECT_TRUE(reembed(as_role, *after).switched);
    EXPECT_EQ(reembed_back(as_role), 3U);
    EXPECT_TRUE(reembed(as_role, *after).switched);
    reembed_finish(as_role);
}

TEST_F(CacheReembed, pythons_readers_read_everything_again_after_the_switch) {
    fill();
    const auto version = [&] {
        return std::stoll(
            text("SELECT value FROM " + server.schema() + ".multi_process_state WHERE key = 'version_counter'"));
    };
    const auto was = version();
    reembed(database, *after);
    EXPECT_GE(version(), was + 100);
}

TEST_F(CacheReembed, no_more_texts_a_second_than_asked) {
    fill();
    const auto began = std::chrono::steady_clock::now();
    reembed(database, *after, {.batch = 1, .texts_per_second = 20, .switch_over = false});
    EXPECT_GE(std::chrono::steady_clock::now() - began, 100ms) << "the second waits for the first, and so on";
    EXPECT_EQ(error_of([&] { reembed(database, *after, {.texts_per_second = 0}); }).code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace stele
