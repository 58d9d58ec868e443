#include "stele/erasure.hpp"

#include <algorithm>

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
    answers_.emplace_back([&cache, scope = std::move(scope)](Transaction* inside, const Until& until) {
        return inside != nullptr ? cache.in(*inside).clear(scope, until) : cache.clear(scope, until);
    });
    return *this;
}

Erasure& Erasure::documents(detail::IndexCore index, Filter where) {
    return add_documents(where, [index = std::move(index), where](Transaction* inside, const Until& until) mutable {
        return inside != nullptr ? index.in(*inside).remove(where, until) : index.remove(where, until);
    });
}

Erasure& Erasure::add_documents(const Filter& where, Remove remove) {
    if (where.is_everything()) {
        raise(ErrorCode::invalid_argument,
              "the filter holds of every document; give one that holds of those to be erased");
    }
    documents_.push_back(std::move(remove));
    return *this;
}

Erased Erasure::run(std::optional<Deadline> deadline) {
    if (auto* database = std::get_if<Database>(&database_)) {
        return database->transaction([&](Transaction& transaction) { return erase(&transaction, deadline); });
    }
    return erase(nullptr, deadline);
}

// Answers last: from then on nobody else can put one until it is over.
Erased Erasure::erase(Transaction* inside, const Until& until) {
    const auto threads = [&](MemoryKind kind) {
        if (inside != nullptr) return MemoryThreads(std::get<Database>(database_), kind).in(*inside);
        return MemoryThreads::in_memory(kind, std::get<MemoryDatabase>(database_));
    };
    Erased erased;
    MemoryThreads conversations = threads(MemoryKind::conversations);
    for (const std::string& thread : conversations_) {
        const RemovedThread removed = conversations.remove(thread, until);
        erased.conversations += removed.found ? 1 : 0;
        erased.turns += removed.items;
    }
    MemoryThreads memories = threads(MemoryKind::models);
    for (const std::string& identifier : memories_) {
        const RemovedThread removed = memories.remove(identifier, until);
        erased.memories += removed.found ? 1 : 0;
        erased.elements += removed.items;
        erased.snapshots += removed.snapshots;
    }
    for (const Remove& remove : documents_) erased.documents += remove(inside, until);
    for (const Remove& remove : answers_) erased.answers += remove(inside, until);
    return erased;
}

}  // namespace v0
}  // namespace stele
