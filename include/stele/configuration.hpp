// Settings of an application, by identifier, every revision kept.
//
//     struct Settings { std::string model; double temperature = 0.2; };
//     STELE_DESCRIBE_AS("support.settings", Settings, (model), (temperature, stele::has_default))
//
//     stele::ConfigurationRepository configurations(database);
//     configurations.define(Settings{"m-7b"});
//     const std::shared_ptr<const Settings> settings = configurations.load<Settings>();  // null: there is none
//
// On the table `configurations` of draive and haiway (with or without haiway's column `name`), so that a running
// deployment can be shared or taken over. A revision is a row; the newest counts; define() adds one.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stele/database.hpp"
#include "stele/dependency.hpp"
#include "stele/describe_json.hpp"
#include "stele/error.hpp"
#include "stele/export.hpp"
#include "stele/json.hpp"
#include "stele/memory_database.hpp"
#include "stele/revision.hpp"

namespace stele {
inline namespace v0 {

/// There is no configuration of that identifier, and its type cannot be made without one.
class STELE_API ConfigurationMissing final : public Error {
public:
    explicit ConfigurationMissing(std::string identifier, const RevisionSelector& which = RevisionSelector::newest());
    const std::string& identifier() const noexcept { return identifier_; }

private:
    std::string identifier_;
};

/// What is stored does not fit the type; the message names the path of the first bad field.
class STELE_API ConfigurationInvalid final : public Error {
public:
    ConfigurationInvalid(std::string identifier, std::string_view reason);
    const std::string& identifier() const noexcept { return identifier_; }

private:
    std::string identifier_;
};

struct ConfigurationOptions {
    std::size_t cache_limit = 32;                ///< configurations kept in memory; 0: none
    std::chrono::seconds cache_expiration{600};  ///< how long at most, although they are followed
    bool refuse_unknown = false;    ///< a stored field that the type does not have makes it invalid; off: ignored
    bool append_unchanged = false;  ///< a define of what is already the newest content adds a revision all the same
};

namespace detail {
/// A stored configuration, and what was made from it.
class ConfigurationDocument;
/// Reads a value of one type; frees it.
struct ConfigurationType {
    void* (*read)(const Json& content, bool refuse_unknown);
    void (*free)(void* value) noexcept;
};
}  // namespace detail

/// A configuration, and which revision it is.
template <class T>
struct UsedConfiguration {
    std::shared_ptr<const T> value;     ///< null: there is none
    std::vector<Dependency> used = {};  ///< none of a view that reads a revision for ever (exactly, as_of)

    const std::vector<Dependency>& dependencies() const noexcept { return used; }
    explicit operator bool() const noexcept { return value != nullptr; }
    const T& operator*() const { return *value; }
    const T* operator->() const { return value.get(); }
};

/// Thread-safe, but for what in() returns. Copies share everything.
///
/// What load() has found is kept in memory, absence included, and followed: it is served only while everything that
/// anybody committed DatabaseOptions::max_staleness ago is known, psql and Python included; else the database is
/// asked. Callers that miss the same configuration at once cause one statement, unless the database must be asked. A
/// failure of the database is thrown as such (Error(unavailable) and its like), never told as a missing configuration.
///
/// Identifiers are text of 1 to 1,024 bytes, UTF-8 without U+0000: else Error(invalid_argument). Without a deadline
/// DatabaseOptions::call_timeout applies.
class STELE_API ConfigurationRepository {
public:
    /// The database must have Stele's tables, so not be opened as DatabaseOptions::bare without them: else every call
    /// throws the server's error.
    explicit ConfigurationRepository(Database database, ConfigurationOptions options = {});
    /// A twin without a database, for tests: the same behaviour, in memory. It joins no transaction, and gives JSON as
    /// it was written, where the database re-orders keys.
    static ConfigurationRepository in_memory(MemoryDatabase database = MemoryDatabase(),
                                             ConfigurationOptions options = {});

    /// The same store inside a transaction: it reads what the transaction wrote, and what it writes is undone with it.
    /// Nothing is kept in memory before the commit. For one thread; not to be used once that is over.
    ConfigurationRepository in(Transaction& transaction) const;
    ConfigurationRepository in(Savepoint& savepoint) const;
    /// The same store, whose load() and its like read that revision of each identifier; the rest is as here. What it
    /// loads by a label is kept in memory, its own, so keep it too; what it loads as of a time is read each time.
    ConfigurationRepository at(RevisionSelector which) const;

    /// All identifiers, in the database's order.
    std::vector<std::string> configurations(std::optional<Deadline> deadline = {}) const;

    /// The newest content as JSON; nothing when there is none.
    std::optional<Json> load_raw(std::string_view identifier, std::optional<Deadline> deadline = {}) const;

    /// The newest content as a described type; null when there is none. The value is shared and never changes: a later
    /// load returns another. Throws ConfigurationInvalid.
    template <class T>
    std::shared_ptr<const T> load(std::string_view identifier = stele::identifier<T>(),
                                  std::optional<Deadline> deadline = {}) const {
        return std::static_pointer_cast<const T>(load_typed(identifier, type<T>(), deadline));
    }
    /// As load(), and says what was used, for whoever keeps something made from it (stele/dependency.hpp). That there
    /// was none is said, too: who defines it makes the difference.
    template <class T>
    UsedConfiguration<T> use(std::string_view identifier = stele::identifier<T>(),
                             std::optional<Deadline> deadline = {}) const {
        UsedConfiguration<T> made;
        made.value = std::static_pointer_cast<const T>(load_typed(identifier, type<T>(), deadline, &made.used));
        return made;
    }
    /// `otherwise` when there is none.
    template <class T>
    T load_or(T otherwise, std::string_view identifier = stele::identifier<T>(),
              std::optional<Deadline> deadline = {}) const {
        const auto found = load<T>(identifier, deadline);
        return found ? *found : std::move(otherwise);
    }
    /// When there is none: a T of its members' defaults, if they all have one, else ConfigurationMissing.
    template <class T>
    std::shared_ptr<const T> require(std::string_view identifier = stele::identifier<T>(),
                                     std::optional<Deadline> deadline = {}) const {
        if (auto found = load<T>(identifier, deadline)) return found;
        return std::static_pointer_cast<const T>(defaults(identifier, type<T>()));
    }

    /// Adds a revision and returns it. None: the newest had the same content (numbers and key order compared by value),
    /// so there is nothing new. Durable when it returns; visible to this process at once, to others within their
    /// max_staleness. Error(invalid_argument) unless the content is an object. An error that is in_doubt() leaves open
    /// whether it was added; the same call again adds it only if it was not, unless others defined meanwhile.
    std::optional<Timestamp> define(std::string_view identifier, const Json& content, const RevisionNote& note = {},
                                    std::optional<Deadline> deadline = {});
    template <class T>
        requires Described<T>
    std::optional<Timestamp> define(const T& value, std::string_view identifier = stele::identifier<T>(),
                                    const RevisionNote& note = {}, std::optional<Deadline> deadline = {}) {
        return define_named(identifier, to_json(value), bare_name(stele::identifier<T>()), note, deadline);
    }
    /// Removes all revisions, with their notes; returns how many there were. Of an unknown identifier: 0.
    /// Error(constraint_violation) while a label (stele/labels.hpp) names one of them.
    std::size_t remove(std::string_view identifier, std::optional<Deadline> deadline = {});

    /// What is known of its revisions, the newest first.
    std::vector<Revision> history(std::string_view identifier, const HistoryOptions& options = {},
                                  std::optional<Deadline> deadline = {}) const;
    /// What changed between two revisions, for people: a line "- PATH: VALUE" for what was and "+ PATH: VALUE" for what
    /// is, for each of the smallest values that differ. Empty when nothing did. Error(not_found) when one is missing.
    std::string diff(std::string_view identifier, const RevisionSelector& from,
                     const RevisionSelector& to = RevisionSelector::newest(),
                     std::optional<Deadline> deadline = {}) const;
    /// Adds a revision with the content of an older one, as define() does. Error(not_found) when there is none.
    std::optional<Timestamp> restore(std::string_view identifier, Timestamp revision, const RevisionNote& note = {},
                                     std::optional<Deadline> deadline = {});
    /// Removes old revisions, or tells which. Error(constraint_violation) when a label was just moved to one of them:
    /// then nothing was removed, and it may be called again.
    Pruned prune(const PruneOptions& options, std::optional<Deadline> deadline = {});

    /// Of what is kept in memory; 0 for the twin.
    struct Counts {
        std::uint64_t hits = 0, misses = 0, loads = 0;
        std::size_t entries = 0;
    };
    Counts counts() const;

private:
    struct Impl;
    explicit ConfigurationRepository(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

    template <class T>
    static const detail::ConfigurationType& type() {
        static constexpr detail::ConfigurationType kType = {
            [](const Json& content, bool refuse_unknown) -> void* {
                FromJsonOptions options;
                options.refuse_unknown = refuse_unknown;
                return new T(from_json<T>(content, options));
            },
            [](void* value) noexcept { delete static_cast<T*>(value); }};
        return kType;
    }
    static std::string_view bare_name(std::string_view qualified) noexcept {
        const auto colon = qualified.rfind(':');
        return colon == std::string_view::npos ? qualified : qualified.substr(colon + 1);
    }
    std::shared_ptr<const void> load_typed(std::string_view identifier, const detail::ConfigurationType& type,
                                           std::optional<Deadline> deadline,
                                           std::vector<Dependency>* used = nullptr) const;
    std::shared_ptr<const void> defaults(std::string_view identifier, const detail::ConfigurationType& type) const;
    std::optional<Timestamp> define_named(std::string_view identifier, const Json& content, std::string_view name,
                                          const RevisionNote& note, std::optional<Deadline> deadline);

    std::shared_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace stele
