#include "base/json_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/json_string.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "stele/json.hpp"

namespace stele {
namespace {

[[noreturn]] void refuse(std::string_view text, std::size_t offset, std::string_view reason) {
    const std::string_view before = text.substr(0, offset);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const auto column = offset - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
    raise(ErrorCode::invalid_argument,
          fmt::format("not valid JSON at byte {} (line {}, column {}): {}", offset, line, column, reason));
}

/// What the grammar allows and Stele does not. Reads malformed text too: the grammar is checked afterwards.
void refuse_what_cannot_be_stored(std::string_view text) {
    if (const auto fault = find_text_fault(text)) {
        refuse(text, fault->offset, fault->kind == TextFault::Kind::nul ? "a NUL byte" : "not UTF-8");
    }
    if (text.starts_with("\xEF\xBB\xBF")) refuse(text, 0, "a byte order mark");
    bool in_string = false;
    std::size_t depth = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (in_string) {
            if (c == '"') in_string = false;
            if (c != '\\') continue;
            if (text.substr(at, 6) == "\\u0000") refuse(text, at, "U+0000, which PostgreSQL cannot store");
            ++at;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > kMaxJsonDepth) refuse(text, at, fmt::format("nested deeper than {}", kMaxJsonDepth));
        } else if ((c == ']' || c == '}') && depth > 0) {
            --depth;
        }
    }
}

/// Listens to the parser and forgets.
class Checker : public nlohmann::json_sax<nlohmann::json> {
public:
    explicit Checker(std::string_view text) : text_(text) {}

    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override { return true; }
    bool key(string_t&) override { return true; }
    bool end_object() override { return true; }
    bool start_array(std::size_t) override { return true; }
    bool end_array() override { return true; }

    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
        // "[json.exception...] parse error at ...: REASON; last read: '...'": the position is given in our own words,
        // and what was read may be long or secret.
        std::string_view reason = error.what();
        if (const auto prefix = reason.find("syntax error"); prefix != std::string_view::npos) {
            reason.remove_prefix(prefix);
        } else if (const auto range = reason.find("number overflow"); range != std::string_view::npos) {
            reason = "a number that no double can hold";
        }
        refuse(text_, position == 0 ? 0 : position - 1, reason.substr(0, reason.find("; last read")));
    }

private:
    std::string_view text_;
};

/// Listens to the parser and builds the tree.
class Builder final : public Checker {
public:
    using Checker::Checker;

    JsonNode take() { return std::move(root_); }

    bool null() override {
        add(JsonNode::Kind::null);
        return true;
    }
    bool boolean(bool value) override {
        add(JsonNode::Kind::boolean).flag = value;
        return true;
    }
    bool number_integer(number_integer_t value) override {
        return add_text(JsonNode::Kind::number, std::to_string(value));
    }
    bool number_unsigned(number_unsigned_t value) override {
        return add_text(JsonNode::Kind::number, std::to_string(value));
    }
    bool number_float(number_float_t, const string_t& written) override {
        // The parser puts the locale's decimal point into the text it hands over.
        std::string number = written;
        for (char& c : number) {
            if (std::string_view("0123456789+-eE").find(c) == std::string_view::npos) c = '.';
        }
        return add_text(JsonNode::Kind::number, std::move(number));
    }
    bool string(string_t& value) override { return add_text(JsonNode::Kind::string, std::move(value)); }
    bool key(string_t& value) override {
        open_.back()->keys.push_back(std::move(value));
        return true;
    }
    bool start_object(std::size_t) override { return open(JsonNode::Kind::object); }
    bool start_array(std::size_t) override { return open(JsonNode::Kind::array); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }

private:
    JsonNode& place() { return open_.empty() ? root_ : open_.back()->items.emplace_back(); }
    JsonNode& add(JsonNode::Kind kind) {
        JsonNode& node = place();
        node.kind = kind;
        return node;
    }
    bool add_text(JsonNode::Kind kind, std::string text) {
        add(kind).text = std::move(text);
        return true;
    }
    // Only the innermost open node grows, so the pointers to the ones around it stay good.
    bool open(JsonNode::Kind kind) {
        open_.push_back(&add(kind));
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    JsonNode root_;
    std::vector<JsonNode*> open_;
};

template <class Listener>
Listener listen(std::string_view text) {
    refuse_what_cannot_be_stored(text);
    Listener listener(text);
    nlohmann::json::sax_parse(text.begin(), text.end(), &listener);
    return listener;
}

}  // namespace

const JsonNode* JsonNode::find(std::string_view key) const noexcept {
    for (std::size_t i = keys.size(); i-- > 0;) {
        if (keys[i] == key) return &items[i];
    }
    return nullptr;
}

std::string JsonNode::to_text() const {
    switch (kind) {
        case Kind::null: return "null";
        case Kind::boolean: return flag ? "true" : "false";
        case Kind::number: return text;
        case Kind::string: return Json::string(text).text();
        case Kind::array:
        case Kind::object: break;
    }
    std::string out(1, kind == Kind::array ? '[' : '{');
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (i > 0) out += ',';
        if (kind == Kind::object) {
            append_json_string(out, keys[i]);
            out += ':';
        }
        out += items[i].to_text();
    }
    return out += kind == Kind::array ? ']' : '}';
}

std::string_view to_string(JsonNode::Kind kind) noexcept {
    switch (kind) {
        case JsonNode::Kind::null: return "null";
        case JsonNode::Kind::boolean: return "a boolean";
        case JsonNode::Kind::number: return "a number";
        case JsonNode::Kind::string: return "a string";
        case JsonNode::Kind::array: return "an array";
        case JsonNode::Kind::object: return "an object";
    }
    return "null";
}

void check_json(std::string_view text) {
    listen<Checker>(text);
}

JsonNode parse_json(std::string_view text) {
    return listen<Builder>(text).take();
}

}  // namespace stele
