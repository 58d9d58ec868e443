#include "postgres/dsn_text.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace stele {
namespace {

tl::unexpected<ErrorInfo> malformed(std::string why) {
    return fail(make_error(ErrorCode::invalid_argument, "connection string: " + std::move(why)));
}

bool is_blank(char c) {
    return kDsnBlanks.find(c) != std::string_view::npos;
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view without_leading_blanks(std::string_view text) {
    return text.substr(std::min(text.size(), text.find_first_not_of(kDsnBlanks)));
}

std::string_view without_trailing_blanks(std::string_view text) {
    return text.substr(0, text.find_last_not_of(kDsnBlanks) + 1);
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

Result<std::string> percent_decoded(std::string_view text, std::string_view what) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0 || high + low == 0) {
            return malformed("the " + std::string(what) +
                             " holds a '%' that begins no percent-encoding; write '%' itself as %25");
        }
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

/// The name before "://", lower-case, or nothing when `text` is no URI.
std::optional<std::string> uri_scheme(std::string_view text) {
    const auto end = text.find("://");
    if (end == std::string_view::npos || end == 0) return std::nullopt;
    std::string scheme(text.substr(0, end));
    std::transform(scheme.begin(), scheme.end(), scheme.begin(), lower);
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    };
    return std::all_of(scheme.begin(), scheme.end(), fits) ? std::optional(std::move(scheme)) : std::nullopt;
}

/// Hosts, ports and database, as libpq reads them (IPv6 brackets, several hosts, encoded socket directories).
Result<std::vector<DsnSetting>> read_by_libpq(const std::string& uri) {
    char* message = nullptr;
    const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconninfoParse(uri.c_str(), &message),
                                                                               &PQconninfoFree);
    PQfreemem(message);  // it quotes its input
    if (!options) {
        return malformed(
            "the host part is malformed; an IPv6 address stands in brackets, like [::1]:5432, and a "
            "socket directory is percent-encoded, like %2Fvar%2Frun");
    }
    std::vector<DsnSetting> settings;
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
        if (option->val != nullptr) settings.push_back({option->keyword, option->val});
    }
    return settings;
}

Result<void> add_query(std::string_view query, std::vector<DsnSetting>& settings) {
    while (!query.empty()) {
        const std::string_view item = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), item.size() + 1));
        if (item.empty()) continue;
        const auto equals = item.find('=');
        if (equals == std::string_view::npos) {
            return malformed("a parameter after '?' has no '='; write '&' and '?' inside a value as %26 and %3F");
        }
        auto name = percent_decoded(item.substr(0, equals), "name of a parameter");
        if (!name) return fail(std::move(name.error()));
        auto value = percent_decoded(item.substr(equals + 1), "value of a parameter");
        if (!value) return fail(std::move(value.error()));
        settings.push_back({std::move(*name), std::move(*value)});
    }
    return {};
}

Result<DsnText> split_uri(std::string_view rest) {
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
    rest.remove_prefix(authority.size());
    const std::string_view path = rest.substr(0, rest.find('?'));
    const std::string_view query = path.size() < rest.size() ? rest.substr(path.size() + 1) : std::string_view();

    // As Python's urlsplit has it, the last '@' ends the password. An '@' further on means that a '/' or '?' has cut
    // the credentials in two; libpq would take the pieces for a host and a database.
    const auto at = authority.rfind('@');
    if (at == std::string_view::npos && (path.empty() ? query : path).find('@') != std::string_view::npos) {
        return malformed(
            "there is an '@' behind the host part; write '/', '?' and '@' inside a user name, password or "
            "database name as %2F, %3F and %40");
    }
    const std::string_view hosts = at == std::string_view::npos ? authority : authority.substr(at + 1);
    for (const auto& [part, what] : {std::pair(hosts, "host"), std::pair(path, "database name")}) {
        if (auto decoded = percent_decoded(part, what); !decoded) return fail(std::move(decoded.error()));
    }

    auto settings = read_by_libpq("postgresql://" + std::string(hosts) + std::string(path));
    if (!settings) return fail(std::move(settings.error()));
    if (at != std::string_view::npos) {
        const std::string_view credentials = authority.substr(0, at);
        const auto colon = credentials.find(':');
        auto user = percent_decoded(credentials.substr(0, colon), "user name");
        if (!user) return fail(std::move(user.error()));
        settings->push_back({"user", std::move(*user)});
        if (colon != std::string_view::npos) {
            auto password = percent_decoded(credentials.substr(colon + 1), "password");
            if (!password) return fail(std::move(password.error()));
            settings->push_back({"password", std::move(*password)});
        }
    }
    if (auto added = add_query(query, *settings); !added) return fail(std::move(added.error()));
    return DsnText{true, std::move(*settings)};
}

/// One value of the keyword form: 'quoted' or up to the next blank, with backslash escapes in both.
Result<std::string> take_value(std::string_view& rest) {
    std::string value;
    const bool quoted = !rest.empty() && rest.front() == '\'';
    std::size_t i = quoted ? 1 : 0;
    for (; i < rest.size(); ++i) {
        if (quoted ? rest[i] == '\'' : is_blank(rest[i])) break;
        if (rest[i] == '\\') ++i;
        if (i < rest.size()) value += rest[i];
    }
    if (quoted && i >= rest.size()) return malformed("a quoted value does not end; write ' inside a value as \\'");
    rest.remove_prefix(std::min(rest.size(), i + (quoted ? 1 : 0)));
    return value;
}

Result<DsnText> split_keywords(std::string_view rest) {
    DsnText text;
    for (; !rest.empty(); rest = without_leading_blanks(rest)) {
        const std::string_view name = rest.substr(0, rest.find_first_of(" \t\n\v\f\r="));
        rest = without_leading_blanks(rest.substr(name.size()));
        if (name.empty() || rest.empty() || rest.front() != '=') {
            return malformed(
                "it is neither a URI (postgres://user@host/database) nor a list of name=value; a value "
                "with blanks stands in single quotes");
        }
        rest = without_leading_blanks(rest.substr(1));
        auto value = take_value(rest);
        if (!value) return fail(std::move(value.error()));
        text.settings.push_back({std::string(name), std::move(*value)});
    }
    return text;
}

}  // namespace

Result<DsnText> split_dsn(std::string_view text) {
    if (text.find('\0') != std::string_view::npos) return malformed("it holds a NUL character");
    text = without_leading_blanks(text);
    const auto scheme = uri_scheme(text);
    if (!scheme) return split_keywords(text);
    if (*scheme != "postgres" && *scheme != "postgresql") {
        return malformed("the scheme must be postgres:// or postgresql://");
    }
    return split_uri(without_trailing_blanks(text).substr(scheme->size() + 3));
}

}  // namespace stele
