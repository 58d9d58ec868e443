// Filters from text.
#include <fmt/format.h>

#include <algorithm>

#include "base/result.hpp"
#include "base/text.hpp"
#include "index/filter_path.hpp"
#include "stele/filter.hpp"

namespace stele {
namespace {

using Operation = detail::FilterOperation;
using detail::ValueKind;

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kEndsWords = " \t\r\n,()\"";
constexpr std::size_t kDeepest = 200;  // it recurses

struct Value {
    Json json;
    ValueKind kind = ValueKind::json;
};

class FilterReader {
public:
    explicit FilterReader(std::string_view text) : text_(text) {}

    Filter whole() {
        skip_blanks();
        if (at_ == text_.size()) return {};
        Filter filter = any();
        if (at_ != text_.size()) wrong("'and', 'or' or the end");
        return filter;
    }

private:
    Filter any() {
        Filter filter = all();
        while (word("or")) filter = filter || all();
        return filter;
    }
    Filter all() {
        Filter filter = one();
        while (word("and")) filter = filter && one();
        return filter;
    }
    Filter one() {
        if (++depth_ > kDeepest) wrong("less nesting");
        Filter filter = part();
        --depth_;
        return filter;
    }
    Filter part() {
        if (word("not")) return !one();
        if (!symbol("(")) return condition();
        Filter filter = any();
        if (!symbol(")")) wrong("')', 'and' or 'or'");
        return filter;
    }

    Filter condition() {
        skip_blanks();
        const std::size_t start = at_;
        detail::FilterPath path = read_path(text_, at_);
        skip_blanks();
        if (at_ == start) wrong("a member");
        if (symbol("==") || symbol("=")) return related(std::move(path), Operation::equal);
        if (symbol("!=")) return !related(std::move(path), Operation::equal);
        if (symbol("<=")) return related(std::move(path), Operation::less_or_equal);
        if (symbol("<")) return related(std::move(path), Operation::less);
        if (symbol(">=")) return related(std::move(path), Operation::greater_or_equal);
        if (symbol(">")) return related(std::move(path), Operation::greater);
        if (word("exists")) return compare(std::move(path), Operation::exists, {});
        if (word("is")) return is(std::move(path));
        if (word("contains")) {
            if (words({"any", "of"})) return compare(std::move(path), Operation::contains_any, list());
            return compare(std::move(path), Operation::contains, {value().json});
        }
        if (words({"starts", "with"})) return compare(std::move(path), Operation::prefix, {text()});
        if (words({"has", "the", "words"})) return compare(std::move(path), Operation::text_match, {text()});
        wrong("=, !=, <, <=, >, >=, 'is', 'contains', 'starts with', 'has the words' or 'exists'");
    }
    Filter is(detail::FilterPath path) {
        if (words({"one", "of"})) return compare(std::move(path), Operation::in, list());
        if (word("null")) return compare(std::move(path), Operation::is_null, {});
        if (words({"not", "null"})) return !compare(std::move(path), Operation::is_null, {});
        wrong("'null', 'not null' or 'one of' (for a value: =)");
    }
    Filter related(detail::FilterPath path, Operation operation) {
        Value operand = value();
        return Filter::compare(std::move(path), operation, operand.kind, {std::move(operand.json)});
    }
    static Filter compare(detail::FilterPath path, Operation operation, std::vector<Json> operands) {
        return Filter::compare(std::move(path), operation, ValueKind::json, std::move(operands));
    }

    std::vector<Json> list() {
        std::vector<Json> values;
        do {
            values.push_back(value().json);
        } while (symbol(","));
        return values;
    }
    Json text() {
        const std::string_view raw = raw_value();
        return raw.find_first_of("\"[{") == 0 ? json(raw) : Json::string(raw);
    }
    Value value() {
        const std::string_view raw = raw_value();
        if (raw.find_first_of("\"[{") == 0) return {json(raw)};
        constexpr std::size_t kUuidWithDashes = 36;
        if (raw.size() == kUuidWithDashes && Uuid::parse(raw)) return {Json::string(raw), ValueKind::uuid};
        if (parse_iso8601(raw)) return {Json::string(raw), ValueKind::time};
        const bool literal = raw == "true" || raw == "false" || raw == "null" || raw.find_first_of("-0123456789") == 0;
        if (literal) {
            try {
                return {Json::parse(raw)};
            } catch (const Error&) {
                return {Json::string(raw)};  // a word after all: 2026-01-31, 007, -x
            }
        }
        return {Json::string(raw)};
    }
    Json json(std::string_view raw) const {
        try {
            return Json::parse(raw);
        } catch (const Error& error) {
            raise(ErrorCode::invalid_argument, fmt::format("the filter's value {}: {}", raw, error.info().message));
        }
    }
    std::string_view raw_value() {
        skip_blanks();
        const std::size_t start = at_;
        if (at_ < text_.size() && std::string_view("\"[{").find(text_[at_]) != std::string_view::npos) {
            at_ = end_of_json();
        } else {
            at_ = std::min(text_.find_first_of(kEndsWords, at_), text_.size());
        }
        if (at_ == start) wrong("a value (text with blanks stands in double quotes)");
        return text_.substr(start, at_ - start);
    }
    /// Of a string, an array or an object; what is inside is checked later.
    std::size_t end_of_json() const {
        std::size_t open = 0;
        for (std::size_t at = at_; at < text_.size();) {
            const char c = text_[at];
            if (c == '"') {
                const auto end = end_of_string(text_, at);
                if (!end) break;
                at = *end;
            } else {
                if (c == '[' || c == '{') ++open;
                if (c == ']' || c == '}') --open;
                ++at;
            }
            if (open == 0) return at;
        }
        wrong("the end of the value");
    }

    void skip_blanks() { at_ = std::min(text_.find_first_not_of(kBlanks, at_), text_.size()); }
    bool symbol(std::string_view symbol) {
        skip_blanks();
        if (!text_.substr(at_).starts_with(symbol)) return false;
        at_ += symbol.size();
        return true;
    }
    bool word(std::string_view word) {
        skip_blanks();
        const std::string_view rest = text_.substr(at_);
        if (!rest.starts_with(word)) return false;
        if (rest.size() > word.size() && kEndsWords.find(rest[word.size()]) == std::string_view::npos) return false;
        at_ += word.size();
        return true;
    }
    bool words(std::initializer_list<std::string_view> all) {
        const std::size_t start = at_;
        const bool found = std::all_of(all.begin(), all.end(), [this](std::string_view each) { return word(each); });
        if (!found) at_ = start;
        return found;
    }
    [[noreturn]] void wrong(std::string_view wanted) const {
        raise(ErrorCode::invalid_argument,
              fmt::format("the filter '{}' cannot be read {}: {} was expected there", text_,
                          at_ < text_.size() ? fmt::format("from '{}' on", text_.substr(at_)) : "at its end", wanted));
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t depth_ = 0;
};

}  // namespace

inline namespace v0 {

Filter Filter::parse(std::string_view text) {
    check_text("the filter", text);
    return FilterReader(text).whole();
}

}  // namespace v0
}  // namespace stele
