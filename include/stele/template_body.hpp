// The body of a template: text with places for arguments.
//
// A place is {%name%}. Two dialects of it are read, those of draive, whose prompts may already be stored:
//
// E3 (draive from 0.100 on)     A name is one or more characters, none of them white space or "%". What does not fit
//                               is text, and the search for a place goes on right behind its "{%".
// E1 (draive 0.90 to 0.99)      A name is what stands between "{%" and the nearest "%}". If that is empty or holds
//                               white space, it is text up to and including the "%}".
//
//     body              in E3                     in E1
//     Hi {%name%}!      name                      name
//     {%größe%}{%a%}    größe, a                  größe, a
//     {{%a%}}           "{" a "}"                 "{" a "}"
//     {% name %}        text                      text
//     {%%}              text                      text
//     {{name}}          text                      text
//     {%name            text                      text
//     {%a%b%}           text                      "a%b"
//     {%x {%b%}         "{%x " b                  text
//
// White space is Unicode's, and U+001C to U+001F. Names are compared byte for byte; nothing is trimmed or folded.
//
// To show a place instead of filling it, write {%%} for its {%:
//
//     Write {%%}name%} where the name belongs.     shows     Write {%name%} where the name belongs.
//
// One more "%}" at that place for each time it is to be escaped: {%%}%}name%} shows {%%}name%}. Both dialects of draive
// take {%%}name%} for text, as it is, so that the same body has the same names for every reader; only this text differs
// (draive shows the escape itself). ({%%name%%} would not have done: in E1 it is a place named "%name%".) {%%} without
// "name%}" behind it stays as it is. A name that ends with "{", or holds "{%", cannot be escaped: pass the text as an
// argument, since arguments are never searched for places.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

/// A dialect: see above.
enum class TemplateGrammar : std::uint8_t { e3, e1 };

/// A body, taken apart once and rendered many times (stele/template.hpp). A value type; thread-safe to read.
class STELE_API TemplateBody {
public:
    struct Segment {
        enum class Kind : std::uint8_t { text, variable };
        Kind kind = Kind::text;
        std::string text;  ///< or the variable's name

        friend bool operator==(const Segment&, const Segment&) = default;
    };

    /// The empty body.
    TemplateBody() = default;
    /// Any text is a body, unless PostgreSQL cannot store it: throws Error(invalid_argument) with the position of what
    /// is not UTF-8, or of U+0000.
    static TemplateBody parse(std::string_view text, TemplateGrammar grammar = TemplateGrammar::e3);

    /// As it was given.
    const std::string& text() const noexcept { return text_; }
    TemplateGrammar grammar() const noexcept { return grammar_; }
    /// No two texts follow one another, and none is empty.
    const std::vector<Segment>& segments() const& noexcept { return segments_; }
    std::vector<Segment> segments() && noexcept { return std::move(segments_); }
    /// Each name once, in the order in which they first appear.
    const std::vector<std::string>& variables() const& noexcept { return variables_; }
    std::vector<std::string> variables() && noexcept { return std::move(variables_); }

private:
    void add_text(std::string_view text);
    void add_variable(std::string_view name);

    std::string text_;
    TemplateGrammar grammar_ = TemplateGrammar::e3;
    std::vector<Segment> segments_;
    std::vector<std::string> variables_;
};

}  // namespace v0
}  // namespace stele
