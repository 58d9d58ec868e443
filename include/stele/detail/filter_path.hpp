// Paths into a value and what may be compared with what is found there. Not for use outside of stele/filter.hpp.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "stele/describe_json.hpp"
#include "stele/export.hpp"
#include "stele/json.hpp"
#include "stele/timestamp.hpp"
#include "stele/uuid.hpp"

namespace stele {
inline namespace v0 {
namespace detail {

/// To the value under a key of an object, or to an item of an array.
struct FilterStep {
    std::string key;
    std::optional<std::size_t> item;
};
using FilterPath = std::vector<FilterStep>;

/// "author.name", "tags[0]"; a key that is no plain word as a JSON string: "[\"first name\"].x".
STELE_API std::string path_text(const FilterPath& path);
/// The other way. Error(invalid_argument) for what path_text() would not write.
STELE_API FilterPath parse_path(std::string_view text);

/// Known to the compiler: the members' names in JSON.
template <std::size_t N>
using MemberPath = std::array<std::string_view, N>;

enum class FilterOperation : std::uint8_t {
    equal,
    less,
    less_or_equal,
    greater,
    greater_or_equal,
    in,
    contains,
    contains_any,
    text_match,
    prefix,
    is_null,
    exists,
};

/// What the compared values are, besides JSON.
enum class ValueKind : std::uint8_t { json, uuid, time };

template <std::size_t N>
FilterPath steps(const MemberPath<N>& path) {
    FilterPath all;
    for (const std::string_view name : path) all.push_back({std::string(name), {}});
    return all;
}
inline FilterPath steps(const FilterPath& path) {
    return path;
}

template <std::size_t A, std::size_t B>
constexpr MemberPath<A + B> join(const MemberPath<A>& outer, const MemberPath<B>& inner) {
    MemberPath<A + B> all{};
    for (std::size_t i = 0; i < A; ++i) all[i] = outer[i];
    for (std::size_t i = 0; i < B; ++i) all[A + i] = inner[i];
    return all;
}
template <class Outer, class Inner>
FilterPath join(const Outer& outer, const Inner& inner) {
    FilterPath all = steps(outer);
    for (FilterStep& step : steps(inner)) all.push_back(std::move(step));
    return all;
}

template <class T>
struct Unwrap {
    using Type = T;
};
template <class T>
struct Unwrap<std::optional<T>> : Unwrap<T> {};
template <class T>
using Unwrapped = typename Unwrap<T>::Type;

template <class T>
inline constexpr bool kIsArray = false;
template <class T>
inline constexpr bool kIsArray<std::vector<T>> = true;
template <class T, std::size_t N>
inline constexpr bool kIsArray<std::array<T, N>> = true;
template <class T>
inline constexpr bool kIsMap = false;
template <class T>
inline constexpr bool kIsMap<std::map<std::string, T>> = true;

/// What a step into a container leads to, and what contains() takes.
template <class T>
struct Contents {
    using Item = void;
    using Element = void;
};
template <class T>
struct Contents<std::vector<T>> {
    using Item = T;
    using Element = Unwrapped<T>;
};
template <class T, std::size_t N>
struct Contents<std::array<T, N>> : Contents<std::vector<T>> {};
template <class T>
struct Contents<std::map<std::string, T>> {
    using Item = T;
    using Element = std::string;
};
template <>
struct Contents<std::string> {
    using Item = void;
    using Element = std::string;
};
template <>
struct Contents<Json> {
    using Item = Json;
    using Element = Json;
};
template <class T>
using ItemOf = typename Contents<T>::Item;
template <class T>
using ElementOf = typename Contents<T>::Element;

template <class T>
concept Number = JsonInteger<T> || std::floating_point<T>;
template <class T>
concept TextLike = std::same_as<T, std::string> || std::same_as<T, Json>;
/// What < means something for.
template <class T>
concept Ordered = Number<T> || TextLike<T> || std::same_as<T, Uuid> || std::same_as<T, Timestamp>;

/// Neither is a value: std::nullopt is compared apart, and nullptr would be read as a text.
template <class T>
concept NoValue =
    std::same_as<std::remove_cvref_t<T>, std::nullopt_t> || std::same_as<std::remove_cvref_t<T>, std::nullptr_t>;

template <class Other, class Bare>
concept ComparableWith = !std::same_as<Bare, void> && !NoValue<Other> &&
                         (std::same_as<Bare, Json> || std::same_as<Other, Bare> || (Number<Bare> && Number<Other>) ||
                          (std::same_as<Bare, std::string> && std::convertible_to<const Other&, std::string_view>));

/// A compared value as JSON. A number keeps its own type, so that 2.5 is not cut to fit an integer member.
template <class Bare, class Other>
Json operand(const Other& other) {
    if constexpr (std::same_as<Other, Json>) {
        return other;
    } else if constexpr (std::convertible_to<const Other&, std::string_view>) {
        return Json::string(std::string_view(other));
    } else {
        return to_json(other);
    }
}
template <class Bare, class Others>
std::vector<Json> operands(const Others& others) {
    std::vector<Json> all;
    for (const auto& other : others) all.push_back(operand<Bare>(other));
    return all;
}

template <class Bare>
constexpr ValueKind value_kind() {
    if constexpr (std::same_as<Bare, Uuid>) return ValueKind::uuid;
    if constexpr (std::same_as<Bare, Timestamp>) return ValueKind::time;
    return ValueKind::json;
}

}  // namespace detail
}  // namespace v0
}  // namespace stele
