// hnswlib, for one thread at a time, in a namespace of its own.
#pragma once

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <functional>
#include <iostream>
#include <list>
#include <memory>
#include <mutex>
#include <queue>
#include <random>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

// A program may have another version of hnswlib, or one compiled otherwise: the linker must not take one for the other.
// Its own distances come with functions that are in no namespace.
#define hnswlib hnswlib_of_stele  // NOLINT(readability-identifier-naming): theirs
#define NO_MANUAL_VECTORIZATION

// What hnswlib takes for std has locks that are none: it would keep one for every row, and ThreadSanitizer, which sees
// that rows are locked in any order, takes minutes for them.
namespace hnswlib::std {
using namespace ::std;
struct mutex {  // NOLINT(readability-identifier-naming): as in std
    void lock() noexcept {}
    void unlock() noexcept {}
};
}  // namespace hnswlib::std

#include <hnswlib/hnswlib.h>
