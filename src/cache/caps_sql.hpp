// The statements by which the cache is kept within its limits, looked over and cleaned, with the schema's name in
// place.
#pragma once

#include <string>

#include "stele/statement.hpp"

namespace stele {

struct CapsSql {
    explicit CapsSql(const std::string& quoted_schema);

    // Evicting; each -> gone_from, evicted, expired. They come after the version counter's row is held. The last three
    // parameters: own limit of entries and of bytes (or NULL), how many go at once beyond what must.
    Sql evict_after_puts;  // $1 ids of what was put
    Sql evict_tenant;      // $1 tenant
    Sql evict_all;

    // limits
    Sql put_entries_quota;  // $1 tenant, $2 entries or NULL: none
    Sql put_bytes_quota;    // $1 tenant, $2 bytes or NULL: none
    Sql remove_quota;       // $1 tenant -> tenant, a row for each part that there was
    Sql quotas;             // $1 tenant or NULL -> tenant, max_entries, max_bytes
    Sql put_limits;         // $1 entries or NULL, $2 bytes or NULL
    Sql limits;             // -> max_entries, max_bytes, if anybody ever set them

    // cleaning
    Sql vacuum;        // $1 namespace or NULL, $2 at most -> namespace, expired; counts them and raises the version
                       // $3: those are spared that expired fewer s ago
    Sql clear_all;     // all entries; leaves the version as it is
    Sql clear_scopes;  // what is known of all scopes
    Sql fold_sizes;    // holding the version counter's row
    Sql drop_empty;    // sums of namespaces that are empty by now

    // removing by what is kept beside entries; each raises the version, whose row is held before
    Sql remove_tagged;  // $1 tag, $2 namespace, $3 tenant or NULL: all its namespaces instead -> namespace, query_hash
    Sql outdated;       // -> kind, name, version of what was used and is not current any more
    Sql sweep;          // $1 namespace or NULL, $2 kinds, $3 names, $4 versions, $5 at most -> namespace, removed

    // what tenants have settled
    Sql policies;       // -> tenant, similarity_threshold, default_ttl, min_confidence
    Sql put_policy;     // $1 tenant, $2, $3, $4 as these
    Sql remove_policy;  // $1 tenant -> tenant, if there was one

    // looking
    Sql totals;      // $1 namespace or NULL -> entries, expired, bytes
    Sql namespaces;  // -> namespace, tenant, attributes, entries, bytes
    Sql health;      // -> schema_version, fingerprint, entries, bytes, namespaces, sound, oldest_age
    // $1 namespace or NULL, $2 last_accessed_at and $3 id of the place to go on from, $4 limit, $5 text or NULL, $6
    // metadata, $7 least age, $8 tag or NULL
    Sql newest, coldest;
};

}  // namespace stele
