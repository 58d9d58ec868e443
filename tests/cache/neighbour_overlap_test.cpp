#include "cache/neighbour_overlap.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace stele {
namespace {

/// At these angles on a circle, in degrees.
std::vector<std::vector<float>> at(const std::vector<double>& degrees) {
    std::vector<std::vector<float>> vectors;
    for (const double each : degrees) {
        const double angle = each * 3.14159265358979 / 180;
        vectors.push_back({static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))});
    }
    return vectors;
}

TEST(NeighbourOverlap, the_same_neighbourhoods_are_the_same_whatever_the_vectors_are) {
    const NeighbourOverlap overlap = neighbour_overlap(at({0, 10, 50, 70}), at({90, 97, 130, 140}));
    EXPECT_EQ(overlap.sample, 4U);
    EXPECT_EQ(overlap.nearest, 1.0);
    EXPECT_EQ(overlap.nearest_ten, 1.0);
}

TEST(NeighbourOverlap, what_moved_away_from_its_neighbour_counts) {
    // the first two were neighbours, and the last two
    const NeighbourOverlap overlap = neighbour_overlap(at({0, 10, 50, 65}), at({0, 52, 50, 70}));
    EXPECT_EQ(overlap.nearest, 0.0);
    EXPECT_EQ(overlap.nearest_ten, 1.0) << "there are no more than these";
}

TEST(NeighbourOverlap, of_many_only_ten_are_compared) {
    std::vector<double> before, after;
    for (int i = 0; i < 40; ++i) {
        before.push_back(i);
        after.push_back(i % 2 == 0 ? i : 100 + i);
    }
    const NeighbourOverlap overlap = neighbour_overlap(at(before), at(after));
    EXPECT_GT(overlap.nearest_ten, 0.3);
    EXPECT_LT(overlap.nearest_ten, 0.7) << "every second one has gone elsewhere";
}

TEST(NeighbourOverlap, fewer_than_two_compare_with_nothing) {
    EXPECT_EQ(neighbour_overlap({}, {}).sample, 0U);
    EXPECT_EQ(neighbour_overlap(at({1}), at({2})).nearest_ten, 1.0);
}

}  // namespace
}  // namespace stele
