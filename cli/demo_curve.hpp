// What a stream of questions would do at other thresholds, counted without a database.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "demo_questions.hpp"

namespace stele::cli {

/// `count` of `all` as a share, 0 to 1; 0 of nothing.
[[nodiscard]] double part_of(std::size_t count, std::size_t all) noexcept;

/// Rewordings whose answer was in memory.
struct DemoFound {
    std::size_t known = 0;
    std::size_t found = 0;  ///< of these, those that got it

    double share() const noexcept;  ///< 0 to 1
};

/// The stream at one threshold, the memory empty at its beginning.
struct DemoCurvePoint {
    std::optional<float> threshold;  ///< nothing: exact matching alone
    std::size_t asked = 0;
    std::size_t exact = 0;        ///< answered as the same question
    std::size_t right = 0;        ///< answered as a similar one, of its group
    std::size_t wrong = 0;        ///< and of another group
    std::size_t near_misses = 0;  ///< of the wrong ones
    std::size_t unrelated = 0;    ///< of the wrong ones: a distractor was asked, or its answer given
    std::size_t rewordings = 0;   ///< paraphrases that are not answered as the same question
    std::size_t known = 0;        ///< of these, those with an answer of their group in memory
    std::size_t found = 0;        ///< of these, those that got it
    /// The known, by DemoQuestion::wording where they have it.
    std::map<std::string, DemoFound> by_wording{};

    double answered() const noexcept;     ///< share of the asked, 0 to 1
    double found_share() const noexcept;  ///< of the known rewordings
};

/// Where a question lies: questions of one key are the same to the cache.
struct DemoPlace {
    std::size_t key = 0;
    std::span<const float> unit;  ///< empty: it is found as the same question only
};

/// The cosine; less than any threshold where one of the two has no unit.
float likeness(const DemoPlace& one, const DemoPlace& other);

/// Whether a stored question may answer the asked one; empty: always.
using DemoAccepts = std::function<bool(const DemoQuestion& asked, const DemoQuestion& stored)>;

/// `places` belong to the questions of `stream`, one each; `thresholds` in any order, the result in the same order.
std::vector<DemoCurvePoint> threshold_curve(const std::vector<const DemoQuestion*>& stream,
                                            const std::vector<DemoPlace>& places,
                                            const std::vector<std::optional<float>>& thresholds,
                                            const DemoAccepts& accepts = {});

}  // namespace stele::cli
