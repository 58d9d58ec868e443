#include "revision_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "exit_code.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using Parts = std::vector<std::string>;

constexpr std::size_t kLongestPart = 80;  // with every letter encoded still a name of a file

bool is_capital(char letter) {
    return letter >= 'A' && letter <= 'Z';
}

bool is_plain(char letter) {
    return (letter >= 'a' && letter <= 'z') || is_capital(letter) || (letter >= '0' && letter <= '9') ||
           std::string_view("-_.,+=@~").find(letter) != std::string_view::npos;
}

std::string encoded(char letter) {
    return fmt::format("%{:02X}", static_cast<unsigned char>(letter));
}

std::string lower(std::string_view text) {
    std::string low(text);
    for (char& letter : low) {
        if (is_capital(letter)) letter = static_cast<char>(letter - 'A' + 'a');
    }
    return low;
}

std::string with_capitals_encoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && text[i + 1] != '/') {
            out += text.substr(i, 3);
            i += 2;
        } else if (is_capital(text[i])) {
            out += encoded(text[i]);
        } else {
            out += text[i];
        }
    }
    return out;
}

/// Parts of the identifier between slashes that make a folder.
Parts split(std::string_view identifier) {
    Parts parts(1);
    for (std::size_t i = 0; i < identifier.size(); ++i) {
        const bool inside = i > 0 && i + 1 < identifier.size();
        if (identifier[i] == '/' && inside && identifier[i - 1] != '/' && identifier[i + 1] != '/') {
            parts.emplace_back();
        } else {
            parts.back() += identifier[i];
        }
    }
    return parts;
}

std::string encoded_part(std::string_view part, bool folder) {
    // a folder must not be taken for the file beside it
    const std::string low = lower(part);
    std::size_t type = std::string::npos;
    for (const std::string_view ending : {".json", ".txt"}) {
        if (folder && low.ends_with(ending)) type = part.size() - ending.size();
    }
    std::string out;
    for (std::size_t i = 0; i < part.size(); ++i) {
        const bool lost = part[i] == '.' && (i == 0 || i + 1 == part.size() || i == type);
        out += is_plain(part[i]) && !lost ? std::string(1, part[i]) : encoded(part[i]);
    }
    return out;
}

/// What is not too long for a name; each but the last ends with %.
void add_pieces(std::string text, Parts& parts) {
    while (text.size() > kLongestPart) {
        std::size_t cut = kLongestPart;
        for (std::size_t back = 1; back <= 2; ++back) {
            if (text[kLongestPart - back] == '%') cut = kLongestPart - back;
        }
        parts.push_back(text.substr(0, cut) + "%");
        text.erase(0, cut);
        if (text.starts_with('.')) text.replace(0, 1, encoded('.'));
    }
    parts.push_back(std::move(text));
}

Parts parts_of(std::string_view identifier) {
    const Parts plain = split(identifier);
    Parts parts;
    for (std::size_t i = 0; i < plain.size(); ++i) add_pieces(encoded_part(plain[i], i + 1 < plain.size()), parts);
    return parts;
}

std::string joined_path(const Parts& parts) {
    return joined(parts, "/");
}

int digit_of(char letter) {
    if (letter >= '0' && letter <= '9') return letter - '0';
    if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
    return -1;
}

/// Nothing: there is a % without two hexadecimal digits behind it.
std::optional<std::string> decoded(std::string_view part) {
    std::string out;
    for (std::size_t i = 0; i < part.size(); ++i) {
        if (part[i] != '%') {
            out += part[i];
            continue;
        }
        if (i + 2 >= part.size() || digit_of(part[i + 1]) < 0 || digit_of(part[i + 2]) < 0) return std::nullopt;
        out += static_cast<char>(digit_of(part[i + 1]) * 16 + digit_of(part[i + 2]));
        i += 2;
    }
    return out;
}

Parts split_path(std::string_view path) {
    Parts parts(1);
    for (const char letter : path) {
        if (letter == '/') {
            parts.emplace_back();
        } else {
            parts.back() += letter;
        }
    }
    return parts;
}

std::optional<std::string> decoded_path(std::string_view name) {
    const Parts parts = split_path(name);
    std::string identifier;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        std::string_view part = parts[i];
        const bool last = i + 1 == parts.size();
        const bool goes_on = !last && part.ends_with('%');
        if (goes_on) part.remove_suffix(1);
        if (part.empty() || part == "." || part == "..") return std::nullopt;
        const auto plain = decoded(part);
        if (!plain) return std::nullopt;
        identifier += *plain;
        if (!last && !goes_on) identifier += '/';
    }
    return identifier;
}

}  // namespace

std::vector<std::string> names_of_files(const std::vector<std::string>& identifiers) {
    std::vector<Parts> all;
    for (const std::string& identifier : identifiers) all.push_back(parts_of(identifier));
    for (std::size_t depth = 0, deeper = 1; deeper > 0; ++depth) {
        deeper = 0;
        // of everything at this depth: the spellings that a system blind to case takes for one
        std::map<std::string, std::set<std::string>> spellings;
        const auto key = [&](const Parts& parts) {
            return lower(joined_path(Parts(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(depth) + 1)));
        };
        for (const Parts& parts : all) {
            if (parts.size() > depth) spellings[key(parts)].insert(parts[depth]);
        }
        for (Parts& parts : all) {
            if (parts.size() <= depth) continue;
            if (spellings.at(key(parts)).size() > 1) parts[depth] = with_capitals_encoded(parts[depth]);
            if (parts.size() > depth + 1) ++deeper;
        }
    }
    std::vector<std::string> names;
    for (const Parts& parts : all) names.push_back(joined_path(parts));
    return names;
}

std::string identifier_of_name(std::string_view name) {
    const auto identifier = decoded_path(name);
    if (!identifier) {
        refuse(
            fmt::format("'{}' is no name of a file for an identifier: a % needs two hexadecimal digits (0-9, A-F) "
                        "behind it, and no part may be empty, . or ..",
                        printable(name)));
    }
    const std::string ours = joined_path(parts_of(*identifier));
    if (with_capitals_encoded(name) != with_capitals_encoded(ours)) {
        refuse(fmt::format("'{}' is not how the file of '{}' is named: rename it to '{}'", printable(name),
                           printable(*identifier), ours));
    }
    return *identifier;
}

void check_case(const std::vector<std::string>& paths) {
    std::map<std::string, std::string> seen;  // every path and the folders in it, as they were spelt first
    for (const std::string& path : paths) {
        for (std::size_t end = 0; end != std::string::npos;) {
            end = path.find('/', end + 1);
            const std::string part = path.substr(0, end);
            const auto [before, fresh] = seen.emplace(lower(part), part);
            if (!fresh && before->second != part) {
                refuse(
                    fmt::format("'{}' and '{}' differ in case only, and some systems take them for one: encode the "
                                "capitals of one (A is %41, Z is %5A)",
                                printable(before->second), printable(part)));
            }
        }
    }
}

}  // namespace stele::cli
