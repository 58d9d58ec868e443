#include "postgres/sessionless.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace stele {
namespace {

constexpr std::array<std::string_view, 8> kRefused{"deallocate", "discard", "execute", "listen",
                                                   "load",       "prepare", "reset",   "unlisten"};
constexpr std::array<std::string_view, 3> kInTransaction{"local", "transaction", "constraints"};

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

void skip_blanks_and_comments(std::string_view& sql) {
    const auto drop = [&sql](std::size_t count) { sql.remove_prefix(std::min(count, sql.size())); };
    for (;;) {
        drop(sql.find_first_not_of(" \t\n\v\f\r"));
        if (sql.starts_with("--")) {
            drop(sql.find('\n'));
        } else if (sql.starts_with("/*")) {
            int depth = 0;  // they nest
            do {
                depth += sql.starts_with("/*") ? 1 : sql.starts_with("*/") ? -1 : 0;
                drop(sql.starts_with("/*") || sql.starts_with("*/") ? 2 : 1);
            } while (depth > 0 && !sql.empty());
        } else {
            return;
        }
    }
}

/// The next word in lower case, taken off; empty when there is something else.
std::string take_word(std::string_view& sql) {
    skip_blanks_and_comments(sql);
    const auto end = std::find_if_not(sql.begin(), sql.end(), is_letter);
    std::string word(sql.begin(), end);
    for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    sql.remove_prefix(word.size());
    return word;
}

std::string_view advice(std::string_view command) {
    if (command == "set" || command == "reset") return "use SET LOCAL in a transaction, or ALTER ROLE ... SET";
    return "connect to the server directly for it";
}

}  // namespace

Result<void> check_sessionless(std::span<const Statement> statements) {
    for (const Statement& statement : statements) {
        std::string_view sql = statement.sql().text();
        const std::string command = take_word(sql);
        const bool is_set = command == "set";
        if (!is_set && std::find(kRefused.begin(), kRefused.end(), command) == kRefused.end()) continue;
        const std::string second = take_word(sql);
        if (is_set && std::find(kInTransaction.begin(), kInTransaction.end(), second) != kInTransaction.end()) continue;
        if (command == "prepare" && second == "transaction") continue;
        std::string shown = command;
        for (char& c : shown) c = static_cast<char>(c - 'a' + 'A');
        return fail(make_error(ErrorCode::invalid_argument,
                               fmt::format("{} needs a session of its own, which a transaction pooler "
                                           "(pooler=transaction) does not give; {}",
                                           shown, advice(command))));
    }
    return {};
}

}  // namespace stele
