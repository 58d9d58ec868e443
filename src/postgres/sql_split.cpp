#include "postgres/sql_split.hpp"

#include <algorithm>
#include <cstddef>
#include <string>

namespace stele {
namespace {

bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_identifier(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           byte >= 0x80;
}

/// Each skip_ function starts at the opening mark and leaves `at_` behind the closing one; false: there is none.
class Splitter {
public:
    explicit Splitter(std::string_view sql) : sql_(sql) {}

    Result<std::vector<std::string_view>> run() {
        while (at_ < sql_.size()) {
            const std::size_t opening = at_;
            const bool is_comment = sees("--") || sees("/*");
            if (!is_comment && !is_blank(sql_[at_]) && sql_[at_] != ';') begin_statement();
            if (const char* unclosed = step()) return not_ended(unclosed, opening);
            if (!is_comment && at_ > opening && !is_blank(sql_[opening]) && open_) end_ = at_;
        }
        if (!parentheses_.empty()) return not_ended("parenthesis", parentheses_.back());
        finish_statement();
        return std::move(statements_);
    }
    /// Where the $ of each parameter stands.
    const std::vector<std::size_t>& parameters() const noexcept { return dollars_; }

private:
    bool sees(std::string_view text) const { return sql_.substr(at_, text.size()) == text; }
    char before() const { return at_ == 0 ? ' ' : sql_[at_ - 1]; }

    /// Goes over one token; names it when it does not end.
    const char* step() {
        const char c = sql_[at_];
        if (sees("--")) {
            at_ = std::min(sql_.size(), sql_.find('\n', at_));
            return nullptr;
        }
        if (sees("/*")) return skip_comment() ? nullptr : "comment";
        if (c == '\'') return skip_quoted(c, is_escape_string()) ? nullptr : "string";
        if (c == '"') return skip_quoted(c, false) ? nullptr : "quoted name";
        if (c == '$' && !is_identifier(before())) return skip_dollar_quoted() ? nullptr : "dollar-quoted text";
        if (c == '(') parentheses_.push_back(at_);
        if (c == ')' && !parentheses_.empty()) parentheses_.pop_back();
        if (c == ';' && parentheses_.empty()) finish_statement();
        ++at_;
        return nullptr;
    }

    bool is_escape_string() const {
        const bool has_e = before() == 'e' || before() == 'E';
        return has_e && (at_ < 2 || !is_identifier(sql_[at_ - 2]));
    }

    bool skip_quoted(char quote, bool escapes) {
        for (++at_; at_ < sql_.size(); ++at_) {
            if (escapes && sql_[at_] == '\\') {
                ++at_;
            } else if (sql_[at_] == quote) {
                ++at_;
                if (at_ == sql_.size() || sql_[at_] != quote) return true;
            }
        }
        return false;
    }

    bool skip_dollar_quoted() {
        std::size_t end = at_ + 1;
        while (end < sql_.size() && is_identifier(sql_[end]) && sql_[end] != '$') ++end;
        const bool is_parameter = end > at_ + 1 && sql_[at_ + 1] >= '0' && sql_[at_ + 1] <= '9';
        if (end == sql_.size() || sql_[end] != '$' || is_parameter) {
            if (is_parameter) dollars_.push_back(at_);
            ++at_;
            return true;
        }
        const std::string_view tag = sql_.substr(at_, end + 1 - at_);
        const auto closing = sql_.find(tag, end + 1);
        if (closing == std::string_view::npos) return false;
        at_ = closing + tag.size();
        return true;
    }

    bool skip_comment() {
        int depth = 0;
        while (at_ < sql_.size()) {
            const bool opens = sees("/*");
            const bool closes = sees("*/");
            at_ += opens || closes ? 2 : 1;
            depth += opens ? 1 : closes ? -1 : 0;
            if (depth == 0) return true;
        }
        return false;
    }

    void begin_statement() {
        if (open_) return;
        open_ = true;
        begin_ = at_;
    }

    void finish_statement() {
        if (open_) statements_.push_back(sql_.substr(begin_, end_ - begin_));
        open_ = false;
    }

    tl::unexpected<ErrorInfo> not_ended(const char* what, std::size_t opening) const {
        const auto line = 1 + std::count(sql_.begin(), sql_.begin() + static_cast<std::ptrdiff_t>(opening), '\n');
        return fail(make_error(ErrorCode::invalid_argument, "SQL text: the " + std::string(what) + " begun in line " +
                                                                std::to_string(line) + " does not end"));
    }

    std::string_view sql_;
    std::size_t at_ = 0;
    std::vector<std::size_t> parentheses_;  // where each open one stands
    bool open_ = false;                     // inside a statement, from begin_ to (so far) end_
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::vector<std::string_view> statements_;
    std::vector<std::size_t> dollars_;
};

}  // namespace

Result<std::vector<std::string_view>> split_sql(std::string_view sql) {
    return Splitter(sql).run();
}

std::optional<std::string> rename_parameters(std::string_view sql, std::string_view prefix) {
    Splitter splitter(sql);
    const Result<std::vector<std::string_view>> statements = splitter.run();
    if (!statements || statements->size() != 1) return std::nullopt;
    const std::string_view statement = statements->front();
    const auto begin = static_cast<std::size_t>(statement.data() - sql.data());
    std::string renamed;
    std::size_t copied = begin;
    for (const std::size_t dollar : splitter.parameters()) {
        renamed += sql.substr(copied, dollar - copied);
        renamed += prefix;
        copied = dollar + 1;
    }
    renamed += sql.substr(copied, begin + statement.size() - copied);
    return renamed;
}

}  // namespace stele
