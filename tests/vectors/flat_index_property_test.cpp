// Whatever is done to an index, a search answers as a plain scan in double over a plain map does.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>

#include "random_vectors.hpp"
#include "vectors/flat_index.hpp"

namespace stele {
namespace {

using Vector = std::vector<float>;
using Model = std::map<std::int64_t, Vector>;

double naive_score(const Vector& a, const Vector& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0, std::plus<>(),
                              [](double x, double y) { return x * y; });
}

// Two float scores that differ by less than this may come in either order.
constexpr double kTolerance = 2e-6;

void require_agreement(const std::vector<Match>& found, const Model& model, const Vector& query, std::size_t k,
                       double min_score) {
    std::vector<double> naive;
    for (const auto& [id, vector] : model) naive.push_back(naive_score(vector, query));
    std::sort(naive.begin(), naive.end(), std::greater<>());

    std::map<std::int64_t, int> times;
    for (std::size_t i = 0; i < found.size(); ++i) {
        RC_ASSERT(model.contains(found[i].id));
        RC_ASSERT(++times[found[i].id] == 1);
        RC_ASSERT(std::abs(found[i].score - naive_score(model.at(found[i].id), query)) < kTolerance);
        RC_ASSERT(std::abs(found[i].score - naive[i]) < kTolerance);
        if (i == 0) continue;
        const Match& before = found[i - 1];
        RC_ASSERT(before.score > found[i].score || (before.score == found[i].score && before.id < found[i].id));
    }
    const auto at_least = [&](double bound) {
        const auto count = std::count_if(naive.begin(), naive.end(), [&](double score) { return score >= bound; });
        return std::min(static_cast<std::size_t>(count), k);
    };
    RC_ASSERT(found.size() >= at_least(min_score + kTolerance));
    RC_ASSERT(found.size() <= at_least(min_score - kTolerance));
}

// Vectors come from a small pool, so that scores tie.
std::vector<Vector> random_pool(std::uint64_t seed, std::size_t dimension, std::size_t count) {
    std::mt19937_64 random(seed);
    std::vector<Vector> pool;
    for (std::size_t i = 0; i < count; ++i) pool.push_back(testing::random_unit(random, dimension));
    return pool;
}

const Vector& pick(const std::vector<Vector>& pool) {
    return pool[*rc::gen::inRange<std::size_t>(0, pool.size())];
}

void run(const std::vector<Vector>& pool, std::int64_t preload, std::size_t steps, const GraphPlan& plan = {}) {
    FlatIndex index(pool.front().size(), VectorFormat::float32, plan);
    Model model;
    const auto put = [&](std::int64_t id) {
        const Vector& vector = pick(pool);
        index.upsert(id, vector);
        model[id] = vector;
    };
    for (std::int64_t id = 0; id < preload; ++id) put(id);

    // Few ids, so that rows are updated, removed and put back.
    const std::int64_t ids = preload + static_cast<std::int64_t>(steps / 2) + 1;
    for (std::size_t step = 0; step < steps; ++step) {
        const std::int64_t id = *rc::gen::inRange<std::int64_t>(0, ids);
        if (*rc::gen::inRange(0, 3) == 0) {
            RC_ASSERT(index.remove(id) == (model.erase(id) == 1));
        } else {
            put(id);
        }
        RC_ASSERT(index.size() == model.size());
        if (*rc::gen::inRange(0, 20) == 0) index.compact();
        if (plan.wanted && *rc::gen::inRange(0, 50) == 0) index.wait_for_graph();
    }
    if (*rc::gen::inRange(0, 2) == 0) index.wait_for_graph();
    const Vector& query = pick(pool);
    const auto k = *rc::gen::inRange<std::size_t>(0, 20);
    const float min_score = *rc::gen::element(-2.0F, 0.0F, 0.1F);
    require_agreement(index.search(query, k, min_score), model, query, k, min_score);
}

TEST(FlatIndexProperty, small_indexes_answer_as_a_plain_scan_does) {
    EXPECT_TRUE(rc::check([] {
        const auto dimension = *rc::gen::inRange<std::size_t>(1, 70);
        run(random_pool(*rc::gen::arbitrary<std::uint64_t>(), dimension, 16), 0, *rc::gen::inRange<std::size_t>(0, 60));
    }));
}

TEST(FlatIndexProperty, indexes_of_many_blocks_answer_as_a_plain_scan_does) {
    const std::vector<Vector> pool = random_pool(1, 3072, 32);
    EXPECT_TRUE(rc::check([&] { run(pool, 400, 200); }));
    FlatIndex index(3072);
    for (int id = 0; id < 370; ++id) index.upsert(id, pool.front());
    EXPECT_GT(index.memory().size(), 2U) << "400 rows no longer make several blocks";
}

// So broad a search meets every node, or else looks at every row.
TEST(FlatIndexProperty, graphs_of_which_all_is_in_view_answer_as_a_plain_scan_does) {
    const GraphPlan plan{.wanted = true, .shape = {.from_rows = 300, .links = 4, .search_breadth = 10'000}};
    const std::vector<Vector> pool = random_pool(2, 24, 250);
    EXPECT_TRUE(rc::check([&] { run(pool, 320, 600, plan); }));
    const std::vector<Vector> wide = random_pool(3, 3072, 250);
    EXPECT_TRUE(rc::check([&] { run(wide, 420, 100, plan); }));
}

}  // namespace
}  // namespace stele
