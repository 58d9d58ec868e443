#include "index/index_table.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/hash.hpp"
#include "base/result.hpp"
#include "index/member_index.hpp"
#include "index/text_index.hpp"
#include "postgres/identifier.hpp"

namespace stele {
namespace {

// With the column, so that it goes where the vectors go: into dumps and restores, and away with the table.
constexpr std::string_view kComment = "stele: vectors of the embedder ";

bool can_iterate(std::string_view version) {
    int major = 0, minor = 0;
    const auto [dot, error] = std::from_chars(version.data(), version.data() + version.size(), major);
    if (error == std::errc() && dot != version.data() + version.size()) {
        std::from_chars(dot + 1, version.data() + version.size(), minor);
    }
    return major > 0 || minor >= 8;
}

// Bytes of a row's other columns that there should be room for: a passage of text, compressed.
constexpr std::size_t kBesideVector = 600;

/// PostgreSQL's MaximumBytesPerTuple.
std::size_t row_bytes(std::size_t block_bytes, std::size_t rows) {
    constexpr std::size_t kHeader = 24, kPointer = 4, kAlignment = 8;
    const std::size_t used = (kHeader + kPointer * rows + kAlignment - 1) / kAlignment * kAlignment;
    return (block_bytes - used) / rows / kAlignment * kAlignment;
}

/// Keeps vectors in their rows where they fit into a page: elsewhere (TOAST) each costs a search three more pages, and
/// a write three more rows. What is long beside them goes there instead.
std::vector<Statement> keep_in_rows(const std::string& table, std::size_t vector_bytes, std::size_t block_bytes) {
    constexpr std::size_t kDefaultRows = 4;
    const std::size_t rows = row_bytes(block_bytes, 1) / (vector_bytes + kBesideVector);
    if (rows == 0) return {};
    std::vector<Statement> statements;
    statements.emplace_back("ALTER TABLE " + table + " ALTER COLUMN embedding SET STORAGE MAIN");
    if (rows < kDefaultRows) {
        statements.emplace_back(
            fmt::format("ALTER TABLE {} SET (toast_tuple_target = {})", table, row_bytes(block_bytes, rows)));
    }
    return statements;
}

std::string text_of(const std::vector<Statement>& statements) {
    std::string text;
    for (const Statement& statement : statements) {
        text += fmt::format("{}{}", text.empty() ? "" : "; ", statement.sql().text());
    }
    return text;
}

}  // namespace

IndexTable::IndexTable(std::string quoted_schema, VectorIndexOptions options)
    : schema_(std::move(quoted_schema)),
      quoted_(schema_ + "." + quote_identifier(options.table)),
      options_(std::move(options)) {}

TableFacts IndexTable::look(Executor& executor, Deadline deadline) const {
    const Statement statement(
        "SELECT e.nspname::text, e.extversion, c.oid IS NOT NULL, coalesce(pg_has_role(c.relowner, 'USAGE'), false), "
        "t.typname::text, coalesce(a.atttypmod, -1), col_description(c.oid, a.attnum), 2 = (SELECT count(*) FROM "
        "pg_attribute k WHERE k.attrelid = c.oid AND k.attname IN ('stele_key', 'stele_digest') AND NOT "
        "k.attisdropped), x.names, x.hnsw, x.ivfflat, x.lists, e.vector, c.relkind IN ('r', 'p') AND "
        "NOT c.relrowsecurity, col_description(c.oid, a.attnum) IS NOT NULL, has_table_privilege(c.oid, 'SELECT'), 4 = "
        "(SELECT count(*) FROM pg_attribute k WHERE k.attrelid = c.oid AND NOT k.attisdropped AND (k.attname, "
        "k.atttypid) IN (('id', 'uuid'::regtype), ('payload', 'jsonb'::regtype), ('meta', 'jsonb'::regtype), "
        "('created', 'timestamptz'::regtype))), y.stamp, y.has_configuration, current_setting('block_size')::int FROM "
        "(SELECT) o LEFT JOIN "
        "(SELECT n.nspname, x.extversion, to_regtype(quote_ident(n.nspname) || '.vector')::oid AS vector FROM "
        "pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace WHERE x.extname = 'vector') e "
        "ON true LEFT JOIN pg_class c ON c.oid = to_regclass($1) LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND "
        "a.attname = 'embedding' AND NOT a.attisdropped LEFT JOIN pg_type t ON t.oid = a.atttypid CROSS JOIN LATERAL "
        "(SELECT coalesce(array_agg(x.relname::text), '{}') AS names, min(x.relname::text) FILTER (WHERE m.amname = "
        "'hnsw') AS hnsw, min(x.relname::text) FILTER (WHERE m.amname = 'ivfflat') AS ivfflat, max((SELECT "
        "o.option_value::int FROM "
        "pg_options_to_table(x.reloptions) o WHERE o.option_name = 'lists')) AS lists FROM pg_index i JOIN pg_class x "
        "ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam WHERE i.indrelid = c.oid AND i.indisvalid) x CROSS "
        "JOIN (SELECT " +
            stamp_sql() + " AS stamp, " + has_configuration_sql("$2") + " AS has_configuration) y",
        quoted_, options_.text_configuration);
    const Row row = executor.query(statement, deadline)[0];
    if (!options_.text.empty() && !row.get<bool>(18)) {
        raise(ErrorCode::invalid_argument,
              fmt::format(
                  "this database has no text search configuration \"{}\", which the index \"{}\" is to find words "
                  "by: name one of pg_ts_config in VectorIndexOptions::text_configuration",
                  options_.text_configuration, options_.table));
    }
    TableFacts facts;
    if (const auto schema = row.find<std::string>(0)) facts.extension = quote_identifier(*schema);
    facts.vector_type = static_cast<std::uint32_t>(row.find<std::int64_t>(12).value_or(0));
    facts.iterates = can_iterate(row.find<std::string>(1).value_or(""));
    facts.block_bytes = static_cast<std::size_t>(row.get<std::int32_t>(19));
    facts.table = row.get<bool>(2);
    if (!facts.table) return facts;
    const auto type = row.find<std::string>(4);
    if ((type != "vector" && type != "halfvec") || !row.get<bool>(16)) {
        raise(ErrorCode::schema_conflict,
              fmt::format("{} is there and is no table of an index, which has the columns id uuid, embedding vector or "
                          "halfvec, payload jsonb, meta jsonb and created timestamptz: name another table in "
                          "VectorIndexOptions::table",
                          quoted_));
    }
    facts.owned = row.get<bool>(3);
    facts.copies = row.get<bool>(13);
    facts.half = type == "halfvec";
    facts.frame.dimension = static_cast<std::size_t>(std::max(row.get<std::int32_t>(5), 0));
    facts.frame.fingerprint = fingerprint_of(row.find<std::string>(6).value_or(""));
    facts.keyed = row.get<bool>(7);
    for (std::string& name : row.get<std::vector<std::string>>(8)) facts.indexes.insert(std::move(name));
    facts.hnsw = row.find<std::string>(9);
    facts.ivfflat = row.find<std::string>(10);
    constexpr std::int32_t kLists = 100;  // pgvector's default
    if (facts.ivfflat) facts.lists = row.find<std::int32_t>(11).value_or(kLists);
    facts.noted = row.get<bool>(14);
    facts.stamp = row.get<std::string>(17);
    if (row.get<bool>(15)) read_frame(executor, facts, deadline);
    return facts;
}

std::string IndexTable::stamp_sql() const {
    return fmt::format(
        "(SELECT concat_ws(' ', a.attrelid, a.atttypid, a.atttypmod, d.description) FROM pg_attribute a LEFT JOIN "
        "pg_description d ON d.objoid = a.attrelid AND d.objsubid = a.attnum AND d.classoid = 'pg_class'::regclass "
        "WHERE a.attrelid = to_regclass({}) AND a.attname = 'embedding' AND NOT a.attisdropped)",
        quote_literal(quoted_));
}

void IndexTable::read_frame(Executor& executor, TableFacts& facts, Deadline deadline) const {
    if (facts.frame.dimension != 0 && !facts.frame.fingerprint.empty()) return;
    // some rows: of a table of draive's none may tell
    const Statement statement = Statement(fmt::format("SELECT (SELECT m.meta ->> 'embedder' FROM (SELECT meta FROM {} "
                                                      "LIMIT 1000) m WHERE m.meta ->> 'embedder' <> '' LIMIT 1), "
                                                      "(SELECT {}.vector_dims(embedding) FROM {} LIMIT 1)",
                                                      quoted_, facts.extension, quoted_))
                                    .slow_read();
    const Row row = executor.query(statement, deadline)[0];
    if (facts.frame.fingerprint.empty()) facts.frame.fingerprint = row.find<std::string>(0).value_or("");
    if (facts.frame.dimension == 0)
        facts.frame.dimension = static_cast<std::size_t>(row.find<std::int32_t>(1).value_or(0));
}

std::string IndexTable::fingerprint_of(std::string_view note) {
    return std::string(note.starts_with(kComment) ? note.substr(kComment.size()) : "");
}

std::vector<WantedIndex> IndexTable::wanted(const TableFacts& facts) const {
    const std::string_view type = facts.half ? "halfvec" : "vector";
    std::vector<WantedIndex> all;
    if (options_.ann != AnnIndex::none) {
        const bool hnsw = options_.ann == AnnIndex::hnsw;
        const std::string with =
            hnsw ? fmt::format("m = {}, ef_construction = {}", options_.hnsw_m, options_.hnsw_ef_construction)
                 : fmt::format("lists = {}", options_.ivfflat_lists);
        const std::string kind = hnsw ? "hnsw" : "ivfflat";
        const std::optional<std::string>& there = hnsw ? facts.hnsw : facts.ivfflat;
        all.push_back(
            {there.value_or(index_name(kind, "")),
             fmt::format("USING {} (embedding {}.{}_cosine_ops) WITH ({})", kind, facts.extension, type, with),
             there.has_value()});
    }
    for (const IndexedMember& member : options_.members) {
        const std::string name = member_index_name(member.path());
        all.push_back({name, member_index_sql(member.path(), "payload"), facts.indexes.contains(name)});
    }
    if (!options_.text.empty()) {
        const std::string name = index_name("text", text_identity(options_.text, options_.text_configuration));
        all.push_back({name, fmt::format("USING gin (({}))", words_sql()), facts.indexes.contains(name),
                       text_note(options_.text, options_.text_configuration)});
    }
    return all;
}

Statement IndexTable::note(const WantedIndex& index) const {
    return Statement(
        fmt::format("COMMENT ON INDEX {}.{} IS {}", schema_, quote_identifier(index.name), quote_literal(index.note)));
}

std::string IndexTable::words_sql() const {
    return tsvector_sql(options_.text, options_.text_configuration, "payload");
}

std::string IndexTable::wanted_words_sql(std::size_t parameter) const {
    return fmt::format("websearch_to_tsquery({}, ${}::text)", configuration_sql(options_.text_configuration),
                       parameter);
}

bool IndexTable::has_index(const TableFacts& facts, const detail::FilterPath& path) const {
    return facts.indexes.contains(member_index_name(path));
}

// By a digest: a table's name and a path are longer than the 63 bytes that a name has, and indexes share their schema.
std::string IndexTable::index_name(std::string_view kind, std::string_view of) const {
    return fmt::format("stele_{}_{}", kind, sha256_hex(fmt::format("{}\n{}", options_.table, of)).substr(0, 16));
}

std::string IndexTable::member_index_name(const detail::FilterPath& path) const {
    std::string of;
    for (const detail::FilterStep& step : path) {
        of += step.item ? fmt::format("[{}]", *step.item) : Json::string(step.key).text();
    }
    return index_name("member", of);
}

bool IndexTable::was_made_meanwhile(const Error& error) {
    return error.sqlstate() == "42P07" || error.sqlstate() == "42710" || error.sqlstate() == "23505";
}

bool IndexTable::lacks(const TableFacts& facts, const VectorFrame& frame, bool keyed) {
    const bool untold = !facts.noted && !frame.fingerprint.empty() && facts.owned;
    return facts.extension.empty() || !facts.table || (keyed && !facts.keyed) || untold;
}

void IndexTable::make(Executor& executor, const TableFacts& facts, const VectorFrame& frame, bool keyed,
                      Deadline deadline) const {
    if (facts.extension.empty()) {
        constexpr const char* kAdvice = "have a superuser run CREATE EXTENSION vector";
        if (!options_.create) missing("PostgreSQL's extension pgvector is not in this database", kAdvice);
        return make_extension(executor, deadline);
    }
    if (facts.table) return extend(executor, facts, frame, keyed, deadline);
    const std::vector<Statement> statements = creation(facts, frame);
    const std::string advice = "have a role that may make it run " + text_of(statements);
    if (!options_.create) missing(fmt::format("the table {} is not there", quoted_), advice);
    try {
        executor.run(statements, deadline);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::permission) throw;
        missing(fmt::format("the table {} is not there and cannot be made", quoted_), advice, &error);
    }
}

