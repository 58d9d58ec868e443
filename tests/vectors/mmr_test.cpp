#include "vectors/mmr.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "stele/error.hpp"

namespace stele {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Vectors = std::vector<std::vector<float>>;

const std::vector<float> kQuery = {1, 0, 0};
const Vectors kWorked = {{.9F, .1F, 0}, {.9F, .12F, 0}, {.8F, -.6F, 0}, {.7F, 0, .7F}, {0, 0, 1}};

TEST(Mmr, draive_087_the_worked_example) {
    EXPECT_THAT(mmr_order(kQuery, kWorked, 5, 0.5), ElementsAre(0, 2, 3, 1, 4));
    EXPECT_THAT(mmr_order(kQuery, kWorked, 3, 0.5), ElementsAre(0, 2, 3));
    EXPECT_THAT(mmr_order(kQuery, kWorked, 9, 1), ElementsAre(0, 1, 2, 3, 4));
    EXPECT_THAT(mmr_order(kQuery, kWorked, 5, 0), ElementsAre(0, 4, 3, 2, 1));
    EXPECT_THAT(mmr_order(kQuery, kWorked, 0, 0.5), IsEmpty());
    EXPECT_THAT(mmr_order(kQuery, {}, 5, 0.5), IsEmpty());
}

TEST(Mmr, draive_087_a_first_pick_parallel_to_the_query_leaves_no_choice_to_rounding) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    Vectors candidates(20, std::vector<float>(300));
    for (auto& candidate : candidates) {
        for (float& value : candidate) value = normal(random);
    }
    const std::vector<float> query = candidates[4];
    // all others score lambda * r - (1 - lambda) * r = 0: they come by relevance
    std::vector<double> cosines;
    for (const auto& candidate : candidates) {
        double dot = 0, length = 0;
        for (std::size_t i = 0; i < query.size(); ++i) {
            dot += double{candidate[i]} * double{query[i]};
            length += double{candidate[i]} * double{candidate[i]};
        }
        cosines.push_back(dot / std::sqrt(length));
    }
    const auto order = mmr_order(query, candidates, 2, 0.5);
    ASSERT_EQ(order.size(), 2U);
    EXPECT_EQ(order[0], 4U);
    cosines[4] = -2;
    EXPECT_EQ(order[1], static_cast<std::size_t>(std::max_element(cosines.begin(), cosines.end()) - cosines.begin()));
}

TEST(Mmr, equal_vectors_come_as_they_stand_and_vectors_of_no_direction_last) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    EXPECT_THAT(mmr_order(kQuery, Vectors{{2, 0, 0}, {1, 0, 0}, {0, 0, 0}, {nan, 1, 0}}, 4, 1),
                ElementsAre(0, 1, 2, 3));
    EXPECT_THAT(mmr_order(kQuery, Vectors{{0, 0, 0}, {5, 0, 0}}, 2, 1), ElementsAre(1, 0));
}

TEST(Mmr, agrees_with_the_definition_on_random_vectors) {
    std::mt19937 random(11);
    std::normal_distribution<float> normal;
    for (const std::size_t dimension : {1U, 3U, 16U, 100U}) {
        Vectors candidates(40, std::vector<float>(dimension));
        std::vector<float> query(dimension);
        for (float& value : query) value = normal(random);
        for (auto& candidate : candidates) {
            for (float& value : candidate) value = normal(random);
        }
        const auto cosine = [](const std::vector<float>& a, const std::vector<float>& b) {
            double dot = 0, aa = 0, bb = 0;
            for (std::size_t i = 0; i < a.size(); ++i) {
                dot += double{a[i]} * double{b[i]};
                aa += double{a[i]} * double{a[i]};
                bb += double{b[i]} * double{b[i]};
            }
            return dot / std::sqrt(aa * bb);
        };
        const double lambda = 0.7;
        const auto order = mmr_order(query, candidates, 12, lambda);
        ASSERT_EQ(order.size(), 12U);
        for (std::size_t step = 1; step < order.size(); ++step) {
            const auto score = [&](std::size_t i) {
                double closest = -2;
                for (std::size_t j = 0; j < step; ++j) {
                    closest = std::max(closest, cosine(candidates[i], candidates[order[j]]));
                }
                return lambda * cosine(candidates[i], query) - (1 - lambda) * closest;
            };
            for (std::size_t i = 0; i < candidates.size(); ++i) {
                if (std::find(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(step), i) !=
                    order.begin() + static_cast<std::ptrdiff_t>(step)) {
                    continue;
                }
                EXPECT_LE(score(i), score(order[step]) + 1e-5) << dimension << " " << step << " " << i;
            }
        }
    }
}

TEST(Mmr, refuses_a_lambda_and_vectors_that_do_not_fit) {
    EXPECT_THROW(mmr_order(kQuery, kWorked, 3, 1.5), Error);
    EXPECT_THROW(mmr_order(kQuery, kWorked, 3, std::nan("")), Error);
    EXPECT_THROW(mmr_order(kQuery, Vectors{{1, 0}}, 3, 0.5), Error);
}

}  // namespace
}  // namespace stele
