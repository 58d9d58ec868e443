#include "stele/index_tables.hpp"

#include "index/index_table.hpp"
#include "index/text_index.hpp"

namespace stele {
inline namespace v0 {

std::vector<IndexTableInfo> index_tables(Database& database, std::optional<Deadline> deadline) {
    const Statement statement(
        "SELECT c.relname::text, t.typname = 'halfvec', greatest(a.atttypmod, 0), col_description(c.oid, a.attnum), 2 "
        "= (SELECT count(*) FROM pg_attribute k WHERE k.attrelid = c.oid AND k.attname IN ('stele_key', "
        "'stele_digest') AND NOT k.attisdropped), coalesce((SELECT min(m.amname::text) FROM pg_index i JOIN pg_class x "
        "ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam WHERE i.indrelid = c.oid AND i.indisvalid AND "
        "m.amname IN ('hnsw', 'ivfflat')), ''), pg_total_relation_size(c.oid), ARRAY(SELECT "
        "obj_description(i.indexrelid, 'pg_class') FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid AND "
        "obj_description(i.indexrelid, 'pg_class') IS NOT NULL ORDER BY i.indexrelid DESC) FROM pg_class c JOIN "
        "pg_attribute a ON "
        "a.attrelid = c.oid AND a.attname = 'embedding' AND NOT a.attisdropped JOIN pg_type t ON t.oid = a.atttypid "
        "WHERE c.relnamespace = to_regnamespace($1) AND c.relkind IN ('r', 'p') AND t.typname IN ('vector', 'halfvec') "
        "AND EXISTS (SELECT FROM pg_attribute p WHERE p.attrelid = c.oid AND p.attname = 'payload' AND p.atttypid = "
        "'jsonb'::regtype AND NOT p.attisdropped) AND has_table_privilege(c.oid, 'SELECT') ORDER BY 1",
        database.quoted_schema());
    std::vector<IndexTableInfo> tables;
    for (const Row& row : database.query(statement, deadline)) {
        IndexTableInfo info;
        info.table = row.get<std::string>(0);
        info.type = row.get<bool>(1) ? VectorType::halfvec : VectorType::vector;
        info.dimension = static_cast<std::size_t>(row.get<std::int32_t>(2));
        info.fingerprint = IndexTable::fingerprint_of(row.find<std::string>(3).value_or(""));
        info.keyed = row.get<bool>(4);
        const auto ann = row.get<std::string>(5);
        info.ann = ann == "hnsw" ? AnnIndex::hnsw : (ann == "ivfflat" ? AnnIndex::ivfflat : AnnIndex::none);
        info.bytes = static_cast<std::uint64_t>(row.get<std::int64_t>(6));
        for (const std::string& note : row.get<std::vector<std::string>>(7)) {
            if (auto text = read_text_note(note)) info.text.push_back(std::move(*text));
        }
        tables.push_back(std::move(info));
    }
    return tables;
}

}  // namespace v0
}  // namespace stele