void IndexTable::extend(Executor& executor, const TableFacts& facts, const VectorFrame& frame, bool keyed,
                        Deadline deadline) const {
    check_frame(options_.table, facts.frame, frame);
    const bool lacks_keys = keyed && !facts.keyed;
    const std::string what = fmt::format("the table {} has no columns for keys", quoted_);
    const std::string advice = "have its owner run " + text_of(keys());
    if (lacks_keys && (!options_.create || !facts.owned)) missing(what, advice);
    try {
        // whoever was quicker has done it by the time that the lock is there
        executor.execute(Statement(fmt::format("LOCK TABLE {} IN {} MODE", quoted_,
                                               lacks_keys ? "ACCESS EXCLUSIVE" : "SHARE UPDATE EXCLUSIVE")),
                         deadline);
        const TableFacts now = look(executor, deadline);
        check_frame(options_.table, now.frame, frame);
        std::vector<Statement> statements;
        if (lacks_keys && !now.keyed) statements = keys();
        if (lacks(now, frame, false)) statements.push_back(comment(frame.fingerprint));
        executor.run(statements, deadline);
    } catch (const Error& error) {
        if (lacks_keys && error.code() == ErrorCode::permission) missing(what, advice, &error);
        throw;
    }
}

void IndexTable::make_extension(Executor& executor, Deadline deadline) const {
    try {
        executor.execute(Statement("CREATE EXTENSION IF NOT EXISTS vector"), deadline);
    } catch (const Error& error) {
        if (error.sqlstate() == "0A000" || error.sqlstate() == "58P01") {
            missing("the server has no pgvector",
                    "install it (Debian: postgresql-17-pgvector; for the embedded cluster run scripts/setup)", &error);
        }
        if (error.code() == ErrorCode::permission) {
            missing("this role may not install pgvector", "have a superuser run CREATE EXTENSION vector", &error);
        }
        throw;
    }
}

