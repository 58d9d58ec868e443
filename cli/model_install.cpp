#include "model_install.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <system_error>

#include "exit_code.hpp"
#include "model_check.hpp"
#include "model_files.hpp"

namespace stele::cli {
namespace {

namespace fs = std::filesystem;

/// Where times have changed, as in a copy, every load would have to read the weights twice.
void renew_record(const fs::path& folder, const ModelRecord& record, const KnownModel& model) {
    if (inspect_model(folder, &model).sum_is_fresh) return;
    ModelRecord fresh = record_of(folder, model);
    fresh.source = record.source;
    const fs::path next = folder / fmt::format("{}.new", kModelRecord);
    write_file(next, fresh.text());
    std::error_code error;
    fs::rename(next, folder / kModelRecord, error);
    if (error) fail_file(fmt::format("cannot write {}", (folder / kModelRecord).string()), error.value());
}

std::optional<Installation> whole_one(const InstallRequest& request, const InstallPorts& ports) {
    const KnownModel& model = request.model;
    const auto folder = find_model_folder(model.name, request.search);
    if (!folder) return std::nullopt;
    const ModelCheck check = check_model(model.name, *folder, &model);
    if (!check.whole()) {
        ports.note(fmt::format("the model in {} is damaged: {}", folder->string(), check.summary()));
        return std::nullopt;
    }
    const auto record = readable_record(*folder);
    if (record && *folder == request.target / model.name) renew_record(*folder, *record, model);
    return Installation{false, *folder, record ? record->source : "", bytes_in(*folder)};
}

void refuse_what_is_not_ours(const fs::path& folder, const KnownModel& model) {
    std::error_code ignored;
    const fs::file_status status = fs::status(folder, ignored);
    if (fs::exists(status) && !fs::is_directory(status)) {
        refuse(fmt::format("{} is no folder: move it away", folder.string()));
    }
    if (const auto foreign = foreign_files(folder, &model); !foreign.empty()) {
        refuse(fmt::format("{} holds what Stele did not place ({}): move it away", folder.string(),
                           fmt::join(foreign, ", ")));
    }
}

}  // namespace

Installation install_model(const InstallRequest& request, const InstallPorts& ports) {
    if (auto there = whole_one(request, ports)) return *std::move(there);
    const KnownModel& model = request.model;
    const fs::path place = request.target / model.name;
    refuse_what_is_not_ours(place, model);

    ports.step(InstallStep::prepare);
    Staging staging(request.target);
    ModelObtainer obtainer(model, staging, ports);
    const ModelRecord record = request.from ? obtainer.bring(*request.from) : obtainer.fetch();
    ports.step(InstallStep::record);
    write_file(staging.model() / kModelRecord, record.text());
    ports.step(InstallStep::place);
    const bool first = staging.place(
        model.name, [&model](const fs::path& folder) { return check_model(model.name, folder, &model).whole(); });
    return {first, place, record.source, bytes_in(place)};
}

}  // namespace stele::cli
