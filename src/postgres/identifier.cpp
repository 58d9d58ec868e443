#include "postgres/identifier.hpp"

#include <utf8proc.h>

#include <cstddef>
#include <utility>

#include "base/text.hpp"

namespace stele {
namespace {

// NAMEDATALEN - 1: PostgreSQL would cut a longer name, and two of them could meet.
constexpr std::size_t kMaxNameBytes = 63;

bool is_made_of_letters(std::string_view name) {
    std::size_t at = 0;
    while (at < name.size()) {
        utf8proc_int32_t codepoint = 0;
        const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(name.data()) + at,
                                             static_cast<utf8proc_ssize_t>(name.size() - at), &codepoint);
        if (length <= 0 || !(codepoint == '_' || is_alphanumeric(codepoint))) return false;
        at += static_cast<std::size_t>(length);
    }
    return true;
}

}  // namespace

std::string quote_identifier(std::string_view name) {
    if (name.empty() || name.find('\0') != std::string_view::npos) {
        raise(ErrorCode::invalid_argument, "an SQL name must not be empty or hold a NUL character");
    }
    std::string quoted = "\"";
    for (const char c : name) {
        quoted += c;
        if (c == '"') quoted += c;
    }
    return quoted + '"';
}

std::string quote_literal(std::string_view text) {
    check_text("the text", text);
    std::string quoted = "E'";
    for (const char c : text) {
        quoted += c;
        if (c == '\'' || c == '\\') quoted += c;
    }
    return quoted + "'";
}

Result<void> check_schema_name(std::string_view name) {
    const auto refused = [](std::string why) { return fail(make_error(ErrorCode::invalid_argument, std::move(why))); };
    if (name.empty() || !is_made_of_letters(name)) {
        return refused("schema name must be non-empty, and its characters alphanumeric or underscores");
    }
    if (name.size() > kMaxNameBytes) {
        return refused("schema name \"" + std::string(name) + "\" is " + std::to_string(name.size()) +
                       " bytes long; the limit is " + std::to_string(kMaxNameBytes));
    }
    if (name.substr(0, 3) == "pg_") {
        return refused("schema name \"" + std::string(name) + "\" is reserved: PostgreSQL keeps names with pg_");
    }
    return {};
}

}  // namespace stele
