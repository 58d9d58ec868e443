// `stele demo --documents`: questions about the documentation, answered from it.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "output.hpp"
#include "stele/vector_index.hpp"
#include "text_documents.hpp"

namespace stele::cli {

struct PageQuestion {
    std::string question;
    std::string page;  ///< the path of the file that answers it
};
STELE_DESCRIBE(PageQuestion, (question), (page))

/// One JSON object a line. Throws Error(invalid_argument), naming the line.
std::vector<PageQuestion> load_page_questions(const std::filesystem::path& file);
/// The documentation and the questions that come with Stele, seen from the directory of the running program.
std::filesystem::path own_documents(const std::filesystem::path& program_directory);
std::filesystem::path own_page_questions(const std::filesystem::path& program_directory);

struct PageAnswer {
    PageQuestion asked;
    std::vector<Found<Json>> found;    ///< chunks, best first
    std::optional<std::size_t> place;  ///< of the right page among the pages that were found, from 1
    double milliseconds = 0;           ///< of the search, the embedding of the question included
};

/// How the chunks are found that answer a question.
using PageSearch = std::function<std::vector<Found<Json>>(const std::string& question)>;
PageAnswer answer(const PageQuestion& asked, const PageSearch& search);

struct DocumentsReport {
    std::string folder, embedder, fingerprint, database, schema, table;
    std::size_t files = 0, chunks = 0, embedded = 0;
    double index_seconds = 0;
    std::size_t planned = 0;  ///< questions; fewer answers: it was interrupted
    std::vector<PageAnswer> answers;

    /// How many found the right page among the first so many pages.
    std::size_t right_within(std::size_t pages) const;
    /// Median of the searches; nothing without any.
    std::optional<double> p50_ms() const;
};

void print(const DocumentsReport& report, const Output& output);
/// What a question typed by the user found.
void print_answer(const PageAnswer& answer, const Output& output);
nlohmann::json to_document(const DocumentsReport& report);

}  // namespace stele::cli
