#include "demo_questions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

#include "stele/describe_json.hpp"
#include "stele/error.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view kBlanks = " \t\r\n\v\f";

[[noreturn]] void fail_with(ErrorCode code, std::string message) {
    ErrorInfo info;
    info.code = code;
    info.message = std::move(message);
    throw Error(std::move(info));
}

bool is_blank(std::string_view text) {
    return text.find_first_not_of(kBlanks) == std::string_view::npos;
}

DemoQuestion parse_question(std::string_view line) {
    auto question = from_json<DemoQuestion>(Json::parse(line));
    const auto check = [](std::string_view key, const std::string& value) {
        if (is_blank(value)) fail_with(ErrorCode::invalid_argument, fmt::format("\"{}\" is blank", key));
    };
    check("group", question.group);
    check("question", question.question);
    check("answer", question.answer);
    return question;
}

// FNV-1a: it must be the same in every build and every run, and nobody is to be kept out by it.
std::string digest_of(std::string_view text) {
    std::uint64_t state = 0xcbf29ce484222325;
    for (const char c : text) state = (state ^ static_cast<unsigned char>(c)) * 0x00000100000001b3;
    return fmt::format("{:016x}", state);
}

}  // namespace

bool are_near(const std::string& group, const std::optional<std::string>& near, const std::string& other_group,
              const std::optional<std::string>& other_near) {
    return near == other_group || other_near == group;
}

DemoQuestions parse_questions(std::string_view text, std::string_view name) {
    DemoQuestions all;
    all.digest = digest_of(text);
    std::size_t number = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line = text.substr(at, end - at);
        at = end + 1;
        ++number;
        if (is_blank(line)) continue;
        try {
            all.questions.push_back(parse_question(line));
        } catch (const Error& error) {
            fail_with(error.code(), fmt::format("{}, line {}: {}", name, number, error.info().message));
        }
    }
    if (all.questions.empty()) {
        fail_with(
            ErrorCode::invalid_argument,
            fmt::format("{} has no questions: it needs one JSON object a line, with the keys question, answer and "
                        "group",
                        name));
    }
    return all;
}

DemoQuestions load_questions(const std::filesystem::path& file) {
    std::error_code ignored;
    std::ifstream in(file, std::ios::binary);
    const int reason = errno;
    if (!in || std::filesystem::is_directory(file, ignored)) {
        const bool missing = !std::filesystem::exists(file, ignored);
        fail_with(missing ? ErrorCode::not_found : ErrorCode::permission,
                  fmt::format("the questions in {} cannot be read: {}; name a file with --questions", file.string(),
                              in ? "it is a directory" : std::generic_category().message(reason)));
    }
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    return parse_questions(text, file.string());
}

std::filesystem::path own_questions(const std::filesystem::path& program_directory) {
    return (program_directory / STELE_DATA_FROM_BIN / "examples/support/questions.jsonl").lexically_normal();
}

std::filesystem::path program_directory() {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

}  // namespace stele::cli
