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

    /// Both must outlive it; `name` stands for the stream in messages. `comments`: a line that begins with # is passed
    /// over.
    JsonLines(std::istream& in, const std::string& name, std::size_t limit = kLongestLine, bool comments = false);

    /// The next one, without the blanks around it, as long as no other is asked for; nothing at the end. It is JSON:
    /// Error(invalid_argument), naming the line, for one that is not, or too long; the next call goes on behind it.
    std::optional<std::string_view> next();
    /// Of the line that next() gave, counted from 1.
    std::size_t number() const noexcept { return number_; }
    /// Throws Error(invalid_argument) about that line.
    [[noreturn]] void refuse_line(std::string_view reason) const;
    /// What refuse_line() was given, of the message that it made for that line.
    std::string without_line(std::string_view message) const;
    /// The next line is not there yet.
    bool must_wait() const { return in_.rdbuf()->in_avail() <= 0; }

private:
    void check_json(std::string_view text) const;
    std::string place() const;

    std::istream& in_;
    const std::string& name_;
    std::size_t limit_;
    bool comments_;
    std::unique_ptr<char[]> buffer_;
    std::size_t number_ = 0;
    bool too_long_ = false;  // the rest of that line comes next
};

}  // namespace stele::cli
