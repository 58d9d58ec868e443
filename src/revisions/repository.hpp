// What the repositories of configurations and of templates have in common: revisions, and values made from them that
// are kept in memory and follow the database.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/loading_cache.hpp"
#include "postgres/change_follower.hpp"
#include "postgres/database_impl.hpp"
#include "postgres/joined_transaction.hpp"
#include "revisions/memory_revisions.hpp"
#include "revisions/name_check.hpp"
#include "revisions/postgres_revisions.hpp"
#include "stele/database.hpp"

namespace stele {

struct RepositoryOptions {
    std::size_t cache_limit = 0;
    std::chrono::seconds cache_expiration{0};
    bool append_unchanged = false;
};

/// Record: what is stored (postgres_revisions.hpp and memory_revisions.hpp say what it must have). Value: what is made
/// from it, immutable; a null one stands for "there is none". This is the part without a database, for twins, and
/// keeps nothing in memory.
template <class Record, class Value>
class Repository {
public:
    using Pointer = std::shared_ptr<const Value>;
    using Stored = typename Revisions<Record>::Stored;
    using Make = std::function<Pointer(Stored)>;
    using Self = std::shared_ptr<Repository>;

    Repository(std::shared_ptr<Revisions<Record>> revisions, Make make, RevisionSelector which)
        : revisions_(std::move(revisions)), make_(std::move(make)), which_(std::move(which)) {}
    Repository(const Repository&) = delete;
    Repository& operator=(const Repository&) = delete;
    virtual ~Repository() = default;

    virtual Pointer value(std::string_view identifier, Deadline deadline) { return read(identifier, deadline); }
    virtual std::vector<std::string> identifiers(Deadline deadline) { return revisions_->identifiers(deadline); }
    virtual Self at(RevisionSelector which) const {
        return std::make_shared<Repository>(revisions_, make_, std::move(which));
    }
    virtual const Database& database() const {
        raise(ErrorCode::invalid_argument,
              "only a repository on a database takes part in a transaction; this is a twin without one, or does "
              "already");
    }
    virtual typename LoadingCache<Value>::Counts counts() const { return {}; }

    std::optional<Timestamp> define(std::string_view identifier, const Record& record, const RevisionNote& note,
                                    const std::optional<Deadline>& deadline) {
        const Write write(*this, identifier, note);
        return revisions_->define(identifier, record, note, until(deadline));
    }
    std::optional<Timestamp> restore(std::string_view identifier, Timestamp created, const RevisionNote& note,
                                     const std::optional<Deadline>& deadline) {
        const Write write(*this, identifier, note);
        return revisions_->restore(identifier, created, note, until(deadline));
    }
    std::size_t remove(std::string_view identifier, const std::optional<Deadline>& deadline) {
        const Write write(*this, identifier, {});
        return revisions_->remove(identifier, until(deadline));
    }
    Pruned prune(const PruneOptions& options, const std::optional<Deadline>& deadline) {
        if (options.identifier) check_identifier(*options.identifier);
        // the newest and what has a label stay, so that nothing kept in memory changes
        return revisions_->prune(options, until(deadline));
    }
    std::vector<Revision> history(std::string_view identifier, const HistoryOptions& options,
                                  const std::optional<Deadline>& deadline) {
        check_identifier(identifier);
        return revisions_->history(identifier, options, until(deadline));
    }
    /// Both must be there: else Error(not_found).
    std::pair<Record, Record> two(std::string_view identifier, const RevisionSelector& first,
                                  const RevisionSelector& second, const std::optional<Deadline>& deadline) {
        check_identifier(identifier);
        check_selector(first);
        check_selector(second);
        return {one(identifier, first, until(deadline)), one(identifier, second, until(deadline))};
    }
    Revisions<Record>& revisions() const noexcept { return *revisions_; }
    const RevisionSelector& which() const noexcept { return which_; }
    Deadline until(const std::optional<Deadline>& deadline) const { return deadline ? *deadline : default_deadline(); }

    class OnDatabase;
    class InTransaction;

protected:
    /// This process is about to change it.
    virtual void before_write(const Change&) {}
    /// It has, or may have: a write that failed may be in doubt.
    virtual void after_write(const Change&) noexcept {}
    virtual Deadline default_deadline() const { return Deadline::never(); }

    Pointer read(std::string_view identifier, Deadline deadline) {
        std::optional<Stored> stored = revisions_->find(identifier, which_, deadline);
        return stored ? make_(*std::move(stored)) : nullptr;
    }
    const Make& make() const noexcept { return make_; }

private:
    Record one(std::string_view identifier, const RevisionSelector& which, Deadline deadline) {
        std::optional<Stored> stored = revisions_->find(identifier, which, deadline);
        if (stored) return std::move(stored->record);
        raise(ErrorCode::not_found, fmt::format("'{}' in {} has no revision of that description: {}", identifier,
                                                to_string(Record::kStore), which.to_string()));
    }
    class Write {
    public:
        Write(Repository& repository, std::string_view identifier, const RevisionNote& note)
            : repository_(repository), change_{std::string(to_string(Record::kStore)), "", std::string(identifier)} {
            check_identifier(identifier);
            check_note(note);
            repository_.before_write(change_);
        }
        Write(const Write&) = delete;
        Write& operator=(const Write&) = delete;
        ~Write() { repository_.after_write(change_); }

