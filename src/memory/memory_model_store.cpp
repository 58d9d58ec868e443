#include "memory/memory_model_store.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.hpp"

namespace stele {
namespace {

constexpr std::chrono::microseconds kStep(1);

}  // namespace

MemoryModelStore::MemoryModelStore(MemoryDatabase database) : database_(std::move(database)), impl_(database_.impl()) {
    MutexLock lock(impl_.mutex);
    data_ = &impl_.data<Data>("memories");
}

ModelStore::Found MemoryModelStore::recall(const std::string& memory, std::optional<std::size_t> limit, Deadline) {
    MutexLock lock(impl_.mutex);
    Found found;
    const auto thread = data_->find(memory);
    if (thread == data_->end()) return found;
    const std::vector<Element>& all = thread->second.elements;
    const std::size_t count = std::min(limit.value_or(all.size()), all.size());
    for (auto element = all.rbegin(); found.elements.size() < count; ++element) {
        found.elements.push_back(element->content);
    }
    found.variables = thread->second.variables;
    found.position = thread->second.position;
    return found;
}

MemoryOutcome MemoryModelStore::remember(const std::string& memory, const Write& write, Deadline) {
    MutexLock lock(impl_.mutex);
    const auto known = data_->find(memory);
    const MemoryPosition before = known == data_->end() ? MemoryPosition() : known->second.position;
    if (write.key && known != data_->end()) {
        const auto used = known->second.keys.find(*write.key);
        if (used != known->second.keys.end()) return {MemoryOutcome::Kind::repeated, used->second};
    }
    if (write.expected && *write.expected != before) return {MemoryOutcome::Kind::moved, before};
    check_owners(memory, write);

    Thread& thread = (*data_)[memory];
    Timestamp next = impl_.now();
    if (before.newest) next = std::max(next, *before.newest + kStep);
    const Timestamp first = next;
    for (const Element& element : write.elements) put(thread, element, next);
    if (write.variables) {
        thread.variables = write.variables;
        next += kStep;
    }
    thread.position.newest = std::max(first, next - kStep);
    if (write.key) thread.keys.emplace(*write.key, thread.position);
    return {MemoryOutcome::Kind::stored, thread.position};
}

void MemoryModelStore::create(const std::string& memory, Deadline) {
    MutexLock lock(impl_.mutex);
    data_->try_emplace(memory);
}

void MemoryModelStore::check_owners(const std::string& memory, const Write& write) const {
    for (const Element& element : write.elements) {
        if (!element.identifier) continue;
        for (const auto& [other, thread] : *data_) {
            const bool has = std::any_of(thread.elements.begin(), thread.elements.end(),
                                         [&](const Element& each) { return each.identifier == element.identifier; });
            if (!has || other == memory) continue;
            raise(ErrorCode::constraint_violation,
                  fmt::format("memory \"{}\": the identifier of an element is that of an element in another memory; "
                              "give it one of its own. Nothing was stored",
                              memory));
        }
    }
}

void MemoryModelStore::put(Thread& thread, const Element& element, Timestamp& next) {
    if (element.identifier) {
        const auto old = std::find_if(thread.elements.begin(), thread.elements.end(),
                                      [&](const Element& each) { return each.identifier == element.identifier; });
        if (old != thread.elements.end()) {
            old->content = element.content;
            return;
        }
    }
    thread.elements.push_back(element);
    next += kStep;
}

}  // namespace stele
