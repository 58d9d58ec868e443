#include "json_member.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace stele::cli {
namespace {

/// Walks through JSON that has been checked.
class Remover {
public:
    Remover(std::string_view text, const detail::FilterPath& path) : text_(text), path_(path) {}

    std::string run() {
        object(0);
        return std::move(kept_).append(text_.substr(done_));
    }

private:
    void blanks() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }
    void string() {
        for (++at_; text_[at_] != '"'; ++at_) at_ += text_[at_] == '\\' ? 1 : 0;
        ++at_;
    }
    void value() {
        std::size_t depth = 0;
        do {
            const char c = text_[at_];
            if (c == '"') {
                string();
                continue;
            }
            depth += c == '{' || c == '[' ? 1 : 0;
            depth -= c == '}' || c == ']' ? 1 : 0;
            ++at_;
        } while (at_ < text_.size() &&
                 (depth > 0 || std::string_view(",]} \t\r\n").find(text_[at_]) == std::string_view::npos));
    }
    void object(std::size_t level) {
        blanks();
        if (text_[at_] != '{') return value();
        bool others = false;  // before it
        for (;;) {
            const std::size_t before = at_++;  // a brace or a comma
            blanks();
            if (text_[at_] == '}') break;  // of none
            const std::size_t name = at_;
            string();
            const bool named =
                nlohmann::json::parse(text_.substr(name, at_ - name)).get<std::string>() == path_[level].key;
            blanks();
            ++at_;  // the colon
            blanks();
            if (named && level + 1 < path_.size()) {
                object(level + 1);
            } else {
                value();
            }
            blanks();
            const bool last = text_[at_] == '}';
            if (named && level + 1 == path_.size()) {
                // with one of the commas around it
                kept_.append(text_.substr(done_, (others ? before : before + 1) - done_));
                done_ = others || last ? at_ : at_ + 1;
            } else {
                others = true;
            }
            if (last) break;
        }
        ++at_;
    }

    const std::string_view text_;
    const detail::FilterPath& path_;
    std::string kept_;
    std::size_t done_ = 0, at_ = 0;
};

}  // namespace

const nlohmann::json* find_member(const nlohmann::json& document, const detail::FilterPath& path) {
    const nlohmann::json* at = &document;
    for (const detail::FilterStep& step : path) {
        if (step.item) {
            if (!at->is_array() || *step.item >= at->size()) return nullptr;
            at = &(*at)[*step.item];
        } else {
            if (!at->is_object() || !at->contains(step.key)) return nullptr;
            at = &at->at(step.key);
        }
    }
    return at;
}

std::string without_member(std::string_view document, const detail::FilterPath& path) {
    return Remover(document, path).run();
}

}  // namespace stele::cli
