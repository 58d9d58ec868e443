// Which instruction sets the kernels with arrays of vectors are made for. Before Highway's own headers.
#pragma once

// Such arrays need vectors of a known size, which SVE and RVV do not have.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
