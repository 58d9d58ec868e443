#include "embedding/model_folder.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <system_error>
#include <utility>

#include "base/system.hpp"
#include "embedding/model_record.hpp"

namespace stele {
namespace {

namespace fs = std::filesystem;

tl::unexpected<ErrorInfo> unusable_model(std::string message) {
    return fail(make_error(ErrorCode::embedder_failed, std::move(message)));
}

std::string home_of_user() {
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 16384> buffer{};
    ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
    return found == nullptr ? std::string() : std::string(found->pw_dir);
}

std::vector<fs::path> named_folders(const std::string& list) {
    std::vector<fs::path> folders;
    for (std::size_t at = 0; at <= list.size();) {
        const std::size_t end = std::min(list.find(':', at), list.size());
        if (end > at) folders.push_back(fs::absolute(list.substr(at, end - at)).lexically_normal());
        at = end + 1;
    }
    return folders;
}

std::optional<fs::path> user_folder(const ModelEnvironment& environment) {
    if (const fs::path data = environment.data_home; data.is_absolute()) return data / "stele/models";
    if (const fs::path home = environment.home; home.is_absolute()) return home / ".local/share/stele/models";
    return std::nullopt;
}

bool is_plain_name(std::string_view name) {
    return !name.empty() && name.front() != '.' && name.find('/') == std::string_view::npos;
}

std::string joined(const std::vector<std::string>& parts, std::string_view last_separator) {
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) text += i + 1 == parts.size() ? last_separator : ", ";
        text += parts[i];
    }
    return text;
}

std::string absence(std::string_view name, const std::vector<fs::path>& search, const ModelCatalog& catalog) {
    std::vector<std::string> folders;
    for (const fs::path& folder : search) folders.push_back(folder.string());
    const std::string looked = fmt::format("looked in {}", joined(folders, " and "));
    if (find_in(catalog, name) != nullptr) {
        return fmt::format("the model {0} is not installed: run `stele model install {0}` ({1})", name, looked);
    }
    std::vector<std::string> names;
    for (const KnownModel& known : catalog) names.push_back(known.name);
    return fmt::format("there is no model {}: Stele knows {}, and uses others by their folder ({})", name,
                       joined(names, " and "), looked);
}

/// Of a file: what is wrong with it at first sight, or nothing.
std::string fault_of(const fs::path& folder, std::string_view file, std::optional<std::uint64_t> bytes) {
    const auto state = file_state(folder / file);
    if (!state) return fmt::format("{} is missing", file);
    if (bytes && state->bytes != *bytes) return fmt::format("{} has {} bytes, not {}", file, state->bytes, *bytes);
    return {};
}

std::optional<std::string> first_present(const fs::path& folder, std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
        if (file_state(folder / name)) return std::string(name);
    }
    return std::nullopt;
}

/// What is wrong with a folder that Stele placed.
std::string fault_of_placed(const fs::path& folder, const ModelRecord& record) {
    for (const RecordedFile& file : record.files) {
        if (!is_plain_name(file.name)) return fmt::format("{} names the file '{}'", kModelRecord, file.name);
        if (std::string fault = fault_of(folder, file.name, file.bytes); !fault.empty()) return fault;
    }
    return {};
}

/// And with any.
std::string fault_of_any(const fs::path& folder, const std::optional<std::string>& weights, const KnownModel* known) {
    if (!weights) return "the weights are missing (model.safetensors or model.onnx)";
    if (!first_present(folder, {"vocab.txt", "tokenizer.json"})) {
        return "the tokenizer is missing (vocab.txt or tokenizer.json)";
    }
    if (!file_state(folder / "config.json")) return "config.json is missing";
    if (known == nullptr) return {};
    return fault_of(folder, known->weights().name, known->weights().bytes);
}

}  // namespace

// ---- what is installed ----------------------------------------------------------------------------------------------

Result<InstalledModel> look_at_model(const fs::path& folder, const KnownModel* known) {
    const auto damaged = [&folder](std::string_view what) {
        return unusable_model(fmt::format("the model in {} is damaged: {}", folder.string(), what));
    };
    const auto record = load_model_record(folder);
    if (!record) return damaged(record.error().message);
    if (*record) {
        if (const std::string fault = fault_of_placed(folder, **record); !fault.empty()) return damaged(fault);
    }
    const auto weights = first_present(folder, {"model.safetensors", "model.onnx"});
    if (const std::string fault = fault_of_any(folder, weights, known); !fault.empty()) return damaged(fault);

    InstalledModel model{folder, known == nullptr ? *weights : known->weights().name, {}, false};
    const RecordedFile* recorded = *record ? (*record)->find(model.weights) : nullptr;
    if (recorded == nullptr) return model;
    if (known != nullptr && recorded->sha256 != known->weights().sha256) {
        return damaged(fmt::format("{} holds other weights than {}", model.weights, known->title));
    }
    model.model_sha256 = recorded->sha256;
    const auto state = file_state(folder / model.weights);
    model.sum_is_fresh = state && state->mtime_ns == recorded->mtime_ns;
    return model;
}

std::string repair_hint(std::string_view name, const KnownModel* known) {
    std::string hint = fmt::format("; `stele model verify {}` examines it", name);
    if (known != nullptr) hint += fmt::format(", `stele model install {}` puts it right", name);
    return hint;
}

Result<InstalledModel> look_for_model(std::string_view name, const std::vector<fs::path>& search,
                                      const ModelCatalog& catalog) {
    const auto folder = find_model_folder(name, search);
    if (!folder) return unusable_model(absence(name, search, catalog));
    const KnownModel* known = find_in(catalog, name);
    Result<InstalledModel> model = look_at_model(*folder, known);
    if (!model) model.error().message += repair_hint(name, known);
    return model;
}

// ---- the public ones ------------------------------------------------------------------------------------------------

inline namespace v0 {

ModelEnvironment model_environment() {
    ModelEnvironment all{environment("STELE_MODELS"), environment("XDG_DATA_HOME"), environment("HOME")};
    if (all.home.empty()) all.home = home_of_user();
    return all;
}

std::vector<fs::path> model_search_path(const ModelEnvironment& environment) {
    std::vector<fs::path> all = named_folders(environment.models);
    if (const auto own = user_folder(environment)) all.push_back(*own);
    all.emplace_back(kSystemModels);
    all.emplace_back(kPackagedModels);
    return all;
}

std::optional<fs::path> model_install_folder(const ModelEnvironment& environment) {
    if (const auto named = named_folders(environment.models); !named.empty()) return named.front();
    return user_folder(environment);
}

std::optional<fs::path> find_model_folder(std::string_view name, const std::vector<fs::path>& search) {
    if (!is_plain_name(name)) return std::nullopt;
    for (const fs::path& folder : search) {
        std::error_code ignored;
        if (fs::path one = folder / name; fs::is_directory(one, ignored)) return one;
    }
    return std::nullopt;
}

InstalledModel inspect_model(const fs::path& folder, const KnownModel* known) {
    return value_or_raise(look_at_model(folder, known));
}

InstalledModel find_model(std::string_view name, const std::vector<fs::path>& search) {
    return value_or_raise(look_for_model(name, search));
}

}  // namespace v0
}  // namespace stele
