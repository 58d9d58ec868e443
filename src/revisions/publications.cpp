#include "stele/publications.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/memory_heads.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "postgres/change_follower.hpp"
#include "postgres/database_impl.hpp"
#include "postgres/joined_transaction.hpp"

namespace stele {
inline namespace v0 {
namespace {

void check(std::string_view what, std::string_view text, std::size_t longest) {
    check_text(what, text);
    if (text.empty() || text.size() > longest) {
        raise(ErrorCode::invalid_argument,
              fmt::format("{} has {} bytes; it must have 1 to {}", what, text.size(), longest));
    }
}

void check_thing(std::string_view kind, std::string_view name) {
    constexpr std::size_t kLongestKind = 100, kLongestName = 1024;
    check("the kind", kind, kLongestKind);
    check("the name", name, kLongestName);
}

}  // namespace

struct Publications::Impl {
    Impl() = default;
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    virtual ~Impl() = default;
    virtual bool publish(const std::string& kind, const std::string& name, const std::string& version,
                         Deadline deadline) = 0;
    virtual std::optional<std::string> current(const std::string& kind, const std::string& name, Deadline deadline) = 0;
    virtual std::vector<Publication> list(const std::optional<std::string>& kind, std::size_t limit,
                                          Deadline deadline) = 0;
    virtual Deadline default_deadline() const { return Deadline::never(); }
    virtual const Database& database() const {
        raise(ErrorCode::invalid_argument,
              "only publications on a database take part in a transaction; these are a twin's, or do already");
    }
    Deadline until(const std::optional<Deadline>& deadline) const { return deadline ? *deadline : default_deadline(); }

    struct OnTables;
    struct Stored;
    struct InTransaction;
    struct InMemory;
};

struct Publications::Impl::OnTables : Impl {
    explicit OnTables(const std::string& schema)
        : publish_(fmt::format(
              "INSERT INTO {}.stele_heads AS h (kind, name, version) VALUES ($1, $2, $3) ON CONFLICT (kind, name) DO "
              "UPDATE SET version = EXCLUDED.version, published = clock_timestamp() WHERE h.version <> "
              "EXCLUDED.version RETURNING version",
              schema)),
          current_(fmt::format("SELECT {}.stele_current($1, $2) AS version", schema)),
          list_(
              fmt::format("SELECT kind, name, version, published FROM {}.stele_heads WHERE $1::text IS NULL OR kind = "
                          "$1 ORDER BY kind COLLATE \"C\", name COLLATE \"C\" LIMIT $2",
                          schema)) {}

    bool publish(const std::string& kind, const std::string& name, const std::string& version,
                 Deadline deadline) override {
        return !executor().query(Statement(publish_, kind, name, version), deadline).empty();
    }
    std::optional<std::string> current(const std::string& kind, const std::string& name, Deadline deadline) override {
        return executor().query(Statement(current_, kind, name).read(), deadline)[0].find<std::string>("version");
    }
    std::vector<Publication> list(const std::optional<std::string>& kind, std::size_t limit,
                                  Deadline deadline) override {
        constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
        const auto most = static_cast<std::int64_t>(std::min(limit, kMost));
        std::vector<Publication> all;
        for (const Row& row : executor().query(Statement(list_, kind, most).slow_read(), deadline)) {
            all.push_back({row.get<std::string>("kind"), row.get<std::string>("name"), row.get<std::string>("version"),
                           row.get<Timestamp>("published")});
        }
        return all;
    }

private:
    virtual Executor& executor() = 0;
    const Sql publish_, current_, list_;
};

struct Publications::Impl::Stored final : OnTables {
    explicit Stored(Database owner) : OnTables(owner.quoted_schema()), owner_(std::move(owner)) {}

    bool publish(const std::string& kind, const std::string& name, const std::string& version,
                 Deadline deadline) override {
        const Change change{"heads", kind, name};
        try {
            const bool published = OnTables::publish(kind, name, version, deadline);
            owner_.impl().changes->announce({&change, 1});
            return published;
        } catch (...) {
            owner_.impl().changes->announce({&change, 1});  // it may be in doubt
            throw;
        }
    }
    Deadline default_deadline() const override { return owner_.impl().default_deadline(); }
    const Database& database() const override { return owner_; }

private:
    Executor& executor() override { return owner_; }
    Database owner_;
};

struct Publications::Impl::InTransaction final : OnTables {
    InTransaction(std::shared_ptr<Impl> outside, JoinedTransaction joined)
        : OnTables(outside->database().quoted_schema()), outside_(std::move(outside)), joined_(std::move(joined)) {}

    bool publish(const std::string& kind, const std::string& name, const std::string& version,
                 Deadline deadline) override {
        joined_.after_commit([outside = outside_, change = Change{"heads", kind, name}] {
            outside->database().impl().changes->announce({&change, 1});
        });
        return OnTables::publish(kind, name, version, deadline);
    }
    Deadline default_deadline() const override { return outside_->default_deadline(); }

private:
    Executor& executor() override { return joined_; }
    const std::shared_ptr<Impl> outside_;
    JoinedTransaction joined_;
};

struct Publications::Impl::InMemory final : Impl {
    explicit InMemory(MemoryDatabase database) : database_(std::move(database)), impl_(database_.impl()) {}

    bool publish(const std::string& kind, const std::string& name, const std::string& version, Deadline) override {
        MutexLock lock(impl_.mutex);
        MemoryHeads::Head& head = MemoryHeads::of(impl_).published[{kind, name}];
        if (head.version == version) return false;
        head = {version, impl_.now()};
        return true;
    }
    std::optional<std::string> current(const std::string& kind, const std::string& name, Deadline) override {
        MutexLock lock(impl_.mutex);
        return MemoryHeads::of(impl_).current(kind, name);
    }
    std::vector<Publication> list(const std::optional<std::string>& kind, std::size_t limit, Deadline) override {
        MutexLock lock(impl_.mutex);
        std::vector<Publication> all;
        for (const auto& [key, head] : MemoryHeads::of(impl_).published) {
            if (all.size() == limit) break;
            if (!kind || *kind == key.first) all.push_back({key.first, key.second, head.version, head.published});
        }
        return all;
    }

private:
    const MemoryDatabase database_;
    MemoryDatabase::Impl& impl_;
};

Publications::Publications(Database database) : impl_(std::make_shared<Impl::Stored>(std::move(database))) {}
Publications::Publications(MemoryDatabase database) : impl_(std::make_shared<Impl::InMemory>(std::move(database))) {}

Publications Publications::in(Transaction& transaction) const {
    return Publications(
        std::make_shared<Impl::InTransaction>(impl_, JoinedTransaction(transaction, impl_->database())));
}

Publications Publications::in(Savepoint& savepoint) const {
    return Publications(std::make_shared<Impl::InTransaction>(impl_, JoinedTransaction(savepoint, impl_->database())));
}

bool Publications::publish(std::string_view kind, std::string_view name, std::string_view version,
                           std::optional<Deadline> deadline) {
    constexpr std::size_t kLongestVersion = 1024;
    check_thing(kind, name);
    check("the version", version, kLongestVersion);
    if (is_revision_kind(kind)) {
        raise(ErrorCode::invalid_argument,
              fmt::format("what is current of the kind '{}' its store says: define '{}' there, or move its label", kind,
                          name));
    }
    return impl_->publish(std::string(kind), std::string(name), std::string(version), impl_->until(deadline));
}

std::optional<std::string> Publications::current(std::string_view kind, std::string_view name,
                                                 std::optional<Deadline> deadline) const {
    check_thing(kind, name);
    return impl_->current(std::string(kind), std::string(name), impl_->until(deadline));
}

std::vector<Publication> Publications::list(const std::optional<std::string>& kind, std::size_t limit,
                                            std::optional<Deadline> deadline) const {
    if (kind) check_text("the kind", *kind);
    return impl_->list(kind, limit, impl_->until(deadline));
}

}  // namespace v0
}  // namespace stele
