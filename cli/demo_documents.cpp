#include "demo_documents.hpp"

#include <algorithm>
#include <set>

#include "demo_questions.hpp"
#include "json_lines.hpp"

namespace stele::cli {

std::vector<PageQuestion> load_page_questions(const std::filesystem::path& file) {
    InputFile in(file.string());
    JsonLines lines(in.stream(), in.name());
    std::vector<PageQuestion> questions;
    while (const auto line = lines.next()) {
        try {
            questions.push_back(from_json<PageQuestion>(Json::trusted(std::string(*line))));
        } catch (const Error& error) {
            lines.refuse_line(error.info().message);
        }
    }
    return questions;
}

std::filesystem::path own_documents(const std::filesystem::path& program_directory) {
    return (program_directory / STELE_DATA_FROM_BIN / "docs").lexically_normal();
}

std::filesystem::path own_page_questions(const std::filesystem::path& program_directory) {
    return (program_directory / STELE_DATA_FROM_BIN / "examples/documents/questions.jsonl").lexically_normal();
}

PageAnswer answer(const PageQuestion& asked, const PageSearch& search) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point started = Clock::now();
    PageAnswer answer{asked, search(asked.question), {}, 0};
    answer.milliseconds = std::chrono::duration<double, std::milli>(Clock::now() - started).count();
    std::set<std::string> pages;
    for (const auto& each : answer.found) {
        const auto path = from_json<DocumentChunk>(each.value).path;
        pages.insert(path);
        if (path != asked.page) continue;
        answer.place = pages.size();
        break;
    }
    return answer;
}

std::size_t DocumentsReport::right_within(std::size_t pages) const {
    return static_cast<std::size_t>(std::count_if(answers.begin(), answers.end(), [pages](const PageAnswer& answer) {
        return answer.place && *answer.place <= pages;
    }));
}

std::optional<double> DocumentsReport::p50_ms() const {
    if (answers.empty()) return std::nullopt;
    std::vector<double> times;
    for (const PageAnswer& answer : answers) times.push_back(answer.milliseconds);
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>((times.size() - 1) / 2);
    std::nth_element(times.begin(), middle, times.end());
    return *middle;
}

}  // namespace stele::cli
