// The questions of a demonstration, read from a file of one JSON object a line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stele/describe.hpp"

namespace stele::cli {

struct DemoQuestion {
    std::int64_t id = 0;
    std::string group;                   ///< which answer is right: every question of a group deserves the same
    std::string kind;                    ///< "paraphrase", "near_miss", "distractor", or anything
    std::optional<std::string> near;     ///< of a near miss: the group it resembles
    std::optional<std::string> wording;  ///< how far a paraphrase is from the plain question: "close", or anything
    std::string question;                ///< as it was typed, blanks at the ends included
    std::string answer;
};
STELE_DESCRIBE(DemoQuestion, (id, stele::has_default), (group), (kind, stele::has_default), (near), (wording),
               (question), (answer))

/// Whether one of two questions of different groups was written to resemble the other's.
bool are_near(const std::string& group, const std::optional<std::string>& near, const std::string& other_group,
              const std::optional<std::string>& other_near);

struct DemoQuestions {
    std::vector<DemoQuestion> questions;  ///< in the order of the file, never empty
    std::string digest;                   ///< of the text they were read from
};

/// `name` stands for the text in errors. Lines of blanks are skipped. Throws Error(invalid_argument), naming the line,
/// for one that is not JSON, lacks `question`, `answer` or `group`, or holds a blank one; and for a text without any.
DemoQuestions parse_questions(std::string_view text, std::string_view name);
/// Throws also Error(not_found) when the file is not there, Error(permission) when it cannot be read.
DemoQuestions load_questions(const std::filesystem::path& file);

/// The questions that come with Stele, seen from the directory of the running program: an install and a build tree
/// have them at the same place relative to it.
std::filesystem::path own_questions(const std::filesystem::path& program_directory);
/// Of the running program.
std::filesystem::path program_directory();

}  // namespace stele::cli
