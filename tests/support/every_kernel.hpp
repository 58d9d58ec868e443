// Runs a check on every kernel that this machine can run.
#pragma once

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cstdint>

#include "vectors/packed_matrix.hpp"

namespace stele::test {

inline bool has_vectors(std::int64_t target) {
    return target != HWY_SCALAR && target != HWY_EMU128;
}
inline bool has_fused_multiply_add(std::int64_t target) {
    return target <= HWY_AVX2;  // better targets have lower numbers
}
inline bool has_dot_product_kernel(std::int64_t target) {
    return HWY_ARCH_X86 ? target <= HWY_AVX3 : has_vectors(target);
}

/// Each instruction set, with and without dot products of 8 bits.
template <class Check>
void on_every_kernel(const Check& check) {
    for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
        hwy::SetSupportedTargetsForTest(target);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
        for (const bool dot_product : {false, true}) {
            if (kernels::use_dot_product(dot_product) != dot_product) continue;
            if (dot_product && !has_dot_product_kernel(target)) continue;
            SCOPED_TRACE(::testing::Message()
                         << hwy::TargetName(target) << (dot_product ? " with" : " without") << " dot products");
            check(target);
        }
    }
    kernels::use_dot_product(true);
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace stele::test
