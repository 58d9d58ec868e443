// Stele's own tables: migrations, rights, keys, indexes, what is in them.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "doctor_checks.hpp"
#include "expected_schema.hpp"
#include "stele/adopt.hpp"
#include "stele/migrations.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

struct ActualIndex {
    std::string table, name;
    bool valid = false, unique = false, whole = false;
    std::vector<std::string> columns;
};

class SchemaCheck {
public:
    SchemaCheck(Database& database, const std::string& command, Findings& findings)
        : database_(database), command_(command), schema_(database.quoted_schema()), findings_(findings) {}

    void run() {
        if (!migrations_applied()) return;
        const ExpectedSchema expected = expected_schema(migrations());
        if (!tables(expected)) return;
        indexes(expected);
        version_counter();
        embedder();
    }

private:
    void add(std::string check, Health health, std::string finding, std::string fix = {}) {
        findings_.push_back({std::move(check), health, std::move(finding), std::move(fix)});
    }
    std::string placed(std::string sql) const {
        constexpr std::string_view kPlaceholder = "{schema}";
        for (std::size_t at = 0; (at = sql.find(kPlaceholder, at)) != std::string::npos; at += schema_.size()) {
            sql.replace(at, kPlaceholder.size(), schema_);
        }
        return sql;
    }

