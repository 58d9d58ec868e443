#include "stele/conversation_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/result.hpp"
#include "memory/memory_checks.hpp"
#include "memory/memory_conversation_store.hpp"
#include "memory/postgres_conversation_store.hpp"
#include "memory/token_window.hpp"
#include "memory/tool_uses.hpp"
#include "postgres/database_impl.hpp"
#include "postgres/joined_transaction.hpp"

namespace stele {
inline namespace v0 {
namespace {

/// What reading a stored turn, or an event in it, gives, with the thread in the message if it cannot be read.
template <class Read>
auto of_thread(const std::string& thread, Read read) {
    try {
        return read();
    } catch (const Error& error) {
        raise(ErrorCode::type_mismatch,
              fmt::format("the conversation \"{}\" holds what is no turn: {}", thread, error.what()));
    }
}

ConversationTurn read_turn(const ConversationStore::Turn& stored) {
    auto turn = from_json<ConversationTurn>(stored.payload);
    std::visit([&](auto& each) { each.created = stored.created; }, turn);  // what the order goes by
    return turn;
}

std::vector<ConversationStore::Turn> checked(std::span<const ConversationTurn> turns) {
    std::vector<ConversationStore::Turn> all;
    all.reserve(turns.size());
    std::set<Uuid> seen;
    for (const ConversationTurn& turn : turns) {
        std::visit([&](const auto& each) { all.push_back({each.identifier, each.created, to_json(turn)}); }, turn);
        if (!seen.insert(all.back().identifier).second) {
            raise(ErrorCode::invalid_argument,
                  fmt::format("two of the turns have the identifier {}", all.back().identifier.to_string()));
        }
    }
    return all;
}

std::vector<std::string> unasked_in(std::span<const ConversationTurn> turns) {
    std::vector<ToolUse> uses;
    for (const ConversationTurn& turn : turns) {
        for (ToolUse& use : tool_uses(turn)) uses.push_back(std::move(use));
    }
    return unasked(uses);
}

Uuid parse_token(const std::string& token) {
    if (const auto cursor = Uuid::parse(token)) return *cursor;
    constexpr std::size_t kQuotable = 40;
    raise(ErrorCode::invalid_argument, fmt::format("{} is no token of a page: give one that fetch() returned",
                                                   token.size() <= kQuotable ? '"' + token + '"' : "a long text"));
}

}  // namespace

struct ConversationMemory::Impl {
    std::string thread;
    std::shared_ptr<ConversationStore> store;
    std::optional<Database> database = {};
    bool constant = false;
    std::shared_ptr<JoinedTransaction> joined = nullptr;

    Deadline until(const std::optional<Deadline>& deadline) const {
        if (deadline) return *deadline;
        return database ? database->impl().default_deadline() : Deadline::never();
    }
    template <class Inner>
    ConversationMemory join(Inner& inner) const {
        if (!database || joined) {
            raise(ErrorCode::invalid_argument,
                  "only a conversation on a database takes part in a transaction; this is a twin without one, or does "
                  "already");
        }
        auto transaction = std::make_shared<JoinedTransaction>(inner, *database);
        auto inside = std::make_shared<PostgresConversationStore>(transaction, database->quoted_schema(), false);
        return ConversationMemory(
            std::make_shared<Impl>(Impl{thread, std::move(inside), database, false, std::move(transaction)}));
    }
};

ConversationMemory::ConversationMemory(Database database, std::string thread) : impl_(std::make_shared<Impl>()) {
    check_memory_name("the thread", thread);
    impl_->thread = std::move(thread);
    impl_->store = std::make_shared<PostgresConversationStore>(std::make_shared<Database>(database),
                                                               database.quoted_schema(), true);
    impl_->database = std::move(database);
}

ConversationMemory ConversationMemory::in_memory(std::string thread, MemoryDatabase database) {
    check_memory_name("the thread", thread);
    return ConversationMemory(std::make_shared<Impl>(
        Impl{std::move(thread), std::make_shared<MemoryConversationStore>(std::move(database))}));
}

ConversationMemory ConversationMemory::constant(std::vector<ConversationTurn> turns) {
    ConversationMemory memory = in_memory("constant");
    memory.remember(turns, {.allow_unasked = true});
    memory.impl_->constant = true;
    return memory;
}

ConversationMemory ConversationMemory::in(Transaction& transaction) const {
    return impl_->join(transaction);
}

ConversationMemory ConversationMemory::in(Savepoint& savepoint) const {
    return impl_->join(savepoint);
}

Remembered ConversationMemory::remember(std::span<const ConversationTurn> turns, const RememberTurnsOptions& options,
                                        std::optional<Deadline> deadline) {
    ConversationStore::Write write{checked(turns), options.expected};
    if (!options.allow_unasked) write.responses = unasked_in(turns);
    if (impl_->constant || write.turns.empty()) return {};
    const MemoryOutcome outcome = impl_->store->remember(impl_->thread, write, impl_->until(deadline));
    if (outcome.kind == MemoryOutcome::Kind::moved) {
        throw MemoryMoved(impl_->thread, *options.expected, outcome.position);
    }
    return {outcome.position, outcome.kind == MemoryOutcome::Kind::repeated};
}

ConversationRecall ConversationMemory::recall(const ConversationWindow& options,
                                              std::optional<Deadline> deadline) const {
    const WindowLimits limits(options.limit, options.max_tokens, options.count_tokens, options.replay);
    const Deadline until = impl_->until(deadline);
    ConversationRecall recalled;
    WindowReader window(limits);
    do {
        ConversationStore::Found found = impl_->store->newest(impl_->thread, window.wanted(), until);
        recalled.position = found.position;
        std::vector<WindowElement> elements;
        for (std::size_t i = window.accept(found.turns.size()); i > 0; --i) {
            auto turn = of_thread(impl_->thread, [&] { return to_elements(read_turn(found.turns[i - 1])); });
            for (ModelElement& element : turn) elements.emplace_back(std::move(element), found.turns.size() - i);
        }
        window.take(std::move(elements), true);
    } while (!window.complete());
    recalled.tokens = window.tokens();
    recalled.older = window.older();
    recalled.context = std::move(window).elements();
    return recalled;
}

ConversationPage ConversationMemory::fetch(const std::optional<std::string>& before, std::int64_t limit,
                                           std::optional<Deadline> deadline) const {
    const std::optional<Uuid> cursor = before ? std::optional(parse_token(*before)) : std::nullopt;
    ConversationPage page;
    if (limit < 0) raise(ErrorCode::invalid_argument, fmt::format("the limit of a page is {}; give 0 or more", limit));
    if (limit == 0) return page;
    // one more, so that a full last page does not promise another
    const std::size_t most = static_cast<std::size_t>(limit), wanted = most + 1;
    ConversationStore& store = *impl_->store;
    auto found = cursor ? store.before(impl_->thread, *cursor, wanted, impl_->until(deadline))
                        : store.newest(impl_->thread, wanted, impl_->until(deadline));
    if (cursor && !found.cursor_found) {
        raise(ErrorCode::not_found,
              fmt::format("the conversation \"{}\" has no turn {} any more to go on from; begin with the newest page",
                          impl_->thread, cursor->to_string()));
    }
    if (found.turns.size() > most) {
        found.turns.pop_back();
        page.next = found.turns.back().identifier.to_string();
    }
    page.turns.reserve(found.turns.size());
    std::reverse(found.turns.begin(), found.turns.end());
    for (const ConversationStore::Turn& turn : found.turns) {
        page.turns.push_back(of_thread(impl_->thread, [&] { return read_turn(turn); }));
    }
    return page;
}

}  // namespace v0
}  // namespace stele
