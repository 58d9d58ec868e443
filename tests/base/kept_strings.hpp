// A cache of strings, and what fills it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/loading_cache.hpp"
#include "stele/error.hpp"

namespace stele::test {

using Cache = LoadingCache<std::string>;
using Pointer = Cache::Pointer;

inline auto giving(std::string text) {
    return [text = std::move(text)] { return std::make_shared<const std::string>(text); };
}
inline Pointer must_not_load() {
    ADD_FAILURE() << "loads again";
    return nullptr;
}
/// What is kept for that key, in words.
inline std::string kept(const Cache& cache, std::string_view key) {
    const auto value = cache.peek(key);
    if (!value) return "not kept";
    return *value == nullptr ? "absent" : **value;
}

inline ErrorCode code_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& error) {
        return error.code();
    }
    ADD_FAILURE() << "no error";
    return ErrorCode::internal;
}

}  // namespace stele::test
