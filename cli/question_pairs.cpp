#include "question_pairs.hpp"

#include <nlohmann/json.hpp>

#include "json_lines.hpp"

namespace stele::cli {
namespace {

QuestionPair pair_of(const JsonLines& lines, std::string_view text, bool same) {
    const auto value = nlohmann::json::parse(text);
    const auto has_text = [&value](const char* name) {
        return value.is_object() && value.contains(name) && value[name].is_string();
    };
    if (!has_text("a") || !has_text("b")) lines.refuse_line("no object with the texts \"a\" and \"b\"");
    return {value["a"].get<std::string>(), value["b"].get<std::string>(), same};
}

}  // namespace

void read_pairs(const std::string& file, bool same, std::vector<QuestionPair>& pairs) {
    InputFile input(file);
    JsonLines lines(input.stream(), input.name(), JsonLines::kLongestLine, true);
    try {
        while (const auto text = lines.next()) pairs.push_back(pair_of(lines, *text, same));
    } catch (const Error& error) {
        throw BadPair(error.info());
    }
}

}  // namespace stele::cli
