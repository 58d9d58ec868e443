#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "postgres/adoption_plan.hpp"

namespace stele {
namespace {

// mneme's tables mean nothing without one another.
constexpr std::array<std::string_view, 5> kMneme{"entries", "schema_meta", "cache_counters", "namespace_quotas",
                                                 "multi_process_state"};

bool is_mnemes(std::string_view table) {
    return std::find(kMneme.begin(), kMneme.end(), table) != kMneme.end();
}

bool is_used(const std::string& table, const std::set<std::string>& in_use) {
    if (!is_mnemes(table)) return in_use.contains(table);
    return std::any_of(in_use.begin(), in_use.end(), is_mnemes);
}

class Undo {
public:
    Undo(const SchemaInventory& actual, UndoPlan& plan) : actual_(actual), plan_(plan) {}

    void triggers(const std::string& name, const SchemaTable& wanted) {
        for (const std::string& trigger : wanted.triggers) {
            if (actual_.table(name)->has_trigger(trigger)) add(SchemaObjectKind::trigger, name, trigger);
        }
    }
    void additions(const std::string& name, const SchemaTable& wanted, const NotedTable& before) {
        const SchemaTable& actual = *actual_.table(name);
        for (const SchemaIndex& index : wanted.indexes) {
            if (index.is_constraint || before.indexes.contains(index.name) || !actual.index(index.name)) continue;
            add(SchemaObjectKind::index, name, index.name);
        }
        for (const SchemaColumn& column : wanted.columns) {
            if (before.columns.contains(column.name) || !actual.column(column.name)) continue;
            add(SchemaObjectKind::column, name, column.name);
        }
    }
    void table(const std::string& name) { add(SchemaObjectKind::table, {}, name); }
    void function(const std::string& signature) { add(SchemaObjectKind::function, {}, signature); }

private:
    void add(SchemaObjectKind kind, std::string table, std::string name) {
        plan_.dropped.push_back({kind, std::move(table), std::move(name)});
    }

    const SchemaInventory& actual_;
    UndoPlan& plan_;
};

/// Triggers use columns and functions, indexes use columns, and tables use functions.
int place_of(SchemaObjectKind kind) {
    switch (kind) {
        case SchemaObjectKind::trigger: return 0;
        case SchemaObjectKind::index: return 1;
        case SchemaObjectKind::column: return 2;
        case SchemaObjectKind::table: return 3;
        case SchemaObjectKind::function: return 4;
    }
    return 5;
}

}  // namespace

std::vector<std::string> added_tables(const WantedSchema& wanted, const SchemaInventory& actual,
                                      const AdoptionRecord& record) {
    std::vector<std::string> added;
    for (const auto& [name, table] : wanted.after.tables) {
        if (actual.table(name) && !is_own(name) && !record.contains(name)) added.push_back(name);
    }
    return added;
}

UndoPlan make_undo_plan(const WantedSchema& wanted, const SchemaInventory& actual, const AdoptionRecord& record,
                        const std::set<std::string>& in_use) {
    UndoPlan plan;
    Undo undo(actual, plan);
    for (const auto& [name, table] : wanted.after.tables) {
        if (!actual.table(name)) continue;
        const auto noted = record.find(name);
        if (noted != record.end()) {
            undo.triggers(name, table);
            undo.additions(name, table, noted->second);
        } else if (!is_own(name) && is_used(name, in_use)) {
            undo.triggers(name, table);
            plan.kept.push_back(name);
        } else {
            undo.table(name);
        }
    }
    for (const std::string_view name : {kMigrationsTable, kAdoptedTable}) {
        if (actual.table(std::string(name))) undo.table(std::string(name));
    }
    for (const auto& [signature, function] : wanted.after.functions) {
        if (actual.functions.contains(signature)) undo.function(signature);
    }
    std::sort(plan.dropped.begin(), plan.dropped.end(), [](const SchemaObject& a, const SchemaObject& b) {
        return std::tuple(place_of(a.kind), std::string_view(a.table), std::string_view(a.name)) <
               std::tuple(place_of(b.kind), std::string_view(b.table), std::string_view(b.name));
    });
    return plan;
}

std::vector<std::string> tables_to_lock(const UndoPlan& plan) {
    std::set<std::string> theirs, own;
    for (const SchemaObject& object : plan.dropped) {
        if (object.kind == SchemaObjectKind::function) continue;
        const std::string& table = object.kind == SchemaObjectKind::table ? object.name : object.table;
        (is_own(table) ? own : theirs).insert(table);
    }
    std::vector<std::string> tables(theirs.begin(), theirs.end());
    tables.insert(tables.end(), own.begin(), own.end());
    return tables;
}

}  // namespace stele
