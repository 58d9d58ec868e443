#include "bars.hpp"

#include <algorithm>
#include <cmath>

#include "text.hpp"

namespace stele::cli {

void print_bars(const std::vector<Bar>& bars, std::size_t width, const Output& output) {
    std::size_t label_width = 0;
    for (const Bar& bar : bars) label_width = std::max(label_width, display_width(bar.label));
    for (const Bar& bar : bars) {
        std::string line(label_width - display_width(bar.label), ' ');
        line += bar.label + " ";
        double share = 0;
        std::size_t drawn = 0;
        for (const Bar::Part& part : bar.parts) {
            share += part.share;  // rounded as a whole, so that the bar's end is where it belongs
            const auto end = static_cast<std::size_t>(std::lround(share * static_cast<double>(width)));
            std::string piece;
            for (; drawn < end; ++drawn) piece += part.glyph;
            line += output.paint(piece, part.tone);
        }
        if (!bar.text.empty()) line += (drawn > 0 ? " " : "") + bar.text;
        output.line(line);
    }
}

}  // namespace stele::cli
