#include "stele/template_body.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace stele {
inline namespace v0 {
namespace {

constexpr std::string_view kOpen = "{%";
constexpr std::string_view kClose = "%}";

/// What begins at a "{%".
struct Token {
    enum class Kind : std::uint8_t { text, variable, escape };
    Kind kind = Kind::text;
    std::string_view name;
    std::size_t closes = 0;  ///< of an escape: how many "%}" stand before the name
    std::size_t end = 0;     ///< where to go on
};

// An escape must not hide a place that other readers see: none may begin inside of it.
bool can_be_escaped(std::string_view name) {
    return name.find(kOpen) == std::string_view::npos && !name.ends_with('{');
}

std::size_t end_of_name(std::string_view text, std::size_t begin, TemplateGrammar grammar) {
    if (grammar == TemplateGrammar::e1) return text.find(kClose, begin);
    const std::size_t end = text.find('%', begin);
    return end != std::string_view::npos && text.substr(end).starts_with(kClose) ? end : std::string_view::npos;
}

/// Where the search goes on behind a "{%" that begins nothing.
std::size_t end_of_text(std::string_view text, std::size_t open, TemplateGrammar grammar) {
    if (grammar == TemplateGrammar::e3) return open + kOpen.size();
    const std::size_t close = text.find(kClose, open + kOpen.size());
    return close == std::string_view::npos ? text.size() : close + kClose.size();
}

Token read_token(std::string_view text, std::size_t open, TemplateGrammar grammar) {
    Token token;
    std::size_t begin = open + kOpen.size();
    for (; text.substr(begin).starts_with(kClose); begin += kClose.size()) ++token.closes;
    const std::size_t end = end_of_name(text, begin, grammar);
    token.end = end_of_text(text, open, grammar);
    if (end == std::string_view::npos || end == begin) return token;
    token.name = text.substr(begin, end - begin);
    if (has_blank(token.name) || (token.closes > 0 && !can_be_escaped(token.name))) return token;
    token.kind = token.closes > 0 ? Token::Kind::escape : Token::Kind::variable;
    token.end = end + kClose.size();
    return token;
}

std::string without_one_escape(const Token& token) {
    std::string text(kOpen);
    for (std::size_t i = 1; i < token.closes; ++i) text += kClose;
    return text.append(token.name).append(kClose);
}

}  // namespace

TemplateBody TemplateBody::parse(std::string_view text, TemplateGrammar grammar) {
    check_text("the template", text);
    TemplateBody body;
    body.text_ = text;
    body.grammar_ = grammar;
    std::size_t begin = 0;
    std::size_t at = text.find(kOpen);
    while (at != std::string_view::npos) {
        const Token token = read_token(text, at, grammar);
        if (token.kind != Token::Kind::text) {
            body.add_text(text.substr(begin, at - begin));
            if (token.kind == Token::Kind::variable) {
                body.add_variable(token.name);
            } else {
                body.add_text(without_one_escape(token));
            }
            begin = token.end;
        }
        at = text.find(kOpen, token.end);
    }
    body.add_text(text.substr(begin));
    return body;
}

void TemplateBody::add_text(std::string_view text) {
    if (text.empty()) return;
    if (!segments_.empty() && segments_.back().kind == Segment::Kind::text) {
        segments_.back().text += text;
    } else {
        segments_.push_back({Segment::Kind::text, std::string(text)});
    }
}

void TemplateBody::add_variable(std::string_view name) {
    segments_.push_back({Segment::Kind::variable, std::string(name)});
    if (std::find(variables_.begin(), variables_.end(), name) == variables_.end()) variables_.emplace_back(name);
}

}  // namespace v0
}  // namespace stele
