// Lines of JSON, one after the other.
#pragma once

#include <cstddef>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace stele::cli {

/// Reads lines of at most `limit` bytes, without blanks at their ends; blank ones are skipped. Errors, all
/// Error(invalid_argument), begin with `name` and the line.
class LineReader {
public:
    LineReader(std::istream& in, const std::string& name, std::size_t limit)
        : in_(in), name_(name), limit_(limit), buffer_(std::make_unique_for_overwrite<char[]>(limit + 1)) {}

    /// Valid until the next call; nothing at the end.
    std::optional<std::string_view> next();
    /// Of the line that was read last, the first is 1.
    std::size_t number() const noexcept { return number_; }
    /// The next line is not there yet.
    bool must_wait() const { return in_.rdbuf()->in_avail() <= 0; }

private:
    std::istream& in_;
    const std::string& name_;
    std::size_t limit_;
    std::unique_ptr<char[]> buffer_;
    std::size_t number_ = 0;
};

/// Throws Error(invalid_argument), which says what is wrong with the JSON on a line, and where on it.
void check_json_line(std::string_view text);

}  // namespace stele::cli
