#include "vectors/kernels.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cmath>
#include <limits>
#include <memory>
#include <new>
#include <numeric>

#include "random_vectors.hpp"

namespace stele {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatNear;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr std::align_val_t kAlignment{64};

// Vectors of one dimension laid out as dot_rows wants them.
class Matrix {
public:
    Matrix(std::size_t rows, std::size_t dimension)
        : stride_(kernels::padded(dimension)),
          floats_(static_cast<float*>(::operator new(rows * stride_ * sizeof(float), kAlignment))) {
        std::fill_n(floats_.get(), rows * stride_, 0.0F);
    }
    std::span<float> row(std::size_t index) const { return {floats_.get() + index * stride_, stride_}; }

private:
    struct Free {
        void operator()(float* floats) const { ::operator delete(floats, kAlignment); }
    };
    std::size_t stride_;
    std::unique_ptr<float[], Free> floats_;
};

class ForcedTarget {
public:
    explicit ForcedTarget(std::int64_t target) {
        hwy::SetSupportedTargetsForTest(target);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    }
    ~ForcedTarget() {
        hwy::SetSupportedTargetsForTest(0);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    }
    ForcedTarget(const ForcedTarget&) = delete;
    ForcedTarget& operator=(const ForcedTarget&) = delete;
};

TEST(Kernels, every_instruction_set_of_this_machine_agrees_with_the_plain_loop) {
    const std::vector<std::int64_t> targets = hwy::SupportedAndGeneratedTargets();
    ASSERT_FALSE(targets.empty());
    std::mt19937_64 random(1);
    for (const std::int64_t target : targets) {
        SCOPED_TRACE(hwy::TargetName(target));
        const ForcedTarget forced(target);
        ASSERT_EQ(kernels::active_target(), target);
        // 1 to 16: less than a register; 17, 47: a few; 100, 383: an odd number of them; 768, 1536: real models
        for (const std::size_t dimension : {1, 2, 15, 16, 17, 47, 64, 100, 383, 768, 1536}) {
            SCOPED_TRACE(dimension);
            const Matrix matrix(8, dimension);
            for (std::size_t i = 0; i < 8; ++i) {
                const std::vector<float> values = testing::random_unit(random, dimension);
                std::copy(values.begin(), values.end(), matrix.row(i).begin());
            }
            const std::span<const float> query = matrix.row(7);
            std::vector<float> scores(8, kNaN);
            kernels::dot_rows(matrix.row(0).data(), query, std::span(scores).first(7));
            for (std::size_t i = 0; i < 7; ++i) {
                const std::span<const float> row = matrix.row(i);
                const double expected = std::inner_product(row.begin(), row.end(), query.begin(), 0.0, std::plus<>(),
                                                           [](double a, double b) { return a * b; });
                EXPECT_NEAR(scores[i], expected, 1e-6);
            }
            EXPECT_TRUE(std::isnan(scores[7])) << "written past the end";
        }
    }
}

TEST(Kernels, without_a_forced_target_the_best_one_is_active) {
    EXPECT_EQ(kernels::active_target(), hwy::SupportedAndGeneratedTargets().front());
}

TEST(Kernels, a_normalised_vector_has_length_one_and_the_same_direction) {
    std::vector<float> vector{3, 0, -4};
    ASSERT_TRUE(kernels::normalize(vector));
    EXPECT_THAT(vector, ElementsAre(0.6F, 0.0F, -0.8F));
}

TEST(Kernels, vectors_whose_squares_overflow_or_vanish_are_normalised_too) {
    for (const float value : {std::numeric_limits<float>::max(), 1e30F, 1e-30F, std::numeric_limits<float>::min(),
                              std::numeric_limits<float>::denorm_min()}) {
        std::vector<float> vector(4, value);
        ASSERT_TRUE(kernels::normalize(vector)) << value;
        EXPECT_THAT(vector, Each(FloatNear(0.5F, 1e-7F))) << value;
    }
}

TEST(Kernels, a_vector_without_a_direction_is_refused_and_left_alone) {
    std::vector<float> zero(5, 0.0F);
    EXPECT_FALSE(kernels::normalize(zero));
    EXPECT_THAT(zero, Each(0.0F));
    EXPECT_FALSE(kernels::normalize({}));
    for (const float bad : {kNaN, kInfinity, -kInfinity}) {
        std::vector<float> vector{1, 2, bad, 4};
        EXPECT_FALSE(kernels::normalize(vector)) << bad;
        EXPECT_EQ(vector.front(), 1.0F);
    }
}

TEST(Kernels, one_value_that_is_not_finite_is_found_wherever_it_is) {
    std::vector<float> values(100, std::numeric_limits<float>::max());
    EXPECT_TRUE(kernels::all_finite(values));
    EXPECT_TRUE(kernels::all_finite({}));
    for (const float bad : {kNaN, kInfinity, -kInfinity}) {
        for (const std::size_t position : {0, 1, 63, 98, 99}) {
            std::vector<float> spoilt = values;
            spoilt[position] = bad;
            EXPECT_FALSE(kernels::all_finite(spoilt)) << bad << " at " << position;
        }
    }
}

}  // namespace
}  // namespace stele
