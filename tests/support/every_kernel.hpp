// Runs a check on every kernel that this machine can run.
#pragma once

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cstdint>

#include "vectors/packed_matrix.hpp"

namespace stele::test {

/// Each instruction set, with and without dot products of 8 bits.
template <class Check>
void on_every_kernel(const Check& check) {
    for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
        hwy::SetSupportedTargetsForTest(target);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
        for (const bool dot_product : {false, true}) {
            if (kernels::use_dot_product(dot_product) != dot_product) continue;
            SCOPED_TRACE(::testing::Message()
                         << hwy::TargetName(target) << (dot_product ? " with" : " without") << " dot products");
            check(target);
        }
    }
    kernels::use_dot_product(true);
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

inline bool has_fused_multiply_add(std::int64_t target) {
    return target <= HWY_AVX2;  // better targets have lower numbers
}

}  // namespace stele::test
