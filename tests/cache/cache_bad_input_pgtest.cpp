// Each bad input gives one clear error and loses nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "cache/any_cache.hpp"
#include "stele/semantic_cache.hpp"
#include "stele/testing.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::Server;
using test::server_dsn;
using ::testing::AllOf;
using testing::FakeEmbedder;
using testing::FakeEmbedderOptions;
using ::testing::HasSubstr;
using ::testing::Not;

class CacheBadInput : public test::AnyCache {
protected:
    SemanticCache cache = open();
};

INSTANTIATE_TEST_SUITE_P(Cache, CacheBadInput, ::testing::Values(test::On::database, test::On::memory), test::name_of);

TEST_P(CacheBadInput, mneme_078_079_a_vector_of_another_length_is_refused_on_put_and_a_miss_on_get) {
    const std::vector<float> wrong(63, 1.0f);
    const ErrorInfo error = error_of([&] { cache.put("q", "a", {}, {.embedding = wrong}); });
    EXPECT_EQ(error.code, ErrorCode::dimension_mismatch);
    EXPECT_THAT(error.message, AllOf(HasSubstr("63"), HasSubstr("64")));
    EXPECT_EQ(cache.look_up("q", {}, {.embedding = wrong}).miss, MissReason::dim_mismatch);
    EXPECT_EQ(cache.stats().misses, 1);
}

TEST_P(CacheBadInput, a_vector_that_is_nan_infinite_or_zero_is_refused) {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 0.0f}) {
        std::vector<float> vector(64, 0.0f);
        vector[5] = bad;
        EXPECT_EQ(error_of([&] { cache.put("q", "a", {}, {.embedding = vector}); }).code, ErrorCode::invalid_argument);
        EXPECT_EQ(error_of([&] { cache.get("q", {}, {.embedding = vector}); }).code, ErrorCode::invalid_argument);
    }
    EXPECT_EQ(cache.stats().entries, 0);
}

