#include "cache/once/postgres_claims.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cache/get_operation.hpp"
#include "postgres/database_impl.hpp"

namespace stele {
namespace {

double milliseconds(const ComputeClaim& claim) {
    return static_cast<double>(claim.lease.count());
}

}  // namespace

PostgresClaims::PostgresClaims(Database& database, const CacheSql& sql)
    : database_(database), cache_sql_(sql), sql_(database.quoted_schema()) {}

// The answer is looked for by a statement of its own: whoever had the claim until now has stored it before the claim
// went, and only what begins afterwards is sure to see it.
ClaimLook PostgresClaims::take(const ComputeClaim& claim, Deadline deadline) {
    const Statement batch[] = {
        Statement(sql_.take, claim.name_space, claim.hash, claim.token, milliseconds(claim)).repeatable(),
        Statement(cache_sql_.lookup, claim.name_space, claim.hash).repeatable(),
        Statement(sql_.state, claim.name_space, claim.hash).repeatable()};
    const std::vector<Rows> rows = database_.run(batch, deadline);
    ClaimLook look;
    if (!rows[1].empty() && read_state(rows[1][0]) == EntryState::live)
        look.hit = read_hit(rows[1][0], 1.0f, HitLayer::exact);
    const bool taken = rows[0].affected() != 0;
    if (taken && look.hit) release(claim, deadline);
    look.taken = taken && !look.hit;
    if (!rows[2].empty()) {
        const double left = std::max(std::ceil(rows[2][0].get<double>("left_ms")), 0.0);
        look.left = std::chrono::milliseconds(static_cast<std::int64_t>(left));
    }
    return look;
}

std::vector<Uuid> PostgresClaims::renew(std::span<const ComputeClaim> claims, Deadline deadline) {
    std::vector<std::string> namespaces, hashes;
    std::vector<Uuid> tokens;
    std::vector<double> leases;
    for (const ComputeClaim& claim : claims) {
        namespaces.push_back(claim.name_space);
        hashes.push_back(claim.hash);
        tokens.push_back(claim.token);
        leases.push_back(milliseconds(claim));
    }
    std::vector<Uuid> followed;
    const Statement renew = Statement(sql_.renew, namespaces, hashes, tokens, leases).repeatable();
    for (const Row& row : database_.query(renew, deadline)) {
        if (row.get<bool>("followed")) followed.push_back(row.get<Uuid>("token"));
    }
    return followed;
}

void PostgresClaims::release(const ComputeClaim& claim, Deadline deadline) {
    database_.execute(Statement(sql_.release, claim.name_space, claim.hash, claim.token).repeatable(), deadline);
}

ClaimText PostgresClaims::read_text(const ComputeClaim& claim, std::size_t from, Deadline deadline) {
    const Statement batch[] = {
        Statement(sql_.follow, claim.name_space, claim.hash, static_cast<double>(kFollowed.count())).repeatable(),
        Statement(sql_.written, claim.name_space, claim.hash, static_cast<std::int64_t>(from)).repeatable()};
    const std::vector<Rows> rows = database_.run(batch, deadline);
    ClaimText found;
    for (const Row& row : rows[1]) {
        found.whose = row.get<Uuid>("token");
        const auto at = row.find<std::int64_t>("from_byte");
        if (!at || static_cast<std::size_t>(*at) != from + found.text.size()) break;
        const auto piece = row.get<std::span<const std::byte>>("piece");
        found.text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    }
    return found;
}

void PostgresClaims::write_text(const ComputeClaim& claim, std::size_t from, std::string_view text, Deadline deadline) {
    const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
    const Statement write = Statement(sql_.write, claim.name_space, claim.hash, claim.token,
                                      static_cast<std::int64_t>(from), Bytes(bytes, bytes + text.size()))
                                .repeatable();
    database_.execute(write, deadline);
}

void PostgresClaims::forget_text(const ComputeClaim& claim, Deadline deadline) {
    database_.execute(Statement(sql_.forget_text, claim.name_space, claim.hash, claim.token).repeatable(), deadline);
}

void PostgresClaims::awaited() noexcept {
    static_cast<void>(database_.impl().changes->fresh());
}

}  // namespace stele