std::vector<Statement> IndexTable::keys() const {
    std::vector<Statement> statements;
    statements.emplace_back("ALTER TABLE " + quoted_ +
                            " ADD COLUMN IF NOT EXISTS stele_key text, ADD COLUMN IF NOT EXISTS stele_digest text");
    statements.emplace_back("CREATE UNIQUE INDEX ON " + quoted_ + " (stele_key)");
    return statements;
}

std::vector<Statement> IndexTable::creation(const TableFacts& facts, const VectorFrame& frame) const {
    const std::string_view type = options_.type == VectorType::halfvec ? "halfvec" : "vector";
    std::vector<Statement> statements;
    // draive's columns; what is Stele's own may be null, so that draive can write
    statements.emplace_back(fmt::format(
        "CREATE TABLE {} (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), embedding {}.{}({}) NOT NULL, "
        "payload jsonb NOT NULL, meta jsonb NOT NULL, created timestamptz NOT NULL DEFAULT now(), stele_key "
        "text, stele_digest text)",
        quoted_, facts.extension, type, frame.dimension));
    const std::size_t element = options_.type == VectorType::halfvec ? 2 : sizeof(float);
    for (Statement& statement : keep_in_rows(quoted_, frame.dimension * element, facts.block_bytes)) {
        statements.push_back(std::move(statement));
    }
    statements.emplace_back("CREATE UNIQUE INDEX ON " + quoted_ + " (stele_key)");
    statements.emplace_back("CREATE INDEX ON " + quoted_ + " (created DESC, id DESC)");
    TableFacts made = facts;
    made.half = options_.type == VectorType::halfvec;
    for (const WantedIndex& index : wanted(made)) {
        statements.emplace_back(
            fmt::format("CREATE INDEX {} ON {} {}", quote_identifier(index.name), quoted_, index.definition));
        if (!index.note.empty()) statements.push_back(note(index));
    }
    if (!frame.fingerprint.empty()) statements.push_back(comment(frame.fingerprint));
    return statements;
}

Statement IndexTable::comment(const std::string& fingerprint) const {
    return Statement(fmt::format("COMMENT ON COLUMN {}.embedding IS {}", quoted_,
                                 quote_literal(std::string(kComment) + fingerprint)));
}

void IndexTable::missing(const std::string& what, const std::string& advice, const Error* error) const {
    ErrorInfo info = error == nullptr ? ErrorInfo() : error->info();
    info.code = ErrorCode::schema_missing;
    info.message = fmt::format("{}, and the index \"{}\" needs it: {}", what, options_.table, advice);
    raise(std::move(info));
}

}  // namespace stele
