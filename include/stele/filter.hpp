// Conditions on values of a described type (stele/describe.hpp): which documents to search, count or remove.
//
//     struct Author { std::string name; };
//     STELE_DESCRIBE(Author, (name))
//     struct Chunk {
//         std::string language;
//         std::vector<std::string> tags;
//         std::optional<Author> author;
//         std::map<std::string, int> scores;
//     };
//     STELE_DESCRIBE(Chunk, (language, "lang"), (tags, "tag_list"), (author), (scores))
//
//     using stele::field, stele::where;
//     auto filter = where(field(&Chunk::language) == "en" && field(&Chunk::tags).contains("faq"));
//     filter = filter && (field(&Chunk::author, &Author::name).starts_with("A") || !(field(&Chunk::scores)["depth"] >
//     3));
//
// A path begins with a described member; a member that the description leaves out does not compile, nor does a
// comparison with a value of another type. It goes on
//     into a struct      field(&Chunk::author, &Author::name), or by "/": field(&Chunk::author) / field(&Author::name)
//     into an array      field(&Chunk::tags)[0]
//     into a map         field(&Chunk::scores)["depth"], whatever is in the key
// An optional on the way is passed through. A member of type Json is both: ["key"], [0], and comparisons with anything.
//
// What holds is decided on the value's JSON, so also for rows that others wrote, and is always true or false. Numbers
// compare as numbers (1 is 1.0), with every digit; text by its bytes, which is the order of code points; Uuid and
// Timestamp members as what they are, however their text is written; everything else as same_value does. What is
// missing, or lies behind something that is missing, counts as null. So `==` and is_one_of() hold of it only for null,
// `!=` holds for everything but null, `!` of any condition holds exactly where the condition does not, and all others
// are false for it and for values of an unexpected type.
//
// A member is looked for by its name in JSON alone. One with an alias is read under its C++ name, too, so a document
// that was written before the member had the alias reads as it should, and yet counts as lacking the member: write such
// documents again, or compare by json_field().
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "stele/describe_json.hpp"
#include "stele/detail/filter_path.hpp"
#include "stele/export.hpp"
#include "stele/json.hpp"

