#include "memory/memory_model_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/result.hpp"
#include "memory/memory_checks.hpp"
#include "memory/tool_uses.hpp"

namespace stele {
MemoryModelStore::MemoryModelStore(MemoryDatabase database) : database_(std::move(database)), impl_(database_.impl()) {
    MutexLock lock(impl_.mutex);
    data_ = &Data::of(impl_);
}

ModelStore::Found MemoryModelStore::recall(const std::string& memory, std::optional<std::size_t> limit, Deadline) {
    MutexLock lock(impl_.mutex);
    Found found;
    const auto thread = data_->threads.find(memory);
    if (thread == data_->threads.end()) return found;
    const std::size_t most = limit.value_or(std::numeric_limits<std::size_t>::max());
    for_lineage(data_->threads, memory, [&](const Data::Thread& each, Timestamp until) {
        for (auto item = each.items.rbegin(); item != each.items.rend() && found.elements.size() < most; ++item) {
            if (item->created <= until) found.elements.push_back(item->content);
        }
        return found.elements.size() < most;
    });
    if (const auto& snapshots = thread->second.snapshots; !snapshots.empty()) {
        found.variables = snapshots.back().variables;
    }
    found.position = thread->second.position;
    return found;
}

MemoryOutcome MemoryModelStore::remember(const std::string& memory, const Write& write, Deadline) {
    MutexLock lock(impl_.mutex);
    const auto known = data_->threads.find(memory);
    const MemoryPosition before = known == data_->threads.end() ? MemoryPosition() : known->second.position;
    if (write.key && known != data_->threads.end()) {
        std::optional<MemoryPosition> first;
        for_lineage(data_->threads, memory, [&](const Data::Thread& each, Timestamp until) {
            const auto used = each.keys.find(*write.key);
            if (used != each.keys.end() && used->second.newest <= until) first = used->second;
            return !first;
        });
        if (first) return {MemoryOutcome::Kind::repeated, *first};
    }
    if (write.expected && *write.expected != before) return {MemoryOutcome::Kind::moved, before};
    check_owners(memory, write);
    check_responses(memory, write.responses);

    Timestamp next = impl_.now();
    Data::Thread& thread = data_->threads.try_emplace(memory, Data::Thread{.made = next}).first->second;
    if (before.newest) next = std::max(next, *before.newest + kClockStep);
    const Timestamp first = next;
    for (const Element& element : write.elements) put(thread, element, next);
    if (write.variables) {
        thread.snapshots.push_back({*write.variables, next});
        next += kClockStep;
    }
    thread.position.newest = std::max(first, next - kClockStep);
    if (write.key) thread.keys.emplace(*write.key, thread.position);
    return {MemoryOutcome::Kind::stored, thread.position};
}

void MemoryModelStore::create(const std::string& memory, Deadline) {
    MutexLock lock(impl_.mutex);
    data_->threads.try_emplace(memory, Data::Thread{.made = impl_.now()});
}

void MemoryModelStore::check_owners(const std::string& memory, const Write& write) const {
    for (const Element& element : write.elements) {
        if (!element.identifier) continue;
        for (const auto& [other, thread] : data_->threads) {
            const bool has = std::any_of(thread.items.begin(), thread.items.end(),
                                         [&](const Data::Item& each) { return each.identifier == element.identifier; });
            if (!has || other == memory) continue;
            raise(ErrorCode::constraint_violation,
                  fmt::format("memory \"{}\": the identifier of an element is that of an element in another memory; "
                              "give it one of its own. Nothing was stored",
                              memory));
        }
    }
}

void MemoryModelStore::check_responses(const std::string& memory, const std::vector<std::string>& responses) const {
    for (const std::string& response : responses) {
        bool asked = false;
        for_lineage(data_->threads, memory, [&](const Data::Thread& each, Timestamp until) {
            asked = std::any_of(each.items.begin(), each.items.end(), [&](const Data::Item& item) {
                return item.created <= until && has_request(tool_use(from_json<ModelElement>(item.content)), response);
            });
            return !asked;
        });
        if (!asked) refuse_unasked(fmt::format("the memory \"{}\"", memory), response);
    }
}

void MemoryModelStore::put(Data::Thread& thread, const Element& element, Timestamp& next) {
    if (element.identifier) {
        const auto old = std::find_if(thread.items.begin(), thread.items.end(),
                                      [&](const Data::Item& each) { return each.identifier == element.identifier; });
        if (old != thread.items.end()) {
            old->content = element.content;
            return;
        }
    }
    thread.items.push_back({element, next});
    next += kClockStep;
}

}  // namespace stele