TEST_P(CacheBadInput, text_with_nul_or_invalid_utf8_is_refused_by_name) {
    const std::string nul("a\0b", 3);
    EXPECT_THAT(error_of([&] { cache.put(nul, "a"); }).message, HasSubstr("query"));
    EXPECT_THAT(error_of([&] { cache.put("q", nul); }).message, HasSubstr("response"));
    EXPECT_EQ(error_of([&] { cache.get("\xc3\x28"); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { cache.remove("\xc3\x28"); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { cache.put("q", "\xff"); }).code, ErrorCode::invalid_argument);
}

TEST_P(CacheBadInput, mneme_108_109_110_what_is_too_long_is_refused_before_anything_is_embedded) {
    EXPECT_THAT(error_of([&] { cache.put(std::string(32'769, 'q'), "a"); }).message,
                AllOf(HasSubstr("32769"), HasSubstr("max_query_bytes")));
    EXPECT_THAT(error_of([&] { cache.put("q", std::string(4'194'305, 'a')); }).message,
                HasSubstr("max_response_bytes"));
    PutOptions options;
    options.metadata = Json::parse("{\"k\":\"" + std::string(65'536, 'm') + "\"}");
    const ErrorInfo error = error_of([&] { cache.put("q", "a", {}, options); });
    EXPECT_THAT(error.message, HasSubstr("max_metadata_bytes"));
    EXPECT_EQ(error.code, ErrorCode::limit_exceeded);
    EXPECT_EQ(embedder->calls(), 0u);
    EXPECT_NO_THROW(cache.put(std::string(32'768, 'q'), std::string(4'194'304, 'a')));
}

TEST_P(CacheBadInput, options_that_make_no_sense_are_refused) {
    EXPECT_EQ(error_of([&] { cache.put("q", "a", {}, {.ttl = 0s}); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { cache.put("q", "a", {}, {.metadata = Json::parse("[1]")}); }).code,
              ErrorCode::invalid_argument);
    for (const float threshold : {-1.5f, 1.5f, std::numeric_limits<float>::quiet_NaN()}) {
        EXPECT_EQ(error_of([&] { cache.get("q", {}, {.similarity_threshold = threshold}); }).code,
                  ErrorCode::invalid_argument);
        EXPECT_EQ(error_of([&] { open(embedder, {.similarity_threshold = threshold}); }).code,
                  ErrorCode::invalid_argument);
    }
}

TEST_P(CacheBadInput, a_lifetime_of_more_than_a_century_is_refused_and_so_is_a_default_that_no_put_could_have) {
    constexpr auto kCentury = std::chrono::hours(24) * 36'525;
    const ErrorInfo error = error_of([&] { cache.put("q", "a", {}, {.ttl = kCentury + 1s}); });
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    EXPECT_THAT(error.message, AllOf(HasSubstr("3155760001"), HasSubstr("100 years")));
    EXPECT_EQ(error_of([&] { cache.put("q", "a", {}, {.ttl = std::chrono::seconds::max()}); }).code,
              ErrorCode::invalid_argument);
    for (const std::chrono::seconds ttl : {0s, -1s, std::chrono::seconds::max()}) {
        EXPECT_EQ(error_of([&] { open(embedder, {.default_ttl = ttl}); }).code, ErrorCode::invalid_argument);
    }
    cache.put("q", "a", {}, {.ttl = kCentury});
    EXPECT_TRUE(cache.get("q"));
}

TEST_P(CacheBadInput, mneme_016_054_another_embedders_tables_are_refused_with_both_names) {
    const ErrorInfo error =
        error_of([&] { open(std::make_shared<FakeEmbedder>(FakeEmbedderOptions{.fingerprint = "fake:v2"})); });
    EXPECT_EQ(error.code, ErrorCode::fingerprint_mismatch);
    EXPECT_THAT(error.message, AllOf(HasSubstr("fake:v1"), HasSubstr("fake:v2"), HasSubstr("reembed")));
}

TEST_P(CacheBadInput, mneme_017_055_120_the_same_embedder_with_another_dimension_is_refused) {
    const ErrorInfo error = error_of(
        [&] { open(std::make_shared<FakeEmbedder>(FakeEmbedderOptions{.dimension = 32, .fingerprint = "fake:v1"})); });
    EXPECT_EQ(error.code, ErrorCode::dimension_mismatch);
    EXPECT_THAT(error.message, AllOf(HasSubstr("64"), HasSubstr("32")));
}

class CacheBadInputTest : public ::testing::Test {
protected:
    Server server;
    Database database = server.open();
    std::shared_ptr<FakeEmbedder> embedder = std::make_shared<FakeEmbedder>();
    SemanticCache cache{database, embedder};
};

TEST_F(CacheBadInputTest, a_lifetime_beyond_all_bounds_that_another_writer_stored_disturbs_nothing) {
    embedder->similar("paraphrase", "question", 0.95f);
    cache.put("question", "answer");
    cache.put("neighbour", "answer", {}, {.ttl = 60s});
    database.execute(
        Statement("UPDATE " + server.schema() + ".entries SET ttl = 9223372036854775807 WHERE query = 'question'"));
    EXPECT_TRUE(cache.get("question"));
    EXPECT_TRUE(cache.get("paraphrase"));
    EXPECT_TRUE(cache.get("neighbour"));
    EXPECT_EQ(cache.stats().entries, 2);
    EXPECT_EQ(cache.list().size(), 2u);
}

TEST_F(CacheBadInputTest, a_wrong_embedder_that_opens_first_does_not_lock_out_the_right_one) {
    const std::string meta = server.schema() + ".schema_meta";
    // an opener that died between mneme's two writes
    database.execute(Statement("DELETE FROM " + meta + " WHERE key = 'embedder_dim'"));
    EXPECT_EQ(error_of([&] {
                  SemanticCache(database, std::make_shared<FakeEmbedder>(
                                              FakeEmbedderOptions{.dimension = 32, .fingerprint = "fake:v2"}));
              }).code,
              ErrorCode::fingerprint_mismatch);
    EXPECT_NO_THROW(SemanticCache(database, embedder).put("q", "a"));

    database.execute(Statement("DELETE FROM " + meta + " WHERE key = 'embedder_fingerprint'"));
    EXPECT_EQ(error_of([&] {
                  SemanticCache(database, std::make_shared<FakeEmbedder>(
                                              FakeEmbedderOptions{.dimension = 32, .fingerprint = "fake:v2"}));
              }).code,
              ErrorCode::dimension_mismatch);
    EXPECT_NO_THROW(SemanticCache(database, embedder).put("q", "a"));
}

TEST_F(CacheBadInputTest, what_others_stored_without_a_usable_vector_is_never_served_by_meaning) {
    const std::string entries = server.schema() + ".entries";
    for (const auto& [hash, bytes] : {std::pair{"h1", Bytes(64 * 4)}, std::pair{"h2", Bytes(3)},
                                      std::pair{"h3", Bytes(64 * 4, std::byte{0xff})}}) {  // zero, too short, NaN
        database.execute(Statement("INSERT INTO " + entries +
                                       " (namespace, query_hash, query, response, embedding, metadata, created_at,"
                                       " last_accessed_at) VALUES ('default', $1, 'q', 'bad', $2, '{}', 0, 0)",
                                   hash, bytes));
    }
    EXPECT_FALSE(cache.get("anything", {}, {.similarity_threshold = -1.0f}));
}

TEST(BadServer, mneme_059_an_unreachable_server_a_wrong_password_and_a_wrong_database_say_so_without_the_password) {
    DatabaseOptions options;
    options.call_timeout = 2s;
    const auto open = [&options](const std::string& dsn) {
        options.dsn = dsn;
        const ErrorInfo error = error_of([&] { Database::open(options); });
        EXPECT_THAT(Error(error).what(), Not(HasSubstr("s3cret"))) << dsn;
        return error;
    };
    EXPECT_EQ(open("postgresql://me:s3cret@127.0.0.1:1/db").code, ErrorCode::unavailable);
    EXPECT_THAT(open("postgresql://me:s3cret@127.0.0.1:1/db").message, HasSubstr("me@127.0.0.1:1/db"));
    EXPECT_EQ(open("host=/nonexistent user=me password=s3cret dbname=db").code, ErrorCode::unavailable);
    EXPECT_EQ(open(server_dsn() + " dbname=no_such_database password=s3cret").code, ErrorCode::database_missing);
    EXPECT_EQ(open(server_dsn() + " user=no_such_role password=s3cret").code, ErrorCode::authentication);
    EXPECT_EQ(open("nonsense s3cret").code, ErrorCode::invalid_argument);
}

TEST(BadServer, a_role_without_rights_is_told_what_it_lacks_and_one_with_data_rights_works) {
    Server server;
    Database owner = server.open();
    const std::string role = server.schema() + "_role";
    owner.execute(Statement("CREATE ROLE " + role + " LOGIN"));
    DatabaseOptions options = server.options();
    options.dsn += " user=" + role;
    const ErrorInfo denied = error_of([&] { SemanticCache(Database::open(options), nullptr).put("q", "a"); });
    EXPECT_EQ(denied.code, ErrorCode::permission);

    owner.execute(Statement("GRANT USAGE ON SCHEMA " + server.schema() + " TO " + role));
    owner.execute(
        Statement("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + server.schema() + " TO " + role));
    owner.execute(Statement("GRANT USAGE ON ALL SEQUENCES IN SCHEMA " + server.schema() + " TO " + role));
    {
        SemanticCache cache(Database::open(options), std::make_shared<FakeEmbedder>());
        cache.put("q", "a", Scope("t").with("model", "m"));
        EXPECT_TRUE(cache.get("q", Scope("t").with("model", "m")));
    }
    owner.execute(Statement("DROP OWNED BY " + role));
    owner.execute(Statement("DROP ROLE " + role));
}

}  // namespace
}  // namespace stele
