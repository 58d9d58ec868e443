// What the command prints: text for people, or JSON for programs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stele/error.hpp"

namespace stele::cli {

enum class Tone : std::uint8_t { plain, strong, faint, good, warning, bad };

/// Columns of text, the widest of each deciding. On a terminal the last column is cut to what is left of the line.
struct Table {
    std::vector<std::string> headers;
    std::vector<std::vector<std::string>> rows;
    std::vector<bool> to_the_right;  ///< a column each; missing: to the left
};

/// Thrown when standard output takes no more; `reason` is an errno, EPIPE when nobody reads it any more.
struct OutputLost {
    int reason;
};

/// Results go to standard output, remarks and errors to standard error. In JSON mode the functions for people print
/// nothing, so a command calls those and document(). Colours only on a terminal and without NO_COLOR. Not thread-safe.
/// Throws OutputLost.
class Output {
public:
    /// `json` may change until the first output.
    explicit Output(const bool& json);

    bool json() const noexcept { return json_; }
    /// Standard output is a terminal.
    bool terminal() const noexcept { return terminal_; }

    /// One line, or several.
    void line(std::string_view text = {}) const;
    /// As it is, without a newline: for text that belongs to somebody else.
    void raw(std::string_view text) const;
    /// Names and values below each other.
    void fields(const std::vector<std::pair<std::string, std::string>>& fields) const;
    void table(const Table& table) const;
    /// A remark, on standard error.
    void note(std::string_view text) const;
    /// JSON mode only: one document, on a line of its own.
    void document(const nlohmann::json& document) const;
    /// In either mode: JSON on one line, one of many.
    void json_line(std::string_view json) const;
    /// In either mode, on standard error: {"error": {...}} or "stele: ...".
    void error(const ErrorInfo& error) const;
    void error(std::string_view code, std::string_view message) const;
    /// Anything not written yet. Called once at the end.
    void flush() const;

    /// `text` coloured for standard output.
    std::string paint(std::string_view text, Tone tone) const;

private:
    const bool& json_;
    bool terminal_;
    bool coloured_;
    bool coloured_errors_;
};

/// Of the terminal that `file` (a descriptor) is; 80 when it is none.
std::size_t terminal_columns(int file);

}  // namespace stele::cli
