#include "postgres/adoption_plan.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "postgres/adoption_obstacles.hpp"

namespace stele {
namespace {

struct KnownTable {
    std::string_view name;
    std::string_view system;
    bool used;
};
constexpr std::array kKnown{KnownTable{"configurations", "draive", true},
                            KnownTable{"templates", "draive", true},
                            KnownTable{"entries", "mneme", true},
                            KnownTable{"schema_meta", "mneme", true},
                            KnownTable{"cache_counters", "mneme", true},
                            KnownTable{"namespace_quotas", "mneme", true},
                            KnownTable{"multi_process_state", "mneme", true},
                            KnownTable{"memories", "draive", true},
                            KnownTable{"memories_variables", "draive", true},
                            KnownTable{"memories_elements", "draive", true},
                            KnownTable{"conversation_memory", "draive", true}};

/// An unrelated table may bear such a name.
bool looks_like(const SchemaTable& actual, const SchemaTable& expected) {
    return std::all_of(expected.columns.begin(), expected.columns.end(),
                       [&](const SchemaColumn& column) { return actual.column(column.name) != nullptr; });
}

std::vector<FoundTable> find_systems(const WantedSchema& wanted, const SchemaInventory& actual,
                                     const AdoptionSite& site) {
    std::vector<FoundTable> found;
    for (const KnownTable& known : kKnown) {
        const std::string name(known.name);
        const SchemaTable* const table = actual.table(name);
        if (table == nullptr) continue;
        if (wanted.after.table(name) != nullptr && !looks_like(*table, wanted.expected(name))) continue;
        const bool is_haiways = name == "configurations" && table->column("name") != nullptr;
        found.push_back({name, is_haiways ? "haiway" : std::string(known.system), known.used});
    }
    for (const std::string& name : site.vector_tables) found.push_back({name, "draive", false});
    return found;
}

/// What the pending migrations make and the schema lacks.
class Missing {
public:
    Missing(const WantedSchema& wanted, const SchemaInventory& actual) : wanted_(wanted), actual_(actual) {}

    std::vector<SchemaObject> list(const AdoptionSite& site) {
        if (!site.adopted) add(SchemaObjectKind::table, {}, std::string(kAdoptedTable));
        if (site.pending.empty()) return std::move(objects_);
        if (!actual_.relations.contains(std::string(kMigrationsTable))) {
            add(SchemaObjectKind::table, {}, std::string(kMigrationsTable));
        }
        for (const auto& [name, table] : wanted_.after.tables) {
            if (wanted_.before.table(name) == nullptr && actual_.table(name) == nullptr) {
                add(SchemaObjectKind::table, {}, name);
            }
        }
        for (const auto& [name, table] : wanted_.after.tables) parts(name, table);
        for (const auto& [signature, function] : wanted_.after.functions) {
            if (wanted_.before.functions.contains(signature) || actual_.functions.contains(signature)) continue;
            add(SchemaObjectKind::function, {}, signature);
        }
        std::sort(objects_.begin(), objects_.end(), [](const SchemaObject& a, const SchemaObject& b) {
            return std::tie(a.kind, a.table, a.name) < std::tie(b.kind, b.table, b.name);
        });
        return std::move(objects_);
    }

private:
    void parts(const std::string& name, const SchemaTable& table) {
        const SchemaTable none;
        const SchemaTable& before = wanted_.before.table(name) ? *wanted_.before.table(name) : none;
        const SchemaTable* const found = actual_.table(name);
        const SchemaTable& actual = found ? *found : none;
        for (const SchemaColumn& column : table.columns) {
            const bool is_new = wanted_.expected(name).column(column.name) == nullptr;
            if (found && is_new && actual.column(column.name) == nullptr) {
                add(SchemaObjectKind::column, name, column.name);
            }
        }
        for (const SchemaIndex& index : table.indexes) {
            if (index.is_constraint || before.index(index.name) || actual.index(index.name)) continue;
            add(SchemaObjectKind::index, name, index.name);
        }
        for (const std::string& trigger : table.triggers) {
            if (before.has_trigger(trigger) || actual.has_trigger(trigger)) continue;
            add(SchemaObjectKind::trigger, name, trigger);
        }
    }
    void add(SchemaObjectKind kind, std::string table, std::string name) {
        objects_.push_back({kind, std::move(table), std::move(name)});
    }

    const WantedSchema& wanted_;
    const SchemaInventory& actual_;
    std::vector<SchemaObject> objects_;
};

}  // namespace

inline namespace v0 {
std::string_view to_string(SchemaObjectKind kind) noexcept {
    switch (kind) {
        case SchemaObjectKind::table: return "table";
        case SchemaObjectKind::column: return "column";
        case SchemaObjectKind::index: return "index";
        case SchemaObjectKind::trigger: return "trigger";
        case SchemaObjectKind::function: return "function";
    }
    return "object";
}
}  // namespace v0

const SchemaTable& WantedSchema::expected(const std::string& table) const {
    if (const SchemaTable* const found = before.table(table)) return *found;
    const auto made = original.find(table);
    return made == original.end() ? *after.table(table) : made->second;
}

bool is_own(std::string_view table) {
    return table.starts_with("stele_");
}

std::vector<std::string> names_of_interest(const WantedSchema& wanted) {
    std::set<std::string> names{std::string(kMigrationsTable), std::string(kAdoptedTable)};
    for (const KnownTable& known : kKnown) names.emplace(known.name);
    for (const auto& [name, relation] : wanted.after.relations) names.insert(name);
    return {names.begin(), names.end()};
}

AdoptionPlan make_adoption_plan(const WantedSchema& wanted, const SchemaInventory& actual, const AdoptionSite& site) {
    AdoptionPlan plan;
    plan.adopted = site.adopted;
    plan.migrations = site.pending;
    plan.found = find_systems(wanted, actual, site);
    plan.created = Missing(wanted, actual).list(site);
    plan.obstacles = find_obstacles(wanted, actual, site);
    return plan;
}

std::string obstacles_text(const std::vector<Obstacle>& obstacles) {
    std::string text;
    for (const Obstacle& obstacle : obstacles) {
        text += "; " + obstacle.object + ": " + obstacle.problem;
        if (!obstacle.fix.empty()) text += " (" + obstacle.fix + ")";
    }
    return text;
}

Result<void> check_obstacles(const AdoptionPlan& plan, const AdoptionSite& site) {
    if (plan.obstacles.empty()) return {};
    const bool only_rights = std::all_of(plan.obstacles.begin(), plan.obstacles.end(),
                                         [](const Obstacle& obstacle) { return obstacle.is_right; });
    std::string message = "schema " + site.quoted_schema + " cannot be adopted as it is; nothing was changed" +
                          obstacles_text(plan.obstacles);
    return fail(make_error(only_rights ? ErrorCode::permission : ErrorCode::schema_conflict, std::move(message)));
}

}  // namespace stele
