// Files of one JSON value a line.
#pragma once

#include <cstddef>
#include <fstream>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace stele::cli {

/// A file, or standard input for "-". Throws Error(invalid_argument) when it cannot be read.
class InputFile {
public:
    explicit InputFile(const std::string& name);

    std::istream& stream();
    /// For messages.
    const std::string& name() const noexcept { return name_; }

private:
    std::string name_;
    std::unique_ptr<std::ifstream> file_;  // null: standard input
};

/// The lines of a stream that are not blank, in bounded memory. Not thread-safe.
class JsonLines {
public:
    static constexpr std::size_t kLongestLine = 4'194'304;  ///< in bytes

    /// Both must outlive it; `name` stands for the stream in messages.
    JsonLines(std::istream& in, const std::string& name, std::size_t limit = kLongestLine);

    /// The next one, without the blanks around it, as long as no other is asked for; nothing at the end. It is JSON:
    /// Throws Error(invalid_argument), naming the line, for one that is not, or too long.
    std::optional<std::string_view> next();
    /// Of the line that next() gave, counted from 1.
    std::size_t number() const noexcept { return number_; }
    /// Throws Error(invalid_argument) about that line.
    [[noreturn]] void refuse_line(std::string_view reason) const;
    /// The next line is not there yet.
    bool must_wait() const { return in_.rdbuf()->in_avail() <= 0; }

private:
    void check_json(std::string_view text) const;

    std::istream& in_;
    const std::string& name_;
    std::size_t limit_;
    std::unique_ptr<char[]> buffer_;
    std::size_t number_ = 0;
};

}  // namespace stele::cli
