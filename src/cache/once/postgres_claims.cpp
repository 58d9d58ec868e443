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

void PostgresClaims::renew(std::span<const ComputeClaim> claims, Deadline deadline) {
    std::vector<std::string> namespaces, hashes;
    std::vector<Uuid> tokens;
    std::vector<double> leases;
    for (const ComputeClaim& claim : claims) {
        namespaces.push_back(claim.name_space);
        hashes.push_back(claim.hash);
        tokens.push_back(claim.token);
        leases.push_back(milliseconds(claim));
    }
    database_.execute(Statement(sql_.renew, namespaces, hashes, tokens, leases).repeatable(), deadline);
}

void PostgresClaims::release(const ComputeClaim& claim, Deadline deadline) {
    database_.execute(Statement(sql_.release, claim.name_space, claim.hash, claim.token).repeatable(), deadline);
}

void PostgresClaims::awaited() noexcept {
    static_cast<void>(database_.impl().changes->fresh());
}

}  // namespace stele