namespace stele {
struct FilterNode;

inline namespace v0 {

/// A condition on JSON, of no particular type: what a FilterOf is made of. A value type, cheap to copy; thread-safe to
/// read.
class STELE_API Filter {
public:
    /// Holds of everything.
    Filter();
    /// `operands` as the operation wants them: one, several for the ..._any and in, none for is_null and exists.
    /// Error(invalid_argument) for others, and for operands that are not of the kind.
    static Filter compare(detail::FilterPath path, detail::FilterOperation operation, detail::ValueKind kind,
                          std::vector<Json> operands);
    /// From text: what to_string() writes, and more loosely what people type.
    ///     lang = en and not (pages < 10 or author["first name"] is null)
    /// A condition is a path and one of
    ///     = (or ==)  !=  <  <=  >  >=  VALUE      is one of VALUE, VALUE ...      contains VALUE
    ///     contains any of VALUE, VALUE ...        starts with TEXT                has the words TEXT
    ///     is null         is not null             exists
    /// A value is JSON, or a word without quotes (up to a blank, a comma or a parenthesis): that is text, but for
    /// numbers, true, false and null, and for UUIDs (with dashes) and times (ISO 8601 with an offset), which = and its
    /// like compare as such. `and` binds closer than `or`. Empty: holds of everything. Error(invalid_argument) says
    /// where it went wrong.
    static Filter parse(std::string_view text);

    friend STELE_API Filter operator&&(const Filter& a, const Filter& b);
    friend STELE_API Filter operator||(const Filter& a, const Filter& b);
    friend STELE_API Filter operator!(const Filter& filter);

    /// Whether it holds of this value.
    bool matches(const Json& value) const;
    bool is_everything() const noexcept;
    /// For people: `lang == "en" and tag_list contains "faq"`.
    std::string to_string() const;
    /// What it looks at, in the order of the text; the same path may be there several times.
    std::vector<detail::FilterPath> paths() const;

    /// What Stele itself works on.
    const FilterNode& node() const noexcept { return *node_; }

private:
    explicit Filter(std::shared_ptr<const FilterNode> node) : node_(std::move(node)) {}
    std::shared_ptr<const FilterNode> node_;
};

/// A condition on values of one described type.
template <class Root>
class FilterOf {
public:
    /// Holds of everything.
    FilterOf() = default;
    explicit FilterOf(Filter filter) : filter_(std::move(filter)) {}

    friend FilterOf operator&&(const FilterOf& a, const FilterOf& b) { return FilterOf(a.filter_ && b.filter_); }
    friend FilterOf operator||(const FilterOf& a, const FilterOf& b) { return FilterOf(a.filter_ || b.filter_); }
    friend FilterOf operator!(const FilterOf& filter) { return FilterOf(!filter.filter_); }

    bool matches(const Root& value) const { return filter_.matches(to_json(value)); }
    std::string to_string() const { return filter_.to_string(); }
    const Filter& untyped() const noexcept { return filter_; }

private:
    Filter filter_;
};

/// A path from values of type Root to one inside, of type Value. Made by field().
template <class Root, class Value, class Path>
class Field {
    using Bare = detail::Unwrapped<Value>;
    using Operation = detail::FilterOperation;

public:
    constexpr explicit Field(Path path) : path_(std::move(path)) {}
    constexpr const Path& path() const noexcept { return path_; }

    template <detail::ComparableWith<Bare> Other>
    FilterOf<Root> operator==(const Other& other) const {
        return make<Bare>(Operation::equal, {detail::operand<Bare>(other)});
    }
    template <detail::ComparableWith<Bare> Other>
    FilterOf<Root> operator!=(const Other& other) const {
        return !(*this == other);
    }
    FilterOf<Root> operator==(std::nullopt_t) const { return is_null(); }
    FilterOf<Root> operator!=(std::nullopt_t) const { return !is_null(); }

    template <detail::ComparableWith<Bare> Other>
        requires detail::Ordered<Bare>
    FilterOf<Root> operator<(const Other& other) const {
        return make<Bare>(Operation::less, {detail::operand<Bare>(other)});
    }
    template <detail::ComparableWith<Bare> Other>
        requires detail::Ordered<Bare>
    FilterOf<Root> operator<=(const Other& other) const {
        return make<Bare>(Operation::less_or_equal, {detail::operand<Bare>(other)});
    }
    template <detail::ComparableWith<Bare> Other>
        requires detail::Ordered<Bare>
    FilterOf<Root> operator>(const Other& other) const {
        return make<Bare>(Operation::greater, {detail::operand<Bare>(other)});
    }
    template <detail::ComparableWith<Bare> Other>
        requires detail::Ordered<Bare>
    FilterOf<Root> operator>=(const Other& other) const {
        return make<Bare>(Operation::greater_or_equal, {detail::operand<Bare>(other)});
    }

    /// It is one of these. None: never.
    template <detail::ComparableWith<Bare> Other>
    FilterOf<Root> is_one_of(const std::vector<Other>& values) const {
        return make<Bare>(Operation::in, detail::operands<Bare>(values));
    }
    template <detail::ComparableWith<Bare> Other>
    FilterOf<Root> is_one_of(std::initializer_list<Other> values) const {
        return make<Bare>(Operation::in, detail::operands<Bare>(values));
    }

    /// An array has this element, a map this key, a text this part.
    template <class Other>
        requires detail::ComparableWith<Other, detail::ElementOf<Bare>>
    FilterOf<Root> contains(const Other& value) const {
        using Element = detail::ElementOf<Bare>;
        return make<Element>(Operation::contains, {detail::operand<Element>(value)});
    }
    /// At least one of these. None: never.
    template <class Other>
        requires detail::ComparableWith<Other, detail::ElementOf<Bare>>
    FilterOf<Root> contains_any(const std::vector<Other>& values) const {
        using Element = detail::ElementOf<Bare>;
        return make<Element>(Operation::contains_any, detail::operands<Element>(values));
    }
    template <class Other>
        requires detail::ComparableWith<Other, detail::ElementOf<Bare>>
    FilterOf<Root> contains_any(std::initializer_list<Other> values) const {
        using Element = detail::ElementOf<Bare>;
        return make<Element>(Operation::contains_any, detail::operands<Element>(values));
    }

    /// Every word of `words` is a word of the text, whatever the case: words are runs of letters, digits and
    /// underscores of any script, both sides normalised (NFC) and folded. Without a word it holds of every text.
    FilterOf<Root> has_words(std::string_view words) const
        requires detail::TextLike<Bare>
    {
        return make<std::string>(Operation::text_match, {Json::string(words)});
    }
    FilterOf<Root> starts_with(std::string_view prefix) const
        requires detail::TextLike<Bare>
    {
        return make<std::string>(Operation::prefix, {Json::string(prefix)});
    }

    /// It is null, or missing.
    FilterOf<Root> is_null() const { return make<Json>(Operation::is_null, {}); }
    /// It is there, be it null.
    FilterOf<Root> exists() const { return make<Json>(Operation::exists, {}); }

    /// The element of an array, counted from 0.
    auto operator[](std::size_t index) const
        requires(detail::kIsArray<Bare> || std::same_as<Bare, Json>)
    {
        return step(detail::FilterStep{{}, index});
    }
    /// The value under a key of a map.
    auto operator[](std::string_view key) const
        requires(detail::kIsMap<Bare> || std::same_as<Bare, Json>)
    {
        return step(detail::FilterStep{std::string(key), {}});
    }
    /// A null pointer, and 0 as a key, would be taken for a text.
    template <class Index>
        requires(std::same_as<Index, std::nullptr_t> || (detail::kIsMap<Bare> && std::integral<Index>))
    void operator[](Index) const = delete;

    /// From here into a struct.
    template <class Inner, class InnerPath>
    constexpr auto operator/(const Field<Bare, Inner, InnerPath>& inner) const {
        auto path = detail::join(path_, inner.path());
        return Field<Root, Inner, decltype(path)>(std::move(path));
    }

private:
    template <class Compared>
    FilterOf<Root> make(Operation operation, std::vector<Json> operands) const {
        return FilterOf<Root>(
            Filter::compare(detail::steps(path_), operation, detail::value_kind<Compared>(), std::move(operands)));
    }
    auto step(detail::FilterStep next) const {
        using Element = detail::ItemOf<Bare>;
        detail::FilterPath path = detail::steps(path_);
        path.push_back(std::move(next));
        return Field<Root, Element, detail::FilterPath>(std::move(path));
    }

    Path path_;
};

/// The path to a described member. For a member of a base class the described class must be named:
/// field<Derived>(&Derived::base_member).
template <class Root = void, class Class, class Value>
consteval auto field(Value Class::* member) {
    using Described = std::conditional_t<std::is_void_v<Root>, Class, Root>;
    return Field<Described, Value, detail::MemberPath<1>>(
        detail::MemberPath<1>{json_name<Described>(static_cast<Value Described::*>(member))});
}
template <class Class, class Value, class... Rest>
    requires(sizeof...(Rest) > 0)
consteval auto field(Value Class::* member, Rest... rest) {
    return field(member) / field(rest...);
}

/// The path to a member of documents that are JSON, of no described type (VectorIndex<Json>): "author.name", "tags[0]",
/// "[\"first name\"]". Error(invalid_argument) for text that is no path.
inline Field<Json, Json, detail::FilterPath> json_field(std::string_view path) {
    return Field<Json, Json, detail::FilterPath>(detail::parse_path(path));
}

/// Says what it is: where(field(&Chunk::language) == "en").
template <class Root>
FilterOf<Root> where(FilterOf<Root> filter) {
    return filter;
}

}  // namespace v0
}  // namespace stele
