#include "stele/erasure.hpp"

#include <algorithm>
#include <optional>

#include "base/result.hpp"
#include "base/text.hpp"
#include "stele/memory_threads.hpp"

namespace stele {
inline namespace v0 {
namespace {

/// In the order that all who lock several take.
void add_name(std::vector<std::string>& names, std::string_view what, std::string name) {
    check_text(what, name);
    if (name.empty())
        raise(ErrorCode::invalid_argument, std::string(what) + " is empty; name one that is to be erased");
    const auto place = std::lower_bound(names.begin(), names.end(), name);
    if (place == names.end() || *place != name) names.insert(place, std::move(name));
}

}  // namespace

Erasure::Erasure(Database database) : database_(std::move(database)) {}
Erasure::Erasure(MemoryDatabase database) : database_(std::move(database)) {}

Erasure& Erasure::conversation(std::string thread) {
    add_name(conversations_, "the thread", std::move(thread));
    return *this;
}

Erasure& Erasure::memory(std::string identifier) {
    add_name(memories_, "the identifier", std::move(identifier));
    return *this;
}

Erasure& Erasure::answers(SemanticCache& cache, Scope scope) {
    answers_.emplace_back([&cache, scope = std::move(scope)](const Step& step) {
        std::optional<SemanticCache> joined;
        if (step.inside != nullptr) joined = cache.in(*step.inside);
        SemanticCache& of = joined ? *joined : cache;
        if (!step.dry) return of.clear(scope, step.until);
        const CacheStats stats = of.stats(scope, step.until);
        return static_cast<std::size_t>(stats.entries + stats.expired);
    });
    return *this;
}

Erasure& Erasure::documents(detail::IndexCore index, Filter where) {
    return add_documents(where, [index = std::move(index), where](const Step& step) {
        return take(step.inside != nullptr ? index.in(*step.inside) : index, where, step);
    });
}

Erasure& Erasure::add_documents(const Filter& where, Part part) {
    if (where.is_everything()) {
        raise(ErrorCode::invalid_argument,
              "the filter holds of every document; give one that holds of those to be erased");
    }
    documents_.push_back(std::move(part));
    return *this;
}

Erased Erasure::run(std::optional<Deadline> deadline) {
    if (auto* database = std::get_if<Database>(&database_)) {
        return database->transaction([&](Transaction& transaction) { return erase({&transaction, false, deadline}); });
    }
    return erase({nullptr, false, deadline});
}

Erased Erasure::dry_run(std::optional<Deadline> deadline) {
    if (auto* database = std::get_if<Database>(&database_)) {
        return database->transaction([&](Transaction& transaction) { return erase({&transaction, true, deadline}); },
                                     {.isolation = Isolation::repeatable_read, .read_only = true});
    }
    return erase({nullptr, true, deadline});
}

// Answers last: from then on nobody else can put one until it is over.
Erased Erasure::erase(const Step& step) {
    const auto threads = [&](MemoryKind kind) {
        if (step.inside != nullptr) return MemoryThreads(std::get<Database>(database_), kind).in(*step.inside);
        return MemoryThreads::in_memory(kind, std::get<MemoryDatabase>(database_));
    };
    const auto remove = [&](MemoryThreads& from, const std::string& thread) {
        return step.dry ? from.would_remove(thread, step.until) : from.remove(thread, step.until);
    };
    Erased erased;
    MemoryThreads conversations = threads(MemoryKind::conversations);
    for (const std::string& thread : conversations_) {
        const RemovedThread removed = remove(conversations, thread);
        erased.conversations += removed.found ? 1 : 0;
        erased.turns += removed.items;
    }
    MemoryThreads memories = threads(MemoryKind::models);
    for (const std::string& identifier : memories_) {
        const RemovedThread removed = remove(memories, identifier);
        erased.memories += removed.found ? 1 : 0;
        erased.elements += removed.items;
        erased.snapshots += removed.snapshots;
    }
    for (const Part& part : documents_) erased.documents += part(step);
    for (const Part& part : answers_) erased.answers += part(step);
    return erased;
}

}  // namespace v0
}  // namespace stele
