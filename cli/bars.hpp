// Horizontal bars, for terminals and files.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "output.hpp"

namespace stele::cli {

struct Bar {
    struct Part {
        double share = 0;        ///< of a whole line, 0 to 1; the parts of a bar together at most 1
        std::string_view glyph;  ///< one column wide
        Tone tone = Tone::plain;
    };
    std::string label;
    std::vector<Part> parts;  ///< from left to right
    std::string text;         ///< behind the bar
};

/// Labels to the right, bars below each other; `width` columns are a whole line's share.
void print_bars(const std::vector<Bar>& bars, std::size_t width, const Output& output);

}  // namespace stele::cli
