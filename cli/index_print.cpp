#include "index_print.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "json_member.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using detail::FilterPath;
using nlohmann::json;

std::string text_of(const json* value) {
    if (value == nullptr) return "";
    return one_line(value->is_string() ? value->get<std::string>() : value->dump());
}

/// As cutting a folder of texts into chunks makes them.
bool is_chunk(const json& document) {
    return document.is_object() && document.contains("path") && document.contains("position") &&
           document.contains("text");
}

std::vector<std::string> columns_for(const std::vector<json>& documents, const std::vector<std::string>& show) {
    if (!show.empty()) return show;
    if (!documents.empty() && std::all_of(documents.begin(), documents.end(), is_chunk)) {
        return {"path", "position", "heading", "text"};
    }
    return {};
}

}  // namespace

void add_show_option(CLI::App& command, std::vector<std::string>& show) {
    command
        .add_option("--show", show,
                    "A member to print as a column; may be given several times (default: the whole document)")
        ->option_text("MEMBER")
        ->take_all()
        ->allow_extra_args(false);
}

std::string json_text(const Found<Json>& found) {
    return fmt::format(R"({{"id":"{}",{}"created":"{}","document":{}}})", found.id.to_string(),
                       found.score ? fmt::format(R"("score":{},)", json(*found.score).dump()) : "",
                       to_iso8601(found.created), found.value.text());
}

Table table_of(const std::vector<Found<Json>>& found, const std::vector<std::string>& show) {
    constexpr std::size_t kWidestColumn = 48;
    std::vector<json> documents;
    documents.reserve(found.size());
    for (const auto& each : found) documents.push_back(json::parse(each.value.text()));
    const bool scores = std::any_of(found.begin(), found.end(), [](const auto& each) { return each.score; });
    const std::vector<std::string> columns = columns_for(documents, show);
    std::vector<FilterPath> paths;
    for (const std::string& column : columns) paths.push_back(detail::parse_path(column));

    Table table;
    if (scores) table.headers.emplace_back("score");
    table.headers.emplace_back("id");
    table.to_the_right = {scores};
    if (columns.empty()) table.headers.emplace_back("document");
    table.headers.insert(table.headers.end(), columns.begin(), columns.end());
    for (std::size_t i = 0; i < found.size(); ++i) {
        std::vector<std::string>& row = table.rows.emplace_back();
        if (scores) row.push_back(fmt::format("{:.3f}", found[i].score.value_or(0)));
        row.push_back(found[i].id.to_string());
        if (columns.empty()) row.push_back(one_line(documents[i].dump()));
        for (std::size_t column = 0; column < paths.size(); ++column) {
            const std::string text = text_of(find_member(documents[i], paths[column]));
            row.push_back(column + 1 < paths.size() ? shortened(text, kWidestColumn) : text);
        }
    }
    return table;
}

}  // namespace stele::cli
