#include "postgres/statement_cache.hpp"

#include <algorithm>
#include <utility>

namespace stele {

bool StatementCache::Key::operator==(const Key& other) const noexcept {
    return sql == other.sql && std::equal(types.begin(), types.end(), other.types.begin(), other.types.end());
}

StatementCache::Entry* StatementCache::find_or_add(const Statement& statement) {
    if (capacity_ == 0) return nullptr;
    types_.clear();
    for (const Parameters::Slot& slot : statement.parameters().slots()) types_.push_back(slot.oid);
    const Key key{statement.sql().text(), types_};
    if (!entries_.empty() && key == Key{entries_.front().sql, entries_.front().types}) {
        ++marked_;
        return &entries_.front();
    }
    const auto found = index_.find(key);
    if (found != index_.end()) {
        entries_.splice(entries_.begin(), entries_, found->second);
        ++marked_;
        return &entries_.front();
    }
    entries_.push_front({prefix_ + std::to_string(++last_name_), std::string(statement.sql().text()), types_});
    Entry& entry = entries_.front();
    index_.emplace(Key{entry.sql, entry.types}, entries_.begin());
    ++marked_;
    return &entry;
}

std::optional<std::string> StatementCache::evict() {
    if (entries_.size() <= capacity_ || marked_ >= entries_.size()) return std::nullopt;
    Entry& oldest = entries_.back();
    forget(&oldest);
    return oldest.name;
}

void StatementCache::forget(Entry* entry) {
    if (std::exchange(entry->forgotten, true)) return;
    const auto found = index_.find(Key{entry->sql, entry->types});
    forgotten_.splice(forgotten_.begin(), entries_, found->second);
    index_.erase(found);
}

std::vector<std::string> StatementCache::names() const {
    std::vector<std::string> names;
    for (const Entry& entry : entries_) {
        if (entry.prepared) names.push_back(entry.name);
    }
    return names;
}

void StatementCache::clear() {
    index_.clear();
    entries_.clear();
    forgotten_.clear();
}

}  // namespace stele
