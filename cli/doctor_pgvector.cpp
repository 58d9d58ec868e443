// The extension of the vector index.
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "doctor_checks.hpp"

namespace stele::cli {
namespace {

using Version = std::array<int, 3>;

constexpr Version kOldest{0, 5, 0}, kIterates{0, 8, 0};
// CVE-2026-3172: parallel HNSW builds, which came with 0.6, read past a buffer: they can leak other tables' data, or
// end the server.
constexpr Version kFirstFaulty{0, 6, 0}, kMended{0, 8, 2};

Version version_of(std::string_view text) {
    Version version{};
    const char* at = text.data();
    const char* const end = at + text.size();
    for (int& number : version) {
        const auto [next, error] = std::from_chars(at, end, number);
        if (error != std::errc() || next == end || *next != '.') break;
        at = next + 1;
    }
    return version;
}

}  // namespace

Finding pgvector_finding(const PgvectorFacts& facts) {
    Finding finding{"pgvector", Health::ok, {}, {}};
    if (facts.installed.empty()) {
        finding.text =
            facts.available.empty()
                ? "the server does not have it; only the vector index needs it"
                : fmt::format("{} is there and not in this database; only the vector index needs it", facts.available);
        return finding;
    }
    finding.text = fmt::format("{} in schema {}", facts.installed, facts.schema);
    // the files are what runs; what is installed says which of their functions can be called
    const Version files = version_of(facts.available.empty() ? facts.installed : facts.available);
    const Version installed = version_of(facts.installed);
    const std::string update = "ALTER EXTENSION vector UPDATE;";
    if (files >= kFirstFaulty && files < kMended) {
        finding.health = Health::warning;
        finding.text += ", whose parallel HNSW builds read past a buffer (CVE-2026-3172, mended in 0.8.2)";
        finding.fix = fmt::format(
            "install pgvector 0.8.2 or newer, restart the server, {} (until then: ALTER DATABASE {} SET "
            "max_parallel_maintenance_workers = 0;)",
            update, facts.database);
    } else if (installed < kOldest) {
        finding.health = Health::failure;
        finding.text += ", which is too old: the vector index needs 0.5";
        finding.fix = files < kOldest ? "install pgvector 0.8.2 or newer, then " + update : update;
    } else if (installed < kIterates) {
        finding.health = Health::warning;
        finding.text += "; from 0.8 on, filtered searches can go on in an ANN index";
        finding.fix = files < kIterates ? "install pgvector 0.8.2 or newer, then " + update : update;
    } else if (installed < files) {
        finding.health = Health::warning;
        finding.text += fmt::format(", and its files are {}", facts.available);
        finding.fix = update;
    }
    return finding;
}

void check_pgvector(Database& database, Findings& findings) {
    const Row row = database.query(Statement(
        "SELECT x.extversion, quote_ident(n.nspname), a.default_version, quote_ident(current_database()) FROM (SELECT) "
        "o LEFT JOIN pg_extension x ON x.extname = 'vector' LEFT JOIN pg_namespace n ON n.oid = x.extnamespace LEFT "
        "JOIN pg_available_extensions a ON a.name = 'vector'"))[0];
    findings.push_back(pgvector_finding({row.find<std::string>(0).value_or(""), row.find<std::string>(1).value_or(""),
                                         row.find<std::string>(2).value_or(""), row.get<std::string>(3)}));
}

}  // namespace stele::cli
