// Which statements one connection has prepared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "stele/statement.hpp"

namespace stele {

/// Statements by text and parameter types, least recently used first out. Says what to send and is told what the server
/// answered; never talks itself. Not thread-safe.
class StatementCache {
public:
    /// `prefix` of the names: another for each connection, or behind a pooler that lends one session to several, one
    /// would run another's statement.
    explicit StatementCache(std::size_t capacity, std::string prefix = "stele_")
        : capacity_(capacity), prefix_(std::move(prefix)) {}

    struct Entry {
        std::string name;
        std::string sql;
        std::vector<std::uint32_t> types;
        bool requested = false;  // its Prepare was sent
        bool prepared = false;   // the server has confirmed it
        bool forgotten = false;
    };

    /// The entry to use, made if new; null when nothing is named (capacity 0).
    Entry* find_or_add(const Statement& statement);
    /// A confirmed entry too many, to be closed on the server; already forgotten here. Never one used since `mark()`.
    std::optional<std::string> evict();
    /// Entries used from now on belong to the batch being built.
    void mark() { marked_ = 0; }
    /// The server does not have it (any more). The entry stays readable until bury(): a batch may refer to it.
    void forget(Entry* entry);
    /// No batch is under way.
    void bury() noexcept { forgotten_.clear(); }
    void clear();
    std::size_t size() const noexcept { return entries_.size(); }
    /// What the server has confirmed, the most recently used first.
    std::vector<std::string> names() const;

private:
    struct Key {
        std::string_view sql;
        std::span<const std::uint32_t> types;
        bool operator==(const Key& other) const noexcept;
    };
    struct Hash {
        std::size_t operator()(const Key& key) const noexcept { return std::hash<std::string_view>()(key.sql); }
    };

    std::size_t capacity_;
    std::string prefix_;
    std::size_t marked_ = 0;
    std::uint64_t last_name_ = 0;
    std::list<Entry> entries_;  // most recently used first
    std::list<Entry> forgotten_;
    std::unordered_map<Key, std::list<Entry>::iterator, Hash> index_;  // keys point into entries_
    std::vector<std::uint32_t> types_;  // of the statement looked up, kept to save an allocation a call
};

}  // namespace stele
