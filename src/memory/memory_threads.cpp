#include "stele/memory_threads.hpp"

#include <fmt/format.h>

#include <limits>

#include "base/result.hpp"
#include "memory/memory_checks.hpp"
#include "memory/memory_thread_store.hpp"
#include "memory/postgres_thread_store.hpp"
#include "memory/thread_prune.hpp"
#include "postgres/database_impl.hpp"
#include "postgres/joined_transaction.hpp"

namespace stele {
inline namespace v0 {
namespace {

std::string token_of(const MemoryThread& thread) {
    return to_iso8601(thread.active) + ' ' + thread.identifier;
}

ThreadStore::Cursor parse_token(const std::string& token) {
    const std::size_t blank = token.find(' ');
    const auto active = parse_iso8601(std::string_view(token).substr(0, blank));
    if (active && blank != std::string::npos && blank + 1 < token.size()) {
        check_memory_name("the token's identifier", std::string_view(token).substr(blank + 1));
        return {*active, token.substr(blank + 1)};
    }
    constexpr std::size_t kQuotable = 100;
    raise(ErrorCode::invalid_argument, fmt::format("{} is no token of a page: give one that list() returned",
                                                   token.size() <= kQuotable ? '"' + token + '"' : "a long text"));
}

}  // namespace

struct MemoryThreads::Impl {
    MemoryKind kind;
    std::shared_ptr<ThreadStore> store;
    std::optional<Database> database = {};
    std::shared_ptr<JoinedTransaction> joined = nullptr;

    Deadline until(const std::optional<Deadline>& deadline) const {
        if (deadline) return *deadline;
        return database ? database->impl().default_deadline() : Deadline::never();
    }
    template <class Inner>
    MemoryThreads join(Inner& inner) const {
        if (!database || joined) {
            raise(ErrorCode::invalid_argument,
                  "only the threads of a database take part in a transaction; these are a twin's without one, or do "
                  "already");
        }
        auto transaction = std::make_shared<JoinedTransaction>(inner, *database);
        auto inside = std::make_shared<PostgresThreadStore>(kind, transaction, database->quoted_schema());
        return MemoryThreads(std::make_shared<Impl>(Impl{kind, std::move(inside), database, std::move(transaction)}));
    }
};

MemoryThreads::MemoryThreads(Database database, MemoryKind kind) : impl_(std::make_shared<Impl>()) {
    impl_->kind = kind;
    impl_->store = std::make_shared<PostgresThreadStore>(kind, database);
    impl_->database = std::move(database);
}

MemoryThreads MemoryThreads::in_memory(MemoryKind kind, MemoryDatabase database) {
    return MemoryThreads(std::make_shared<Impl>(Impl{kind, memory_thread_store(kind, std::move(database))}));
}

MemoryThreads MemoryThreads::in(Transaction& transaction) const {
    return impl_->join(transaction);
}

MemoryThreads MemoryThreads::in(Savepoint& savepoint) const {
    return impl_->join(savepoint);
}

MemoryThreadsPage MemoryThreads::list(const std::optional<std::string>& before, std::size_t limit,
                                      std::optional<Deadline> deadline) const {
    const auto cursor = before ? std::optional(parse_token(*before)) : std::nullopt;
    MemoryThreadsPage page;
    if (limit == 0) return page;
    // one more, so that a full last page does not promise another
    const std::size_t wanted = limit == std::numeric_limits<std::size_t>::max() ? limit : limit + 1;
    page.threads = impl_->store->by_activity(cursor, wanted, impl_->until(deadline));
    if (page.threads.size() > limit) {
        page.threads.pop_back();
        page.next = token_of(page.threads.back());
    }
    return page;
}

std::vector<MemoryThread> MemoryThreads::by_identifier(const std::string& after, std::size_t limit,
                                                       std::optional<Deadline> deadline) const {
    if (!after.empty()) check_memory_name("the identifier", after);
    return impl_->store->by_identifier(after, limit, impl_->until(deadline));
}

std::optional<MemoryThread> MemoryThreads::find(const std::string& identifier, std::optional<Deadline> deadline) const {
    check_memory_name("the identifier", identifier);
    return impl_->store->find(identifier, impl_->until(deadline));
}

MemoryPosition MemoryThreads::fork(const std::string& parent, const std::string& thread, std::optional<Timestamp> at,
                                   std::optional<Deadline> deadline) {
    check_memory_name("the parent", parent);
    check_memory_name("the thread", thread);
    const ThreadStore::Forked forked = impl_->store->fork(parent, thread, at, impl_->until(deadline));
    if (!forked.until) {
        raise(ErrorCode::not_found, fmt::format("\"{}\" holds nothing{} that \"{}\" could go on from", parent,
                                                at ? " until " + to_iso8601(*at) : "", thread));
    }
    if (!forked.made) {
        raise(ErrorCode::constraint_violation,
              fmt::format("\"{}\" is there already; give the fork of \"{}\" a name of its own", thread, parent));
    }
    return {forked.until};
}

RemovedThread MemoryThreads::remove(const std::string& identifier, std::optional<Deadline> deadline) {
    check_memory_name("the identifier", identifier);
    return impl_->store->remove(identifier, impl_->until(deadline));
}

RemovedThread MemoryThreads::would_remove(const std::string& identifier, std::optional<Deadline> deadline) const {
    check_memory_name("the identifier", identifier);
    return impl_->store->would_remove(identifier, impl_->until(deadline));
}

PrunedThreads MemoryThreads::prune(const PruneThreadsOptions& options, std::optional<Deadline> deadline) {
    if (options.identifier) check_memory_name("the identifier", *options.identifier);
    if (!options.after.empty()) check_memory_name("the identifier to go on after", options.after);
    if (!options.keep && !options.created_before && !options.keep_bytes) {
        raise(ErrorCode::invalid_argument,
              "prune() was not told what stays: give keep, created_before or keep_bytes; remove() removes a thread");
    }
    if (options.batch == 0) raise(ErrorCode::invalid_argument, "prune() cannot work in batches of 0 items");
    return ThreadPrune(*impl_->store, options, [this, &deadline] { return impl_->until(deadline); }).run();
}

}  // namespace v0
}  // namespace stele
