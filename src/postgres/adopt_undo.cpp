#include <array>
#include <utility>

#include "base/result.hpp"
#include "postgres/adoption.hpp"
#include "postgres/identifier.hpp"
#include "postgres/migration_runner.hpp"
#include "postgres/table_locks.hpp"
#include "stele/adopt.hpp"

namespace stele {
namespace {

struct Irreplaceable {
    const char* what;
    const char* table;
    const char* which = "true";  ///< of its rows
};
constexpr std::array kIrreplaceable{
    Irreplaceable{"labels", "stele_labels", "revision IS NOT NULL"},
    Irreplaceable{"moves of labels", "stele_label_moves"},
    Irreplaceable{"notes on revisions", "stele_revision_notes"},
    Irreplaceable{"keys of what was remembered", "stele_memory_keys"},
    Irreplaceable{"forks of what was remembered", "stele_memory_forks"},
    Irreplaceable{"limits of the cache", "stele_cache_limits", "coalesce(max_entries, max_bytes) IS NOT NULL"},
    Irreplaceable{"vectors of a re-embedding of the cache", "stele_shadow_vectors"},
    Irreplaceable{"policies of the cache", "stele_cache_policies"},
    Irreplaceable{"published versions", "stele_heads"},
    Irreplaceable{"tags of answers", "stele_entry_tags"},
    Irreplaceable{"notes of what answers were made from", "stele_entry_dependencies"}};

class Undoing {
public:
    Undoing(Database& database, Transaction& transaction, const std::vector<Migration>& all, Deadline deadline)
        : transaction_(transaction),
          deadline_(deadline),
          adoption_(database, transaction, all, deadline),
          record_(adoption_.record()) {}

    /// Without a look at rows: all that could be dropped.
    UndoPlan largest_plan() const { return make_undo_plan(adoption_.wanted(), adoption_.actual(), record_, {}); }

    UndoPlan plan() {
        std::set<std::string> in_use;
        for (const std::string& table : added_tables(adoption_.wanted(), adoption_.actual(), record_)) {
            const std::int64_t made = adoption_.wanted().rows.at(table);
            const Statement look(Sql("SELECT EXISTS (SELECT FROM " + placed(table) + " OFFSET $1)"), made);
            if (transaction_.query(look, deadline_)[0].get<bool>(0)) in_use.insert(table);
        }
        UndoPlan plan = make_undo_plan(adoption_.wanted(), adoption_.actual(), record_, in_use);
        for (const Irreplaceable& each : kIrreplaceable) {
            if (adoption_.actual().table(each.table) == nullptr) continue;
            const Statement count(Sql("SELECT count(*) FROM " + placed(each.table) + " WHERE " + each.which));
            const auto rows = transaction_.query(count, deadline_)[0].get<std::int64_t>(0);
            if (rows > 0) plan.lost.push_back({each.what, each.table, rows});
        }
        return plan;
    }

    /// DROP says so too, but only of the first.
    void check_owner(const UndoPlan& plan) const {
        std::string others;
        const auto add = [&others](const std::string& name, const std::string& owner) {
            others += (others.empty() ? "" : ", ") + name + " (of " + owner + ")";
        };
        for (const std::string& table : tables_to_lock(plan)) {
            const SchemaRelation& relation = adoption_.actual().relations.at(table);
            if (!relation.owned) add(table, relation.owner);
        }
        for (const SchemaObject& object : plan.dropped) {
            if (object.kind != SchemaObjectKind::function) continue;
            const SchemaFunction& function = adoption_.actual().functions.at(object.name);
            if (!function.owned) add(object.name, function.owner);
        }
        if (others.empty()) return;
        raise(ErrorCode::permission, "role " + adoption_.site().quoted_role + " does not own " + others +
                                         "; undo it as a role that does. Nothing was changed");
    }

    void drop(const UndoPlan& plan) {
        for (const SchemaObject& object : plan.dropped) {
            if (object.kind == SchemaObjectKind::table) continue;
            if (object.kind == SchemaObjectKind::function) break;
            execute(object, drop_part(object));
        }
        std::string tables;  // together, because they may refer to one another
        for (const SchemaObject& object : plan.dropped) {
            if (object.kind == SchemaObjectKind::table) tables += (tables.empty() ? "" : ", ") + placed(object.name);
        }
        execute({SchemaObjectKind::table, {}, tables}, "DROP TABLE " + tables);
        for (const SchemaObject& object : plan.dropped) {
            if (object.kind != SchemaObjectKind::function) continue;
            const SchemaFunction& function = adoption_.actual().functions.at(object.name);
            execute(object, "DROP FUNCTION " + placed(function.name) + "(" + function.arguments + ")");
        }
    }

private:
    std::string placed(const std::string& name) const {
        return adoption_.site().quoted_schema + "." + quote_identifier(name);
    }
    std::string drop_part(const SchemaObject& object) const {
        const std::string name = quote_identifier(object.name);
        switch (object.kind) {
            case SchemaObjectKind::trigger: return "DROP TRIGGER " + name + " ON " + placed(object.table);
            case SchemaObjectKind::index: return "DROP INDEX " + placed(object.name);
            case SchemaObjectKind::column: return "ALTER TABLE " + placed(object.table) + " DROP COLUMN " + name;
            case SchemaObjectKind::table:
            case SchemaObjectKind::function: break;
        }
        raise(ErrorCode::internal, "not a part of a table: " + object.name);
    }
    void execute(const SchemaObject& object, const std::string& sql) {
        try {
            transaction_.execute(Statement(Sql(sql)), deadline_);
        } catch (const Error& error) {
            if (error.sqlstate() != "2BP01") throw;
            ErrorInfo info = error.info();
            info.message = "something that Stele did not make depends on " + std::string(to_string(object.kind)) + " " +
                           object.name + "; drop it first. Nothing was changed";
            raise(std::move(info));
        }
    }

    Transaction& transaction_;
    Deadline deadline_;
    Adoption adoption_;
    AdoptionRecord record_;
};

void check_nothing_lost(const UndoPlan& plan) {
    if (plan.lost.empty()) return;
    std::string lost;
    for (const LostRows& each : plan.lost) {
        lost += (lost.empty() ? "" : ", ") + each.what + " (" + std::to_string(each.rows) + " in " + each.table + ")";
    }
    raise(ErrorCode::invalid_argument,
          "this would lose " + lost + "; nothing was changed. Copy them first, or say that they may go (force)");
}

}  // namespace

inline namespace v0 {

UndoPlan plan_undo(Database& database, std::optional<Deadline> deadline, const std::vector<Migration>& all) {
    const Deadline until = migration_deadline(deadline);
    Transaction transaction = database.begin({}, until);
    return Undoing(database, transaction, all, until).plan();
}

UndoPlan undo_adoption(Database& database, const UndoOptions& options, std::optional<Deadline> deadline,
                       const std::vector<Migration>& all) {
    check_lock_timeout(options.lock_timeout);
    const Deadline until = migration_deadline(deadline);
    return MigrationRunner::patiently([&] {
        MigrationRunner runner(database, until, all, options.lock_timeout);
        Transaction transaction = runner.begin_locked();
        Undoing undoing(database, transaction, all, until);
        const UndoPlan largest = undoing.largest_plan();
        undoing.check_owner(largest);
        lock_tables(database, transaction, tables_to_lock(largest), TableLock::all, options.lock_timeout, until);
        const UndoPlan plan = undoing.plan();
        if (!options.force) check_nothing_lost(plan);
        undoing.drop(plan);
        transaction.commit(until);
        return plan;
    });
}

}  // namespace v0
}  // namespace stele