    /// Another system's tables are there, and nothing of Stele's.
    bool is_foreign() {
        AdoptionPlan plan;
        try {
            plan = plan_adoption(database_);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::permission) throw;
            return false;  // no temporary tables for this role, with which to find out
        }
        return !plan.adopted &&
               std::any_of(plan.found.begin(), plan.found.end(), [](const FoundTable& table) { return table.used; });
    }

    /// What the role needs: on Stele's tables and their sequences, and on no others that may be in the schema.
    std::string grants() {
        std::vector<std::string> names = {"stele_migrations"};
        for (const ExpectedTable& table : expected_schema(migrations()).tables) names.push_back(table.name);
        const Row row = database_.query(Statement(
            "SELECT quote_ident(current_user) AS role, string_agg(format('%I.%I', n.nspname, c.relname), ', ' ORDER BY "
            "c.relname) FILTER (WHERE c.relkind <> 'S') AS tables, string_agg(format('%I.%I', n.nspname, c.relname), "
            "', ' ORDER BY c.relname) FILTER (WHERE c.relkind = 'S') AS sequences"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1"
            " AND (c.relkind IN ('r', 'p') AND c.relname = ANY($2) OR c.relkind = 'S' AND EXISTS (SELECT FROM pg_depend"
            " d JOIN pg_class t ON t.oid = d.refobjid WHERE d.objid = c.oid AND d.deptype = 'a'"
            " AND t.relname = ANY($2)))",
            database_.schema(), names))[0];
        const auto role = row.get<std::string>("role");
        std::string text = fmt::format("GRANT USAGE ON SCHEMA {} TO {};", schema_, role);
        if (const auto tables = row.find<std::string>("tables")) {
            text += fmt::format(" GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {};", *tables, role);
        }
        if (const auto sequences = row.find<std::string>("sequences")) {
            text += fmt::format(" GRANT USAGE ON SEQUENCE {} TO {};", *sequences, role);
        }
        return text;
    }

    /// False: there is nothing more to look at.
    bool migrations_applied() {
        std::vector<std::string> pending, changed;
        std::vector<MigrationStatus> all;
        try {
            all = migration_status(database_, Deadline::after(database_.options().call_timeout));
        } catch (const Error& error) {
            const bool newer = error.code() == ErrorCode::schema_newer;
            if (!newer && error.code() != ErrorCode::permission) throw;
            add("schema", Health::failure, error.what(), newer ? "install the newest Stele" : grants());
            return false;
        }
        for (const MigrationStatus& status : all) {
            const std::string name = fmt::format("{} {}", status.number, status.name);
            if (!status.applied) pending.push_back(name);
            if (status.changed) changed.push_back(name);
        }
        if (!changed.empty()) {
            add("schema", Health::failure,
                fmt::format("applied with other SQL than this program's: {}", joined(changed, ", ")),
                "install the Stele that made the schema; or compare with `stele migrate --plan --schema NEW_NAME`");
        } else if (!pending.empty()) {
            const bool foreign = pending.size() == all.size() && is_foreign();
            add("schema", Health::failure,
                foreign ? fmt::format("schema {} has tables of draive, haiway or mneme that were not adopted", schema_)
                        : fmt::format("not applied to schema {}: {}", schema_, joined(pending, ", ")),
                command_ + (foreign ? " adopt" : " migrate"));
        } else {
            add("schema", Health::ok, fmt::format("{} is up to date ({} applied)", schema_, all.size()));
        }
        return pending.empty();
    }

    bool tables(const ExpectedSchema& expected) {
        std::vector<std::string> names;
        for (const ExpectedTable& table : expected.tables) names.push_back(table.name);
        const Rows rows = database_.query(
            Statement("SELECT c.relname::text AS name, current_user::text AS role,"
                      " has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')"
                      " AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')"
                      " AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_class s ON s.oid = d.objid"
                      " WHERE d.refobjid = c.oid AND d.deptype = 'a'"
                      " AND CASE s.relkind WHEN 'S' THEN NOT has_sequence_privilege(s.oid, 'USAGE') END) AS allowed"
                      " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                      " WHERE n.nspname = $1 AND c.relname = ANY($2) AND c.relkind IN ('r', 'p')",
                      database_.schema(), names));
        std::map<std::string, bool> allowed;
        for (const Row& row : rows) allowed.emplace(row.get<std::string>("name"), row.get<bool>("allowed"));
        std::vector<std::string> forbidden;
        bool complete = true;
        for (const ExpectedTable& table : expected.tables) {
            const auto found = allowed.find(table.name);
            if (found == allowed.end()) {
                complete = false;
                add("tables", Health::failure, fmt::format("table {} is missing", table.name), placed(table.sql));
            } else if (!found->second) {
                forbidden.push_back(table.name);
            }
        }
        if (!forbidden.empty()) {
            add("tables", Health::failure,
                fmt::format("no right to read and write (or to use the sequence of) {}", joined(forbidden, ", ")),
                grants());
        }
        if (complete && forbidden.empty()) {
            add("tables", Health::ok, fmt::format("{} tables, readable and writable", expected.tables.size()));
        }
        return complete && forbidden.empty();
    }

    std::vector<ActualIndex> actual_indexes() {
        std::vector<ActualIndex> indexes;
        for (const Row& row : database_.query(
                 Statement("SELECT t.relname::text AS table, i.relname::text AS name, x.indisvalid AS valid,"
                           " x.indisunique AS unique, x.indpred IS NULL AS whole,"
                           " ARRAY(SELECT pg_get_indexdef(x.indexrelid, o::int, true)"
                           " FROM generate_series(1, x.indnkeyatts) o) AS columns"
                           " FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = "
                           "x.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace WHERE n.nspname = $1",
                           database_.schema()))) {
            indexes.push_back({row.get<std::string>("table"), row.get<std::string>("name"), row.get<bool>("valid"),
                               row.get<bool>("unique"), row.get<bool>("whole"),
                               row.get<std::vector<std::string>>("columns")});
        }
        return indexes;
    }

    void indexes(const ExpectedSchema& expected) {
        const std::vector<ActualIndex> actual = actual_indexes();
        const auto exists = [&actual](auto&& test) { return std::any_of(actual.begin(), actual.end(), test); };
        const std::size_t before = findings_.size();
        for (const ActualIndex& index : actual) {
            if (index.valid) continue;
            add("indexes", Health::failure, fmt::format("index {} is invalid: building it was interrupted", index.name),
                fmt::format("REINDEX INDEX CONCURRENTLY {}.\"{}\";", schema_, index.name));
        }
        for (const ExpectedTable& table : expected.tables) {
            for (const ExpectedKey& key : table.keys) {
                const bool found = exists([&](const ActualIndex& index) {
                    return index.table == table.name && index.unique && index.whole && index.columns == key.columns;
                });
                if (found) continue;
                add("indexes", Health::failure,
                    fmt::format("{} has no unique key on ({}): nothing can be stored in it", table.name,
                                joined(key.columns, ", ")),
                    fmt::format("ALTER TABLE {}.{} ADD {} ({});", schema_, table.name,
                                key.primary ? "PRIMARY KEY" : "UNIQUE", joined(key.columns, ", ")));
            }
        }
        for (const ExpectedIndex& index : expected.indexes) {
            // another of the same columns does as well
            const bool found = exists([&](const ActualIndex& each) {
                return each.table == index.table && (each.name == index.name || each.columns == index.columns);
            });
            if (found) continue;
            add("indexes", Health::warning, fmt::format("index {} is missing: some statements are slow", index.name),
                fmt::format("CREATE {}INDEX CONCURRENTLY {} ON {}.{};", index.unique ? "UNIQUE " : "", index.name,
                            schema_, placed(index.definition)));
        }
        if (findings_.size() == before) add("indexes", Health::ok, fmt::format("all there ({})", actual.size()));
    }

    void version_counter() {
        const auto row = database_.query_one(
            Statement(Sql("SELECT value FROM " + schema_ + ".multi_process_state WHERE key = 'version_counter'")));
        const std::string value = row ? row->get<std::string>(0) : std::string();
        if (!value.empty() && value.size() < 19 && value.find_first_not_of("0123456789") == std::string::npos) {
            return add("version_counter", Health::ok, value);
        }
        add("version_counter", Health::failure,
            row ? fmt::format("the version counter is '{}', which is no number: nothing can be stored", value)
                : std::string("the version counter's row is missing: processes miss each other's changes"),
            // higher than any that a process can know: one that went back makes each of them read everything again
            fmt::format("INSERT INTO {}.multi_process_state (key, value) SELECT 'version_counter', (floor(extract("
                        "epoch FROM clock_timestamp())) * 1000)::bigint::text ON CONFLICT (key) DO UPDATE SET value = "
                        "EXCLUDED.value;",
                        schema_));
    }

    void embedder() {
        std::map<std::string, std::string> settings;
        for (const Row& row : database_.query(Statement(Sql("SELECT key, value FROM " + schema_ + ".schema_meta")))) {
            settings.emplace(row.get<std::string>("key"), row.get<std::string>("value"));
        }
        const std::string fingerprint = settings["embedder_fingerprint"], dimension = settings["embedder_dim"];
        if (fingerprint.empty()) return add("embedder", Health::ok, "none has been used with this schema yet");
        add("embedder", Health::ok, fmt::format("the vectors are of '{}', {} elements each", fingerprint, dimension));
        without_vector();
    }

    void without_vector() {
        const std::string where = schema_ + ".entries WHERE octet_length(embedding) = 0";
        const auto rows = database_.query(Statement(Sql("SELECT count(*) FROM " + where)))[0].get<std::int64_t>(0);
        if (rows == 0) return;
        add("embedder", Health::warning,
            fmt::format("{} entries hold no vector, not even zeros: mneme's processes cannot load them", rows),
            fmt::format("UPDATE {0}.entries SET embedding = decode(repeat('00000000', (SELECT value::integer FROM "
                        "{0}.schema_meta WHERE key = 'embedder_dim')), 'hex') WHERE octet_length(embedding) = 0;",
                        schema_));
    }

    Database& database_;
    const std::string& command_;
    const std::string& schema_;
    Findings& findings_;
};

}  // namespace

void check_schema(Database& database, const std::string& command, Findings& findings) {
    SchemaCheck(database, command, findings).run();
}

}  // namespace stele::cli
