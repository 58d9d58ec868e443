// An index with a graph finds what one without finds, and nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>
#include <vector>

#include "random_vectors.hpp"
#include "vectors/flat_index.hpp"

namespace stele {
namespace {

using Vector = std::vector<float>;
using ::testing::Each;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::size_t kDimension = 48;

// Around themes, as texts are.
class Clusters {
public:
    explicit Clusters(std::size_t themes) {
        for (std::size_t i = 0; i < themes; ++i) themes_.push_back(testing::random_unit(random_, kDimension));
    }
    Vector draw() { return near(themes_[random_() % themes_.size()], 0.7F); }
    Vector near(const Vector& center, float distance) {
        Vector vector = testing::random_unit(random_, kDimension);
        for (std::size_t i = 0; i < kDimension; ++i) vector[i] = center[i] + distance * vector[i];
        kernels::normalize(vector);
        return vector;
    }

private:
    std::mt19937_64 random_{4};
    std::vector<Vector> themes_;
};

GraphPlan from(std::size_t rows) {
    return {.wanted = true, .shape = {.from_rows = rows}};
}

std::vector<Vector> fill(FlatIndex& index, Clusters& clusters, std::int64_t rows) {
    std::vector<Vector> all;
    for (std::int64_t id = 0; id < rows; ++id) {
        all.push_back(clusters.draw());
        index.upsert(id, all.back(), {.tag = static_cast<std::uint64_t>(id + 1)});
    }
    index.wait_for_graph();
    return all;
}

TEST(FlatIndexGraph, it_finds_the_best_of_hundred_questions_all_but_one_in_every_format) {
    for (const VectorFormat format : {VectorFormat::float32, VectorFormat::float16, VectorFormat::int8}) {
        Clusters clusters(60);
        FlatIndex graph(kDimension, format, from(4'000)), flat(kDimension, format);
        const std::vector<Vector> rows = fill(graph, clusters, 4'000);
        for (std::size_t i = 0; i < rows.size(); ++i) flat.upsert(static_cast<std::int64_t>(i), rows[i]);
        ASSERT_EQ(graph.usage().graph_rows, 4'000U);
        EXPECT_EQ(flat.usage().graph_rows, 0U);

        int first = 0, among_eight = 0;
        constexpr int kQuestions = 500;
        for (int i = 0; i < kQuestions; ++i) {
            const Vector question =
                i % 2 == 0 ? clusters.draw() : clusters.near(rows[static_cast<std::size_t>(i)], 0.4F);
            const std::vector<Match> exact = flat.search(question, 8, -2), found = graph.search(question, 8, -2);
            ASSERT_THAT(found, SizeIs(8));
            first += found.front().score == exact.front().score ? 1 : 0;
            for (const Match& match : exact) {
                among_eight += std::any_of(found.begin(), found.end(), [&](const Match& other) {
                    return other.id == match.id && other.score == match.score;
                });
            }
        }
        EXPECT_GE(first, kQuestions * 99 / 100) << to_string(format);
        EXPECT_GE(among_eight, 8 * kQuestions * 98 / 100) << to_string(format);
    }
}

TEST(FlatIndexGraph, rows_are_found_when_they_come_and_not_when_they_are_gone) {
    Clusters clusters(20);
    FlatIndex index(kDimension, VectorFormat::float32, from(1'000));
    const std::vector<Vector> rows = fill(index, clusters, 1'000);
    ASSERT_EQ(index.usage().graph_rows, 1'000U);
    const Vector first = clusters.draw(), second = clusters.draw();
    index.upsert(5'000, first);
    EXPECT_EQ(index.search(first, 1, 0).front().id, 5'000);
    index.upsert(7, second, {.tag = 8});
    EXPECT_EQ(index.search(second, 1, 0).front().id, 7);
    EXPECT_NE(index.search(rows[7], 1, 0).front().id, 7);
    EXPECT_TRUE(index.remove(9));
    EXPECT_NE(index.search(rows[9], 1, 0).front().id, 9);
    EXPECT_LE(index.search(rows[9], 8, 0.9999F).size(), 0U);
    EXPECT_EQ(index.usage().graph_rows, 1'000U) << "one graph did all of it";
}

// The way through rows that are gone is long, and then the others are looked at one by one.
TEST(FlatIndexGraph, what_is_left_of_many_is_found) {
    Clusters clusters(20);
    FlatIndex index(kDimension, VectorFormat::float32, {.wanted = true, .shape = {.from_rows = 3'000}});
    const std::vector<Vector> rows = fill(index, clusters, 3'000);
    for (std::int64_t id = 0; id < 3'000; ++id) {
        if (id % 1'000 != 500) index.remove(id);
    }
    const std::vector<Match> found = index.search(rows[1'500], 8, -2);
    ASSERT_THAT(found, SizeIs(3));
    EXPECT_EQ(found.front().id, 1'500);
    for (const std::int64_t id : {500, 1'500, 2'500}) index.remove(id);
    EXPECT_THAT(index.search(rows[1'500], 8, -2), IsEmpty());
}

TEST(FlatIndexGraph, many_rows_of_one_vector_hide_no_other) {
    for (const VectorFormat format : {VectorFormat::float32, VectorFormat::int8}) {
        Clusters clusters(20);
        FlatIndex index(kDimension, format, from(1'600));
        const Vector same = clusters.draw();
        std::vector<Vector> others;
        for (std::int64_t id = 0; id < 1'600; ++id) {
            if (id % 2 == 0) others.push_back(clusters.draw());
            index.upsert(id, id % 2 == 0 ? others.back() : same);
        }
        index.wait_for_graph();
        ASSERT_EQ(index.usage().graph_rows, 1'600U);
        int found = 0;
        for (std::size_t i = 0; i < others.size(); ++i) {
            const std::vector<Match> match = index.search(others[i], 1, 0.9F);
            found += !match.empty() && match.front().id == static_cast<std::int64_t>(2 * i) ? 1 : 0;
        }
        EXPECT_GE(found, 792) << "of 800";
        const std::vector<Match> all = index.search(same, 700, 0.9F);
        EXPECT_THAT(all, SizeIs(700));
        std::set<std::int64_t> ids;
        for (const Match& match : all) ids.insert(match.id);
        EXPECT_THAT(ids, SizeIs(700));
    }
}

TEST(FlatIndexGraph, another_is_made_when_a_tenth_came_or_went_and_leaves_the_dead_behind) {
    constexpr std::int64_t kRows = 2'500, kWide = 3072;  // several blocks
    std::mt19937_64 random(6);
    FlatIndex index(kWide, VectorFormat::float32,
                    {.wanted = true, .shape = {.from_rows = kRows, .links = 6, .build_breadth = 10}});
    std::vector<Vector> rows;
    for (std::int64_t id = 0; id < kRows; ++id) {
        rows.push_back(testing::random_unit(random, kWide));
        index.upsert(id, rows.back(), {.tag = static_cast<std::uint64_t>(id + 1), .version = 3});
    }
    index.wait_for_graph();
    ASSERT_GT(index.memory().size(), 8U);
    const std::size_t before = index.usage().vector_bytes;
    // every other row of some of the full blocks
    constexpr std::int64_t kFirst = 512, kEnd = 1'314;
    for (std::int64_t id = kFirst; id < kEnd; id += 2) index.remove(id);
    index.wait_for_graph();
    EXPECT_EQ(index.usage().graphs, 2U);
    EXPECT_LE(index.usage().graph_rows, static_cast<std::size_t>(kRows - 256));
    EXPECT_LT(index.usage().tombstones, 200U) << "401 died, and the blocks with most of them were copied without them";
    EXPECT_LT(index.usage().vector_bytes, before);
    int searched = 0, found_again = 0;
    for (std::int64_t id = 0; id < kRows; ++id) {
        const bool there = id < kFirst || id >= kEnd || id % 2 == 1;
        ASSERT_EQ(index.contains(id), there) << id;
        if (!there) continue;
        ASSERT_EQ(index.find(static_cast<std::uint64_t>(id + 1)), id);
        if (id < 400 || id > 1'400) continue;
        ++searched;
        for (const Match& match : index.search(rows[static_cast<std::size_t>(id)], 1, 0.99F)) {
            ASSERT_EQ(match.id, id);
            ASSERT_EQ(match.note.version, 3U);
            ++found_again;
        }
    }
    EXPECT_GE(found_again, searched * 9 / 10);
    // and the rows that moved can be removed, as others
    for (std::int64_t id = kFirst + 1; id < kEnd; id += 2) ASSERT_TRUE(index.remove(id));
    EXPECT_EQ(index.size(), static_cast<std::size_t>(kRows - kEnd + kFirst));
    EXPECT_THAT(index.search(rows[kFirst + 1], 1, 0.99F), IsEmpty());
}

TEST(FlatIndexGraph, it_counts_among_the_bytes_and_is_not_made_beyond_them) {
    Clusters clusters(20);
    FlatIndex flat(kDimension);
    const std::vector<Vector> rows = fill(flat, clusters, 2'000);
    FlatIndex graph(kDimension, VectorFormat::float32, from(2'000));
    GraphPlan plan = from(2'000);
    plan.limit_bytes = flat.usage().bytes + 1'000;
    FlatIndex limited(kDimension, VectorFormat::float32, plan);
    for (std::int64_t id = 0; id < 2'000; ++id) {
        graph.upsert(id, rows[static_cast<std::size_t>(id)], {.tag = static_cast<std::uint64_t>(id + 1)});
        limited.upsert(id, rows[static_cast<std::size_t>(id)]);
    }
    graph.wait_for_graph();
    limited.wait_for_graph();
    EXPECT_EQ(limited.usage().graph_rows, 0U);
    const FlatIndex::Usage usage = graph.usage();
    EXPECT_GT(usage.graph_bytes, 2'000U * 60);
    EXPECT_LE(usage.graph_bytes, RowGraph::most_bytes(graph.row_format(), GraphOptions(), 2'000) + 1'000);
    EXPECT_GE(usage.bytes, usage.vector_bytes + usage.graph_bytes);
    graph.drop_graph();
    EXPECT_EQ(graph.usage().graph_bytes, 0U);
    EXPECT_EQ(graph.search(rows[3], 5, -2), flat.search(rows[3], 5, -2)) << "every row is looked at";
}

TEST(FlatIndexGraph, an_index_that_is_cleared_or_goes_gives_up_the_graph_that_is_being_made) {
    Clusters clusters(20);
    std::vector<Vector> rows;
    for (int i = 0; i < 2'000; ++i) rows.push_back(clusters.draw());
    FlatIndex index(kDimension, VectorFormat::float32, from(2'000));
    for (int round = 0; round < 3; ++round) {
        for (std::size_t i = 0; i < rows.size(); ++i) index.upsert(static_cast<std::int64_t>(i), rows[i]);
        index.clear();
        EXPECT_THAT(index.search(rows[0], 8, -2), IsEmpty());
    }
    index.upsert(1, rows[1]);
    index.wait_for_graph();
    EXPECT_EQ(index.usage().graph_rows, 0U);
    EXPECT_THAT(index.search(rows[0], 8, -2), SizeIs(1));
    FlatIndex going(kDimension, VectorFormat::float32, from(2'000));
    for (std::size_t i = 0; i < rows.size(); ++i) going.upsert(static_cast<std::int64_t>(i), rows[i]);
}

TEST(FlatIndexGraph, rows_of_somebodys_memory_get_one_and_few_rows_lose_it) {
    Clusters clusters(20);
    FlatIndex first(kDimension), second(kDimension, VectorFormat::float32, from(1'000));
    const std::vector<Vector> rows = fill(first, clusters, 1'000);
    auto memory = std::make_shared<AlignedVector<std::byte>>();
    std::vector<StoredRow> labels;
    first.picture().each([&](const StoredRow& row, const std::byte* vector) {
        labels.push_back(row);
        memory->insert(memory->end(), vector, vector + first.row_format().stride());
    });
    ASSERT_TRUE(second.adopt(memory, memory->data(), labels));
    second.wait_for_graph();
    EXPECT_EQ(second.usage().graph_rows, 1'000U);
    EXPECT_EQ(second.search(rows[40], 1, 0).front().id, 40);
    for (std::int64_t id = 0; id < 600; ++id) second.remove(id);
    second.wait_for_graph();
    second.remove(600);
    EXPECT_EQ(second.usage().graph_rows, 0U);
    EXPECT_EQ(second.search(rows[700], 1, 0).front().id, 700);
}

TEST(FlatIndexGraph, where_it_is_to_be_worth_while_it_is_made_after_as_many_searches_of_all_rows) {
    Clusters clusters(4);
    FlatIndex index(kDimension, VectorFormat::float32,
                    {.wanted = true, .shape = {.from_rows = 500}, .after_searches = 20});
    const auto search = [&](int times, const Vector& what) {
        for (int i = 0; i < times; ++i) {
            index.search(what, 1, 0);
            index.consider_graph();
        }
        index.wait_for_graph();
    };
    const std::vector<Vector> rows = fill(index, clusters, 499);
    search(40, rows[7]);
    index.upsert(499, clusters.draw(), {.tag = 500});
    search(19, rows[7]);
    EXPECT_EQ(index.usage().graphs, 0U) << "those of fewer rows do not count";
    search(1, rows[7]);
    EXPECT_EQ(index.usage().graphs, 1U);
    EXPECT_EQ(index.usage().graph_rows, 500U);
    search(40, rows[7]);
    EXPECT_EQ(index.usage().graphs, 1U);
    EXPECT_EQ(index.search(rows[7], 1, 0).front().id, 7);
}

TEST(FlatIndexGraph, int8_has_none_unless_one_is_asked_for) {
    const auto wanted = [](IndexBackend backend, VectorFormat format) {
        return graph_plan(backend, {}, format, 0).wanted;
    };
    for (const VectorFormat format : {VectorFormat::float32, VectorFormat::float16, VectorFormat::int8}) {
        EXPECT_EQ(wanted(IndexBackend::automatic, format), format != VectorFormat::int8);
        EXPECT_TRUE(wanted(IndexBackend::graph, format));
        EXPECT_FALSE(wanted(IndexBackend::flat, format));
    }
    EXPECT_GT(graph_plan(IndexBackend::automatic, {}, VectorFormat::float32, 0).after_searches, 0U);
    EXPECT_EQ(graph_plan(IndexBackend::graph, {}, VectorFormat::float32, 0).after_searches, 0U);
}

// mneme's graph takes float32 only and begins with room for two rows here.
TEST(FlatIndexGraph, mneme_139_it_grows_rows_move_come_back_and_all_of_them_go) {
    for (const VectorFormat format : {VectorFormat::float32, VectorFormat::float16, VectorFormat::int8}) {
        Clusters clusters(5);
        FlatIndex one(kDimension, format, from(2)), other(kDimension, format, from(2));
        const std::vector<Vector> rows = fill(one, clusters, 600);
        EXPECT_GT(one.usage().graph_rows, 2U);
        EXPECT_EQ(one.search(rows[599], 1, 0.9F).front().id, 599);
        EXPECT_TRUE(one.remove(8));  // to another scope
        other.upsert(8, rows[8]);
        EXPECT_THAT(one.search(rows[8], 1, 0.99F), IsEmpty());
        EXPECT_EQ(other.search(rows[8], 1, 0.99F).front().id, 8);
        EXPECT_TRUE(one.remove(9));
        EXPECT_THAT(one.search(rows[9], 1, 0.99F), IsEmpty());
        one.upsert(9, rows[9]);
        EXPECT_EQ(one.search(rows[9], 1, 0.99F).front().id, 9);
        for (std::int64_t id = 0; id < 600; ++id) one.remove(id);
        one.wait_for_graph();
        EXPECT_EQ(one.size(), 0U);
        EXPECT_THAT(one.search(rows[9], 8, -2), IsEmpty());
    }
}

// Rows that stay are found beside others that come and go, in a version that is not older than the last one found, and
// what is gone is never found again.
TEST(FlatIndexGraphThreads, searches_go_on_while_rows_come_and_go_and_graphs_are_made) {
    constexpr std::int64_t kSteady = 1'000, kOthers = 10'000;
    Clusters clusters(30);
    FlatIndex index(kDimension, VectorFormat::float32,
                    {.wanted = true, .shape = {.from_rows = 500, .links = 8, .build_breadth = 40}});
    std::vector<Vector> rows, others;
    for (int i = 0; i < kSteady; ++i) rows.push_back(clusters.draw());
    for (int i = 0; i < 400; ++i) others.push_back(clusters.draw());
    for (std::int64_t id = 0; id < kSteady; ++id) index.upsert(id, rows[static_cast<std::size_t>(id)], {.version = 1});

    std::atomic<bool> over{false};
    std::atomic<std::int64_t> gone_below{kOthers};  // ids from kOthers on that are gone
    std::atomic<int> asked{0}, found{0};
    const auto search = [&] {
        std::mt19937_64 random(9);
        std::map<std::int64_t, std::uint32_t> versions;
        while (!over) {
            const auto id = static_cast<std::int64_t>(random() % kSteady);
            const std::int64_t gone = gone_below;
            ++asked;
            std::set<std::int64_t> ids;
            for (const Match& match : index.search(rows[static_cast<std::size_t>(id)], 8, -2)) {
                ASSERT_TRUE(ids.insert(match.id).second) << match.id << " was seen twice";
                ASSERT_FALSE(match.id >= kOthers && match.id < gone) << match.id << " was gone";
                if (match.id >= kSteady) continue;
                ASSERT_GE(match.note.version, versions[match.id]);
                versions[match.id] = match.note.version;
            }
            found += static_cast<int>(ids.count(id));
        }
    };
    std::thread first(search), second(search);
    for (std::uint32_t version = 2; version < 40; ++version) {
        const std::int64_t begin = kOthers + 400 * (static_cast<std::int64_t>(version) - 2);
        for (std::int64_t i = 0; i < 400; ++i) {
            index.upsert(begin + i, others[static_cast<std::size_t>(i)]);
            const std::int64_t steady = (i * 7 + version) % kSteady;
            index.upsert(steady, rows[static_cast<std::size_t>(steady)],
                         {.tag = static_cast<std::uint64_t>(steady + 1), .version = version});
        }
        for (std::int64_t i = 0; i < 400; ++i) index.remove(begin + i);
        gone_below = begin + 400;
        if (version % 8 == 0) index.compact();
        if (version % 4 == 0) index.wait_for_graph();
    }
    over = true;
    first.join();
    second.join();
    EXPECT_GE(index.usage().graphs, 5U) << "graphs were made one after the other";
    EXPECT_GE(found, asked * 97 / 100);
    EXPECT_EQ(index.size(), static_cast<std::size_t>(kSteady));
}

}  // namespace
}  // namespace stele
