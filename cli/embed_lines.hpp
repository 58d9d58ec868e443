// `stele embed --jsonl`: a stream of texts in, a stream of vectors and similarities out.
#pragma once

#include <cstddef>
#include <functional>
#include <istream>
#include <string>
#include <string_view>

#include "json_lines.hpp"
#include "stele/deadline.hpp"
#include "stele/embedder.hpp"

namespace stele::cli {

/// How it touches the world.
struct EmbedPorts {
    std::function<Deadline()> deadline;                  ///< of the next call of the embedder
    std::function<void(std::string_view json)> write{};  ///< one line, without its end
    std::function<void()> flush{};                       ///< after each batch: a reader may be waiting
};

/// A batch ends with the first of these that is reached, and when the next line is not there yet.
struct EmbedLimits {
    std::size_t batch_texts = 128;
    std::size_t batch_bytes = 32'768;  ///< some 8000 word pieces: seconds, even for a slow server
    std::size_t line_bytes = JsonLines::kLongestLine;
};

struct EmbedCounts {
    std::size_t lines = 0;      ///< that were written
    std::size_t truncated = 0;  ///< of them, with a text that was cut
};

/// Of each line of `in`: a JSON string, or an object with "text", or with "a" and "b". Writes the object, in the order
/// of the lines, with "truncated" and either "vector" or "similarity" added; blank lines are skipped. A line that it
/// cannot take is an Error(invalid_argument), after everything before it was written; errors name `name` and the line,
/// and those of the embedder the lines of the batch. Holds one batch at a time.
EmbedCounts embed_lines(std::istream& in, const std::string& name, Embedder& embedder, const EmbedPorts& ports,
                        const EmbedLimits& limits = {});

}  // namespace stele::cli
