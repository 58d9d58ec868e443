#include "model_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "model_files.hpp"
#include "stele/error.hpp"

namespace stele::cli {
namespace {

namespace fs = std::filesystem;

struct Expected {
    std::string name;
    std::string sha256;
};

std::vector<Expected> expected_files(const fs::path& folder, const std::optional<ModelRecord>& record,
                                     const KnownModel* known) {
    std::vector<Expected> all;
    if (known != nullptr) {
        for (const ModelFile& file : known->files) {
            // what Stele writes itself may be the publisher's own here
            const bool recorded = record && record->find(file.name) != nullptr;
            const bool present = file.text.empty() && size_of_file(folder / file.name);
            if (recorded || present) all.push_back({file.name, file.sha256});
        }
    }
    if (record) {
        for (const RecordedFile& file : record->files) {
            if (known == nullptr || known->find_file(file.name) == nullptr) all.push_back({file.name, file.sha256});
        }
    }
    return all;
}

/// Empty: it is what it should be.
std::string fault_of(const fs::path& folder, const Expected& file) {
    if (!size_of_file(folder / file.name)) return fmt::format("{} is missing", file.name);
    try {
        const std::string sum = file_sha256(folder / file.name);
        return sum == file.sha256 ? std::string() : fault_of_sum(file.name, sum, file.sha256);
    } catch (const Error& error) {
        return error.what();
    }
}

}  // namespace

bool ModelCheck::whole() const {
    return fault.empty() &&
           std::all_of(files.begin(), files.end(), [](const auto& file) { return file.fault.empty(); });
}

std::string ModelCheck::summary() const {
    for (const FileCheck& file : files) {
        if (!file.fault.empty()) return file.fault;
    }
    return fault;
}

ModelCheck check_model(std::string_view name, const fs::path& folder, const KnownModel* known) {
    ModelCheck check{std::string(name), folder, {}, {}};
    for (const Expected& file : expected_files(folder, readable_record(folder), known)) {
        check.files.push_back({file.name, fault_of(folder, file)});
    }
    if (!check.whole()) return check;
    try {
        inspect_model(folder, known);
    } catch (const Error& error) {
        check.fault = error.what();
    }
    return check;
}

std::string fault_of_sum(std::string_view file, std::string_view found, std::string_view wanted) {
    return fmt::format("{} is not the published one: its sha256 is {}, not {}", file, found, wanted);
}

std::optional<ModelRecord> readable_record(const fs::path& folder) {
    try {
        return read_model_record(folder);
    } catch (const Error&) {
        return std::nullopt;
    }
}

std::vector<std::string> foreign_files(const fs::path& folder, const KnownModel* known) {
    const auto record = readable_record(folder);
    std::vector<std::string> foreign;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        const bool ours = name.starts_with(kModelRecord) || (record && record->find(name) != nullptr) ||
                          (known != nullptr && known->find_file(name) != nullptr);
        if (!ours) foreign.push_back(name);
    }
    std::sort(foreign.begin(), foreign.end());
    return foreign;
}

}  // namespace stele::cli