    private:
        Repository& repository_;
        const Change change_;
    };

    const std::shared_ptr<Revisions<Record>> revisions_;
    const Make make_;
    const RevisionSelector which_;
};

/// With a memory that follows the database. What was newest at some time is not kept: nothing says when it changes.
template <class Record, class Value>
class Repository<Record, Value>::OnDatabase final : public Repository<Record, Value>, ChangeListener {
public:
    OnDatabase(Database owner, const RepositoryOptions& options, Make make,
               RevisionSelector which = RevisionSelector::newest())
        : Repository(std::make_shared<PostgresRevisions<Record>>(
                         std::make_shared<Database>(owner), owner.quoted_schema(),
                         RevisionTable::Options{.append_unchanged = options.append_unchanged, .group = true}),
                     std::move(make), which),
          owner_(std::move(owner)),
          options_(options),
          values_({.limit = follows(which) ? options.cache_limit : 0, .ttl = longest(options.cache_expiration)}),
          list_({.limit = options.cache_limit == 0 ? 0U : 1U, .ttl = longest(options.cache_expiration)}),
          follower_(*owner_.impl().changes),
          subscription_(follower_.subscribe(*this)) {}

    Pointer value(std::string_view identifier, Deadline deadline) override {
        if (!follower_.fresh()) {
            unshared_.fetch_add(1, std::memory_order_relaxed);
            return this->read(identifier, deadline);
        }
        return values_.get(identifier, deadline, [&] { return this->read(identifier, deadline); });
    }
    std::vector<std::string> identifiers(Deadline deadline) override {
        if (!follower_.fresh()) return this->revisions().identifiers(deadline);
        return *list_.get("", deadline, [&] {
            return std::make_shared<const std::vector<std::string>>(this->revisions().identifiers(deadline));
        });
    }
    Self at(RevisionSelector which) const override {
        return std::make_shared<OnDatabase>(owner_, options_, this->make(), std::move(which));
    }
    const Database& database() const override { return owner_; }
    typename LoadingCache<Value>::Counts counts() const override {
        auto counts = values_.counts();
        const std::uint64_t unshared = unshared_.load(std::memory_order_relaxed);
        counts.misses += unshared;
        counts.loads += unshared;
        return counts;
    }

private:
    static typename LoadingCache<Value>::Clock::duration longest(std::chrono::seconds wanted) {
        constexpr std::chrono::hours kYears(24 * 365 * 100);  // more than a clock's nanoseconds hold has no meaning
        return std::min<std::chrono::seconds>(wanted, kYears);
    }
    static bool follows(const RevisionSelector& which) {
        return which.kind() == RevisionSelector::Kind::newest || which.kind() == RevisionSelector::Kind::labelled;
    }
    void after_write(const Change& change) noexcept override { follower_.announce({&change, 1}); }
    void changed(std::span<const Change> changes) noexcept override {
        for (const Change& change : changes) {
            if (change.store != to_string(Record::kStore)) continue;
            if (!change.key) return all_changed();
            values_.invalidate(*change.key);
            list_.invalidate_all();
        }
    }
    void all_changed() noexcept override {
        values_.invalidate_all();
        list_.invalidate_all();
    }
    Deadline default_deadline() const override { return owner_.impl().default_deadline(); }

    Database owner_;
    const RepositoryOptions options_;
    LoadingCache<Value> values_;
    std::atomic<std::uint64_t> unshared_{0};  // loads while it was not known what others did
    LoadingCache<std::vector<std::string>> list_;
    ChangeFollower& follower_;
    ChangeFollower::Subscription subscription_;  // the last: it calls this
};

/// Reads what the transaction wrote, and keeps nothing.
template <class Record, class Value>
class Repository<Record, Value>::InTransaction final : public Repository<Record, Value> {
public:
    InTransaction(Self outside, std::shared_ptr<JoinedTransaction> joined, bool append_unchanged, Make make,
                  RevisionSelector which)
        : Repository(std::make_shared<PostgresRevisions<Record>>(
                         joined, outside->database().quoted_schema(),
                         RevisionTable::Options{.append_unchanged = append_unchanged, .group = false}),
                     std::move(make), std::move(which)),
          outside_(std::move(outside)),
          joined_(std::move(joined)),
          append_unchanged_(append_unchanged) {}

    Self at(RevisionSelector which) const override {
        return std::make_shared<InTransaction>(outside_, joined_, append_unchanged_, this->make(), std::move(which));
    }

private:
    void before_write(const Change& change) override {
        joined_->after_commit([outside = outside_, change] { outside->after_write(change); });
    }
    Deadline default_deadline() const override { return outside_->default_deadline(); }

    Self outside_;
    std::shared_ptr<JoinedTransaction> joined_;
    const bool append_unchanged_;
};

}  // namespace stele
