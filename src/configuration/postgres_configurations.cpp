#include <fmt/format.h>

#include <atomic>

#include "configuration/configurations.hpp"
#include "stele/error.hpp"

namespace stele {
namespace {

// The index is asked for one identifier after the other: a DISTINCT would read every revision.
std::string list_sql(const std::string& table) {
    return fmt::format(
        "WITH RECURSIVE one AS ((SELECT identifier FROM {0} ORDER BY identifier LIMIT 1) UNION ALL SELECT (SELECT "
        "identifier FROM {0} WHERE identifier > one.identifier ORDER BY identifier LIMIT 1) FROM one WHERE "
        "one.identifier IS NOT NULL) SELECT identifier FROM one WHERE identifier IS NOT NULL",
        table);
}

// A clock that stands still or goes back must not make an older revision the newest.
std::string define_sql(const std::string& table, bool named) {
    return fmt::format(
        "INSERT INTO {0} (identifier, content, created{1}) SELECT $1, $2, greatest(clock_timestamp(), n.created + "
        "interval '1 us'){2} FROM (SELECT) AS once LEFT JOIN LATERAL (SELECT content, created FROM {0} WHERE "
        "identifier = $1 ORDER BY created DESC LIMIT 1) n ON true WHERE $3 OR n.content IS DISTINCT FROM $2",
        table, named ? ", name" : "", named ? ", $4" : "");
}

class PostgresConfigurations final : public Configurations {
public:
    PostgresConfigurations(Executor& executor, const std::string& quoted_schema, bool append_unchanged, bool group)
        : executor_(executor),
          append_unchanged_(append_unchanged),
          group_(group),
          table_(quoted_schema + ".configurations"),
          list_(list_sql(table_)),
          newest_("SELECT content FROM " + table_ + " WHERE identifier = $1 ORDER BY created DESC LIMIT 1"),
          define_(define_sql(table_, false)),
          define_named_(define_sql(table_, true)),
          remove_("DELETE FROM " + table_ + " WHERE identifier = $1") {}

    std::vector<std::string> identifiers(Deadline deadline) override {
        std::vector<std::string> all;
        for (const Row& row : executor_.query(Statement(list_).slow_read(), deadline)) {
            all.push_back(row.get<std::string>(0));
        }
        return all;
    }
    std::optional<Json> newest(std::string_view identifier, Deadline deadline) override {
        const Rows rows = executor_.query(Statement(newest_, identifier).read_by_key(), deadline);
        return rows.empty() ? std::nullopt : std::optional(rows[0].get<Json>(0));
    }
    bool define(std::string_view identifier, const Json& content, std::string_view name, Deadline deadline) override {
        // another define in the same microsecond has the same key; the next look sees it
        constexpr int kTries = 10;
        for (int tries = 1;; ++tries) {
            try {
                Statement define = has_name(deadline)
                                       ? Statement(define_named_, identifier, content, append_unchanged_, name)
                                       : Statement(define_, identifier, content, append_unchanged_);
                return executor_.execute(marked(std::move(define), identifier), deadline) > 0;
            } catch (const Error& error) {
                const bool collided = error.sqlstate() == "23505" && group_;
                if (!collided || tries == kTries) throw;
            }
        }
    }
    std::size_t remove(std::string_view identifier, Deadline deadline) override {
        return executor_.execute(marked(Statement(remove_, identifier), identifier), deadline);
    }

private:
    Statement marked(Statement write, std::string_view identifier) const {
        if (group_) write.group_commit(fmt::format("{}/{}", table_, identifier));
        // what is there already is not added again
        if (!append_unchanged_) write.repeatable();
        return write;
    }

    /// haiway added a column that has no default.
    bool has_name(Deadline deadline) {
        constexpr int kUnknown = -1;
        int named = named_.load(std::memory_order_relaxed);
        if (named == kUnknown) {
            const Rows rows = executor_.query(
                Statement("SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = $1::text::regclass AND attname = "
                          "'name' AND NOT attisdropped)",
                          table_)
                    .read(),
                deadline);
            named_ = named = rows[0].get<bool>(0) ? 1 : 0;
        }
        return named == 1;
    }

    Executor& executor_;
    const bool append_unchanged_, group_;
    const std::string table_;
    const Sql list_, newest_, define_, define_named_, remove_;
    std::atomic<int> named_{-1};
};

}  // namespace

std::unique_ptr<Configurations> make_postgres_configurations(Executor& executor, const std::string& quoted_schema,
                                                             bool append_unchanged, bool group) {
    return std::make_unique<PostgresConfigurations>(executor, quoted_schema, append_unchanged, group);
}

}  // namespace stele
