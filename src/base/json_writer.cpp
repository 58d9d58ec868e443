#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "base/json_path.hpp"
#include "base/json_string.hpp"
#include "base/json_tree.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "stele/detail/json_cursor.hpp"

namespace stele {
inline namespace v0 {
namespace detail {

template <class Number>
void JsonWriter::write_number(Number value) {
    begin_value();
    std::array<char, 32> digits{};
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{}) refuse("cannot be written");
    out_.append(digits.data(), end);
}

void JsonWriter::null() {
    begin_value();
    out_ += "null";
}

void JsonWriter::boolean(bool value) {
    begin_value();
    out_ += value ? "true" : "false";
}

void JsonWriter::integer(std::int64_t value) {
    write_number(value);
}

void JsonWriter::unsigned_integer(std::uint64_t value) {
    write_number(value);
}

void JsonWriter::number(double value) {
    if (!std::isfinite(value)) {
        begin_value();
        refuse("is not a finite number");
    }
    write_number(value);
}

void JsonWriter::number(float value) {
    if (!std::isfinite(value)) return number(static_cast<double>(value));
    write_number(value);
}

void JsonWriter::string(std::string_view value) {
    begin_value();
    if (const auto fault = find_text_fault(value)) refuse(to_string(*fault));
    append_json_string(out_, value);
}

void JsonWriter::timestamp(Timestamp value) {
    begin_value();
    try {
        out_.append("\"").append(to_iso8601(value)).append("\"");
    } catch (const Error& error) {
        refuse(fmt::format("is refused: {}", error.what()));
    }
}

void JsonWriter::json(const Json& value) {
    begin_value();
    out_ += value.text();
}

void JsonWriter::begin_array() {
    open('[');
}

void JsonWriter::end_array() {
    close(']');
}

void JsonWriter::begin_object() {
    open('{');
}

void JsonWriter::end_object() {
    close('}');
}

void JsonWriter::member(std::string_view name) {
    name_value({JsonStep::Kind::member, name});
}

void JsonWriter::key(std::string_view name) {
    if (const auto fault = find_text_fault(name)) {
        levels_.pop_back();
        refuse(fmt::format("has a key that {}", to_string(*fault)));
    }
    name_value({JsonStep::Kind::key, name});
}

void JsonWriter::name_value(JsonStep step) {
    Level& level = levels_.back();
    if (level.count++ > 0) out_ += ',';
    level.step = step;
    append_json_string(out_, step.name);
    out_ += ':';
}

void JsonWriter::begin_value() {
    if (levels_.empty() || !levels_.back().is_array) return;
    Level& level = levels_.back();
    if (level.count > 0) out_ += ',';
    level.step = {JsonStep::Kind::item, {}, level.count++};
}

void JsonWriter::open(char bracket) {
    begin_value();
    if (levels_.size() == kMaxJsonDepth) refuse(fmt::format("is nested deeper than {}", kMaxJsonDepth));
    out_ += bracket;
    levels_.push_back({bracket == '[', 0, {}});
}

void JsonWriter::close(char bracket) {
    out_ += bracket;
    levels_.pop_back();
}

void JsonWriter::refuse(std::string_view fault) const {
    std::vector<JsonStep> steps;
    steps.reserve(levels_.size());
    for (const Level& level : levels_) steps.push_back(level.step);
    raise(ErrorCode::invalid_argument, fmt::format("cannot write {} as JSON: {} {}", type_, render_path(steps), fault));
}

}  // namespace detail
}  // namespace v0
}  // namespace stele
