#include "index/index_build.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <future>

#include "base/result.hpp"
#include "postgres/database_impl.hpp"
#include "postgres/identifier.hpp"

namespace stele {

IndexBuild::IndexBuild(Database database, const IndexTable& table, const IndexBuildOptions& options)
    : database_(std::move(database)),
      table_(table),
      options_(options),
      deadline_(options.deadline.value_or(Deadline::never())),
      facts_(table.look(database_, deadline_)) {
    if (!facts_.table) {
        raise(ErrorCode::schema_missing,
              fmt::format("the table {} is not there: index something first, which makes it with its indexes",
                          table_.quoted()));
    }
    wanted_ = table_.wanted(facts_);
}

std::vector<std::string> IndexBuild::build() {
    drop_unfinished();
    std::vector<std::string> built;
    of_ = static_cast<std::size_t>(
        std::count_if(wanted_.begin(), wanted_.end(), [](const WantedIndex& index) { return !index.there; }));
    for (const WantedIndex& index : wanted_) {
        if (index.there) continue;
        ++number_;
        run(fmt::format("CREATE INDEX CONCURRENTLY {} ON {} {}", quote_identifier(index.name), table_.quoted(),
                        index.definition),
            index.name);
        if (!index.note.empty()) database_.execute(table_.note(index), deadline_);
        finish(index.name);
        built.push_back(index.name);
    }
    return built;
}

std::vector<std::string> IndexBuild::rebuild() {
    drop_unfinished();
    std::vector<std::string> again;
    for (const WantedIndex& index : wanted_) {
        if (index.there) again.push_back(index.name);
    }
    // made by another program's options, or this one's of another day
    for (const std::string& name : facts_.indexes) {
        if (name.starts_with("stele_") && std::find(again.begin(), again.end(), name) == again.end()) {
            again.push_back(name);
        }
    }
    of_ = again.size();
    for (const std::string& index : again) {
        ++number_;
        run("REINDEX INDEX CONCURRENTLY " + qualified(index), index);
        finish(index);
    }
    number_ = 0;
    for (std::string& index : build()) again.push_back(std::move(index));
    return again;
}

void IndexBuild::drop_unfinished() {
    const Statement look(
        "SELECT x.relname::text, p.pid FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = "
        "x.relam LEFT JOIN pg_stat_progress_create_index p ON p.relid = i.indrelid WHERE i.indrelid = to_regclass($1) "
        "AND NOT i.indisvalid AND (m.amname IN ('hnsw', 'ivfflat') OR starts_with(x.relname, 'stele_'))",
        table_.quoted());
    for (const Row& row : database_.query(look, deadline_)) {
        const auto name = row.get<std::string>(0);
        if (const auto pid = row.find<std::int32_t>(1)) {
            raise(ErrorCode::schema_conflict,
                  fmt::format("the index {} of {} is being built by the server process {}: wait for it, or cancel it",
                              name, table_.quoted(), *pid));
        }
        run("DROP INDEX CONCURRENTLY IF EXISTS " + qualified(name), name);
    }
}

// On a connection of its own, without the timeout of quick statements; what it says of itself is read through another.
void IndexBuild::run(const std::string& sql, const std::string& index) {
    Database outside = database_.impl().beside(deadline_);
    std::future<void> done = std::async(std::launch::async, [&] {
        if (!options_.memory_mb) {
            outside.execute(Statement(Sql(sql)), deadline_);
            return;
        }
        Connection connection = outside.connect(deadline_);
        connection.execute(Statement(Sql(fmt::format("SET maintenance_work_mem = '{}MB'", *options_.memory_mb))),
                           deadline_);
        connection.execute(Statement(Sql(sql)), deadline_);
    });
    constexpr std::chrono::milliseconds kPause{200};
    while (done.wait_for(kPause) == std::future_status::timeout) tell(index);
    done.get();
}

void IndexBuild::finish(const std::string& index) {
    if (options_.on_progress) options_.on_progress({index, number_, of_, "done", 1});
}

void IndexBuild::tell(const std::string& index) {
    if (!options_.on_progress) return;
    const Statement look(
        "SELECT phase, CASE WHEN tuples_total > 0 THEN tuples_done::float8 / tuples_total WHEN blocks_total > 0 THEN "
        "blocks_done::float8 / blocks_total ELSE 0 END FROM pg_stat_progress_create_index WHERE relid = "
        "to_regclass($1)",
        table_.quoted());
    Rows rows;
    try {
        rows = database_.query(look, deadline_);
    } catch (const Error&) {
        return;  // no reason to give the build up
    }
    for (const Row& row : rows) {
        options_.on_progress({index, number_, of_, row.get<std::string>(0), std::clamp(row.get<double>(1), 0.0, 1.0)});
    }
}

std::string IndexBuild::qualified(const std::string& index) const {
    return database_.quoted_schema() + "." + quote_identifier(index);
}

}  // namespace stele
