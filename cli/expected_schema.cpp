#include "expected_schema.hpp"

#include <algorithm>
#include <regex>
#include <sstream>

#include "text.hpp"

namespace stele::cli {
namespace {

using Match = std::smatch;

constexpr auto kFlags = std::regex::ECMAScript | std::regex::icase;

std::string without_comments(const std::string& sql) {
    std::string clean;
    std::istringstream lines(sql);
    for (std::string line; std::getline(lines, line);) {
        line.resize(std::min(line.size(), line.find("--")));
        clean += line + "\n";
    }
    return clean;
}

/// Between the commas that stand in no parentheses.
std::vector<std::string> parts_of(const std::string& list) {
    std::vector<std::string> parts(1);
    int depth = 0;
    for (const char letter : list) {
        depth += letter == '(' ? 1 : letter == ')' ? -1 : 0;
        if (letter == ',' && depth == 0) {
            parts.emplace_back();
        } else {
            parts.back() += letter;
        }
    }
    for (std::string& part : parts) part = std::string(trimmed(part));
    return parts;
}

std::vector<ExpectedKey> keys_of(const std::string& body) {
    static const std::regex table_key(R"(^(?:CONSTRAINT \w+ )?(PRIMARY KEY|UNIQUE)\s*\(([^)]*)\))", kFlags);
    static const std::regex column_key(R"(^(\w+)\s.*\b(PRIMARY KEY|UNIQUE)\b)", kFlags);
    std::vector<ExpectedKey> keys;
    for (const std::string& part : parts_of(body)) {
        Match match;
        if (std::regex_search(part, match, table_key)) {
            keys.push_back({parts_of(match[2]), match[1].str().front() == 'P'});
        } else if (std::regex_search(part, match, column_key)) {
            keys.push_back({{match[1]}, match[2].str().front() == 'P'});
        }
    }
    return keys;
}

template <class Things>
void forget(Things& things, const std::string& name) {
    std::erase_if(things, [&name](const auto& thing) { return thing.name == name; });
}

void read(const std::string& sql, ExpectedSchema& schema) {
    // at the beginning of a line: function bodies are indented
    static const std::regex statement(
        R"(\n(?:(CREATE TABLE (?:IF NOT EXISTS )?\{schema\}\.(\w+) \(([\s\S]*?)\n\));)"
        R"(|CREATE (UNIQUE )?INDEX (?:CONCURRENTLY )?(?:IF NOT EXISTS )?(\w+) ON \{schema\}\.((\w+)[^(]*\(([^;]*)\)[^;]*);)"
        R"(|DROP (TABLE|INDEX) (?:CONCURRENTLY )?(?:IF EXISTS )?\{schema\}\.(\w+)[^;]*;))",
        kFlags);
    const std::string text = "\n" + without_comments(sql);
    for (std::sregex_iterator each(text.begin(), text.end(), statement), end; each != end; ++each) {
        const Match& match = *each;
        if (match[2].matched) {
            schema.tables.push_back({match[2], match[1].str() + ";", keys_of(match[3])});
        } else if (match[5].matched) {
            schema.indexes.push_back({match[5], match[7], parts_of(match[8]), match[4].matched, match[6]});
        } else {
            const std::string name = match[10];
            forget(schema.indexes, name);
            forget(schema.tables, name);
            std::erase_if(schema.indexes, [&name](const ExpectedIndex& index) { return index.table == name; });
        }
    }
}

}  // namespace

ExpectedSchema expected_schema(const std::vector<Migration>& all) {
    ExpectedSchema schema;
    for (const Migration& migration : all) read(migration.sql, schema);
    return schema;
}

}  // namespace stele::cli
