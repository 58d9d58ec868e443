#include "embed_print.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "embed_values.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

json similarities_of(const EmbedReport& report) {
    const std::size_t count = report.texts.size();
    if (count < 2) return nullptr;
    json rows(count, json(count, json(1.0)));
    for (const Pair& pair : pairs_of(report.embeddings)) {
        rows[pair.a][pair.b] = rows[pair.b][pair.a] = shortest(pair.similarity);
    }
    return rows;
}

std::string beginning_of(const std::vector<float>& vector) {
    constexpr std::size_t kShown = 8;
    std::string text;
    for (std::size_t i = 0; i < std::min(kShown, vector.size()); ++i) text += fmt::format("{:.4f}  ", vector[i]);
    return text + (vector.size() > kShown ? "\u2026" : "");
}

std::string how_far_read(const EmbedReport& report) {
    std::string cut;
    for (std::size_t i = 0; i < report.texts.size(); ++i) {
        if (report.embeddings[i].truncated) cut += fmt::format("{}{}", cut.empty() ? "" : ", ", i + 1);
    }
    if (cut.empty()) return "to the end";
    const std::string which = report.texts.size() == 1 ? "" : " of " + cut;
    return fmt::format("only the beginning{}: longer than the model reads (--long-text windows reads all)", which);
}

void print_matrix(const EmbedReport& report, const Output& output) {
    const std::size_t count = report.texts.size();
    Table table{{""}, {}, {true}};
    for (std::size_t i = 0; i < count; ++i) {
        table.headers.push_back(fmt::format("{}", i + 1));
        table.to_the_right.push_back(true);
        table.rows.emplace_back(count + 2, fmt::format("{:.3f}", 1.0));
        table.rows.back().front() = table.headers.back();
        table.rows.back().back() = one_line(report.texts[i]);
    }
    table.headers.emplace_back("text");
    for (const Pair& pair : pairs_of(report.embeddings)) {
        table.rows[pair.a][pair.b + 1] = table.rows[pair.b][pair.a + 1] = fmt::format("{:.3f}", pair.similarity);
    }
    output.table(table);
}

void print_pairs(const EmbedReport& report, const Output& output) {
    constexpr std::size_t kShown = 50, kColumns = 40;
    std::vector<Pair> pairs = pairs_of(report.embeddings);
    std::sort(pairs.begin(), pairs.end(), [](const Pair& one, const Pair& other) {
        return std::tie(other.similarity, one.a, one.b) < std::tie(one.similarity, other.a, other.b);
    });
    Table table{{"similarity", "text", "and"}, {}, {true}};
    for (std::size_t i = 0; i < std::min(kShown, pairs.size()); ++i) {
        table.rows.push_back({fmt::format("{:.3f}", pairs[i].similarity),
                              shortened(one_line(report.texts[pairs[i].a]), kColumns),
                              one_line(report.texts[pairs[i].b])});
    }
    output.table(table);
    if (pairs.size() > kShown) {
        output.note(fmt::format("the most similar {} of {} pairs; --json has all", kShown, pairs.size()));
    }
}

}  // namespace

json to_document(const EmbedReport& report) {
    json embeddings = json::array();
    for (std::size_t i = 0; i < report.texts.size(); ++i) {
        embeddings.push_back({{"text", report.texts[i]},
                              {"truncated", report.embeddings[i].truncated},
                              {"vector", to_json(report.embeddings[i].vector)}});
    }
    return {{"embedder", report.fingerprint},
            {"dimension", report.dimension},
            {"embeddings", std::move(embeddings)},
            {"similarities", similarities_of(report)}};
}

void print(const EmbedReport& report, const Output& output) {
    constexpr std::size_t kWidestMatrix = 8;
    std::vector<std::pair<std::string, std::string>> fields = {{"embedder", one_line(report.embedder)},
                                                               {"fingerprint", one_line(report.fingerprint)},
                                                               {"dimension", fmt::format("{}", report.dimension)}};
    if (report.says_truncated) fields.emplace_back("read", how_far_read(report));
    if (report.texts.size() == 1) fields.emplace_back("vector", beginning_of(report.embeddings[0].vector));
    if (report.texts.size() == 2) {
        fields.emplace_back("similarity", fmt::format("{:.3f}", pairs_of(report.embeddings)[0].similarity));
    }
    output.fields(fields);
    if (report.texts.size() < 3) return;
    output.line();
    report.texts.size() <= kWidestMatrix ? print_matrix(report, output) : print_pairs(report, output);
}

}  // namespace stele::cli
