// What guards would refuse of a stream of questions, counted without a database.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "demo_curve.hpp"
#include "stele/guard.hpp"

namespace stele::cli {

/// Pairs of questions that are alike enough to be taken for the same, and are not the same but for case and blanks.
struct DemoPairs {
    std::size_t rewordings = 0;   ///< of one group: to refuse them is a loss
    std::size_t near_misses = 0;  ///< one was written to resemble the other's group: to refuse them is the purpose
    std::size_t others = 0;       ///< of other groups, too
};

struct DemoGuarded {
    DemoPairs pairs;
    struct Guard {
        std::string name;
        DemoPairs refused;
    };
    std::vector<Guard> guards;          ///< as they were given
    DemoPairs refused;                  ///< by any of them
    DemoCurvePoint unguarded, guarded;  ///< the stream, from an empty memory
};

/// `places` belong to the questions of `stream`, one each.
DemoGuarded count_guarded(const std::vector<const DemoQuestion*>& stream, const std::vector<DemoPlace>& places,
                          float threshold, const std::vector<Guard>& guards);

}  // namespace stele::cli
