// Finding the PostgreSQL server programs of this machine.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string_view>

namespace stele {

struct Programs {
    std::map<int, std::filesystem::path> directories;  ///< by major
    int preferred = 0;                                 ///< the major to use, 0 when there is none

    /// The directory of a major, or nothing.
    std::filesystem::path of(int major) const;
};

/// Where distributions install several majors side by side: Debian's layout.
inline constexpr std::string_view kInstalledMajors = "/usr/lib/postgresql";

/// Where scripts/install_pgvector puts servers that have pgvector, each major with a root directory of its own: beside
/// the embedded cluster's usual place. Empty where this user has no home.
std::filesystem::path own_servers();

/// `named` (if empty, $STELE_PG_BINDIR) decides which are used; else the newest under `installed`, each in the tree
/// that `own` has of it, if any; else those that pg_config or PATH know. Throws Error(cluster) if the named directory
/// holds no server programs.
Programs find_programs(const std::filesystem::path& named, const std::filesystem::path& installed = kInstalledMajors,
                       const std::filesystem::path& own = {});

/// The major in what `postgres --version` prints, for example 15 for "postgres (PostgreSQL) 15.18 (Debian ...)".
std::optional<int> parse_major(std::string_view version);

}  // namespace stele
