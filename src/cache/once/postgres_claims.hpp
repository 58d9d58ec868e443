// Claims in the table that all processes share.
#pragma once

#include "cache/cache_sql.hpp"
#include "cache/once/claim_sql.hpp"
#include "cache/once/claims.hpp"
#include "stele/database.hpp"

namespace stele {

class PostgresClaims final : public Claims {
public:
    /// Both must outlive it.
    PostgresClaims(Database& database, const CacheSql& sql);

    ClaimLook take(const ComputeClaim& claim, Deadline deadline) override;
    std::vector<Uuid> renew(std::span<const ComputeClaim> claims, Deadline deadline) override;
    void release(const ComputeClaim& claim, Deadline deadline) override;
    ClaimText read_text(const ComputeClaim& claim, std::size_t from, Deadline deadline) override;
    void write_text(const ComputeClaim& claim, std::size_t from, std::string_view text, Deadline deadline) override;
    void forget_text(const ComputeClaim& claim, Deadline deadline) override;
    Watches& watches() noexcept override { return watches_; }
    void awaited() noexcept override;
    const ClaimSql& sql() const noexcept { return sql_; }

private:
    Database& database_;
    const CacheSql& cache_sql_;
    const ClaimSql sql_;
    Watches watches_;
};

}  // namespace stele
