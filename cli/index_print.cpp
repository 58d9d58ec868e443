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

/// `scores`: what is told of the score, before the rest.
std::string document_text(const Uuid& id, const std::string& scores, Timestamp created, const Json& document) {
    return fmt::format(R"({{"id":"{}",{}"created":"{}","document":{}}})", id.to_string(), scores, to_iso8601(created),
                       document.text());
}

std::string member(std::string_view name, const json& value) {
    return fmt::format(R"("{}":{},)", name, value.dump());
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

std::string found_text(const Found<Json>& found) {
    return document_text(found.id, found.score ? member("score", *found.score) : "", found.created, found.value);
}

std::string found_text(const HybridFound<Json>& found) {
    std::string scores = member("score", found.score);
    if (found.cosine) scores += member("cosine", *found.cosine) + member("vector_place", *found.vector_place);
    if (found.text_score) scores += member("text_score", *found.text_score) + member("text_place", *found.text_place);
    return document_text(found.id, scores, found.created, found.value);
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

Table table_of(const std::vector<HybridFound<Json>>& found, const std::vector<std::string>& show) {
    std::vector<Found<Json>> documents;
    for (const auto& each : found) documents.push_back({each.id, each.value, std::nullopt, each.created});
    Table table = table_of(documents, show);
    const std::vector<std::string> headers = {"score", "by meaning", "by words"};
    table.headers.insert(table.headers.begin(), headers.begin(), headers.end());
    table.to_the_right.assign(headers.size(), true);
    const auto place = [](const std::optional<std::int64_t>& of) { return of ? fmt::format("{}", *of) : "-"; };
    for (std::size_t i = 0; i < found.size(); ++i) {
        const std::vector<std::string> columns = {fmt::format("{:.4f}", found[i].score), place(found[i].vector_place),
                                                  place(found[i].text_place)};
        table.rows[i].insert(table.rows[i].begin(), columns.begin(), columns.end());
    }
    return table;
}

}  // namespace stele::cli
