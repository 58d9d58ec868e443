#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "demo_documents.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

/// "cli.md: The stele command > Exit status"
std::string source_of(const DocumentChunk& chunk) {
    return one_line(chunk.heading.empty() ? chunk.path : fmt::format("{}: {}", chunk.path, chunk.heading));
}

std::string milliseconds_text(double value) {
    return fmt::format("{:.1f} ms", value);
}

std::string of_all(std::size_t part, std::size_t all) {
    return fmt::format("{} of {}", part, all);
}

void print_questions(const DocumentsReport& report, const Output& output) {
    for (const PageAnswer& answer : report.answers) {
        const bool right = answer.place == 1U;
        output.line(output.paint(one_line(answer.asked.question), Tone::strong));
        if (answer.found.empty()) {
            output.line(output.paint("  nothing was found", Tone::bad));
            continue;
        }
        const auto chunk = from_json<DocumentChunk>(answer.found.front().value);
        output.line(fmt::format("  {:.3f}  {:>8}  {}", answer.found.front().score.value_or(0),
                                milliseconds_text(answer.milliseconds),
                                output.paint(source_of(chunk), right ? Tone::good : Tone::bad)));
        if (right) continue;
        output.line(output.paint(
            fmt::format("                   {} answers it: {}", answer.asked.page,
                        answer.place ? fmt::format("found as page {}", *answer.place) : "it was not found"),
            Tone::faint));
    }
}

}  // namespace

void print(const DocumentsReport& report, const Output& output) {
    output.line();
    output.fields(
        {{"documents",
          fmt::format("{} in {}", count_text(static_cast<std::int64_t>(report.files), "file", "files"), report.folder)},
         {"index", fmt::format("table {} in schema {} of {}", report.table, report.schema, report.database)},
         {"chunks", fmt::format("{}, {} of them embedded now, in {:.1f} s", report.chunks, report.embedded,
                                report.index_seconds)},
         {"embedder", report.embedder}});
    output.line();
    print_questions(report, output);
    const std::size_t asked = report.answers.size();
    if (asked == 0) return;
    output.line();
    output.line(output.paint(
        fmt::format("{} questions found the right page first: {:.0f} %", of_all(report.right_within(1), asked),
                    100.0 * static_cast<double>(report.right_within(1)) / static_cast<double>(asked)),
        Tone::strong));
    output.line(fmt::format("{} among the first three pages; half of the searches took less than {}",
                            of_all(report.right_within(3), asked), milliseconds_text(*report.p50_ms())));
    if (asked < report.planned)
        output.note(fmt::format("it was ended after {} questions", of_all(asked, report.planned)));
}

void print_answer(const PageAnswer& answer, const Output& output) {
    constexpr std::size_t kShown = 3;
    for (std::size_t i = 0; i < std::min(kShown, answer.found.size()); ++i) {
        const auto chunk = from_json<DocumentChunk>(answer.found[i].value);
        output.line(
            fmt::format("  {:.3f}  {}", answer.found[i].score.value_or(0), output.paint(source_of(chunk), Tone::good)));
        if (i == 0) output.line(printable(chunk.text));
    }
    output.line(output.paint(fmt::format("  {}", milliseconds_text(answer.milliseconds)), Tone::faint));
}

json to_document(const DocumentsReport& report) {
    json questions = json::array();
    for (const PageAnswer& answer : report.answers) {
        json found = json::array();
        for (const auto& each : answer.found) {
            const auto chunk = from_json<DocumentChunk>(each.value);
            found.push_back({{"path", chunk.path},
                             {"heading", chunk.heading},
                             {"position", chunk.position},
                             {"score", each.score.value_or(0)}});
        }
        questions.push_back({{"question", answer.asked.question},
                             {"page", answer.asked.page},
                             {"place", answer.place ? json(*answer.place) : json()},
                             {"ms", answer.milliseconds},
                             {"found", found}});
    }
    const auto p50 = report.p50_ms();
    return {{"folder", report.folder},
            {"embedder", report.fingerprint},
            {"database", report.database},
            {"schema", report.schema},
            {"table", report.table},
            {"files", report.files},
            {"chunks", report.chunks},
            {"embedded", report.embedded},
            {"index_seconds", report.index_seconds},
            {"planned", report.planned},
            {"asked", report.answers.size()},
            {"right_first", report.right_within(1)},
            {"right_in_three", report.right_within(3)},
            {"p50_ms", p50 ? json(*p50) : json()},
            {"questions", questions}};
}

}  // namespace stele::cli
