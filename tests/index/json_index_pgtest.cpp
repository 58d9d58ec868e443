// An index of JSON documents, of no described type, and the list of indexes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "index/any_index.hpp"
#include "stele/index_tables.hpp"

namespace stele::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string text_of(const Json& document) {
    return document.text();
}

class JsonIndex : public ::testing::TestWithParam<On> {
protected:
    VectorIndex<Json> open(VectorIndexOptions options) {
        if (GetParam() == On::memory) return VectorIndex<Json>::in_memory(memory, embedder, std::move(options));
        if (!database) database = server.open();
        return VectorIndex<Json>(*database, embedder, std::move(options));
    }

    Server server;
    std::optional<Database> database;
    MemoryDatabase memory;
    std::shared_ptr<stele::testing::FakeEmbedder> embedder = std::make_shared<stele::testing::FakeEmbedder>();
};

INSTANTIATE_TEST_SUITE_P(Indexes, JsonIndex, ::testing::Values(On::database, On::memory), name_of);

TEST_P(JsonIndex, keeps_documents_of_any_shape_with_every_digit) {
    VectorIndex<Json> index = open({.table = "things"});
    const Json first = Json::parse(R"({"n": 12345678901234567890.5})"), second = Json::parse("[1, 2]");
    index.index({first, second}, text_of);
    const auto found = index.newest();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_TRUE(same_value(found[0].value, second));
    EXPECT_TRUE(same_value(found[1].value, first));
    EXPECT_THAT(found[1].value.text(), HasSubstr("12345678901234567890.5"));
}

TEST_P(JsonIndex, is_searched_and_filtered_by_paths) {
    VectorIndex<Json> index = open({.table = "things"});
    index.index({Json::parse(R"({"a":{"b":1}})"), Json::parse(R"({"a":{"b":2}})"), Json::parse("{}")}, text_of);
    EXPECT_EQ(index.count(json_field("a.b") >= 1), 2U);
    const auto found = index.search("any", {.where = FilterOf<Json>(Filter::parse("a.b = 2"))});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_TRUE(same_value(found[0].value, Json::parse(R"({"a":{"b":2}})")));
    EXPECT_EQ(index.remove(json_field("a").exists()), 2U);
    EXPECT_EQ(index.count(), 1U);
}

TEST_P(JsonIndex, needs_the_name_of_its_table) {
    try {
        open({});
        FAIL() << "it has no name";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
        EXPECT_THAT(error.what(), HasSubstr("VectorIndexOptions::table"));
    }
}

TEST(IndexTables, lists_what_was_made_and_nothing_else) {
    const Server server;
    Database database = server.open();
    EXPECT_THAT(index_tables(database), IsEmpty());
    const auto embedder = std::make_shared<stele::testing::FakeEmbedder>();
    VectorIndex<Json> documents(database, embedder,
                                {.table = "Odd \"name\"", .type = VectorType::halfvec, .ann = AnnIndex::hnsw});
    documents.create();
    documents.create();  // is there
    VectorIndex<Json>(database, nullptr, {.table = "ready"}).create(3);

    const auto tables = index_tables(database);
    ASSERT_EQ(tables.size(), 2U);
    EXPECT_EQ(tables[0].table, "Odd \"name\"");
    EXPECT_EQ(tables[0].dimension, 64U);
    EXPECT_EQ(tables[0].type, VectorType::halfvec);
    EXPECT_EQ(tables[0].ann, AnnIndex::hnsw);
    EXPECT_EQ(tables[0].fingerprint, embedder->fingerprint());
    EXPECT_TRUE(tables[0].keyed);
    EXPECT_GT(tables[0].bytes, 0U);
    EXPECT_EQ(tables[1].table, "ready");
    EXPECT_EQ(tables[1].dimension, 3U);
    EXPECT_EQ(tables[1].fingerprint, "");
    EXPECT_EQ(tables[1].ann, AnnIndex::none);
}

TEST(IndexTables, are_made_for_one_embedder_only) {
    const Server server;
    Database database = server.open();
    VectorIndex<Json> index(database, std::make_shared<stele::testing::FakeEmbedder>(), {.table = "t"});
    EXPECT_THROW(index.create(3), Error);
    index.create();
    const auto other = std::make_shared<stele::testing::FakeEmbedder>(
        stele::testing::FakeEmbedderOptions{.fingerprint = "fake:v2", .threshold = {}});
    EXPECT_THROW(VectorIndex<Json>(database, other, {.table = "t"}).create(), Error);
    EXPECT_THROW(VectorIndex<Json>(database, nullptr, {.table = "u"}).create(), Error);
    EXPECT_EQ(index_tables(database).size(), 1U);
}

}  // namespace
}  // namespace stele::test
