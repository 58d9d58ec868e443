// Whether a sanitizer rewrote the code, which makes sums ten times as long.
#pragma once

namespace stele::test {

#if defined(__has_feature)  // Clang's
inline constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace stele::test
