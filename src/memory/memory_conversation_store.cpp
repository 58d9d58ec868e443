#include "memory/memory_conversation_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "memory/memory_checks.hpp"
#include "memory/tool_uses.hpp"

namespace stele {
namespace {

/// But for the time, which may be given in one and not in the other.
bool same_turn(const ConversationStore::Turn& stored, const ConversationStore::Turn& given) {
    const auto without_time = [](const ConversationStore::Turn& turn) {
        return std::visit(
            [](auto each) {
                each.created.reset();
                return ConversationTurn(std::move(each));
            },
            from_json<ConversationTurn>(turn.payload));
    };
    return (!given.created || given.created == stored.created) && without_time(stored) == without_time(given);
}

}  // namespace

MemoryConversationStore::MemoryConversationStore(MemoryDatabase database)
    : database_(std::move(database)), impl_(database_.impl()) {
    MutexLock lock(impl_.mutex);
    data_ = &Data::of(impl_);
}

ConversationStore::Found MemoryConversationStore::newest(const std::string& thread, std::optional<std::size_t> limit,
                                                         Deadline) {
    MutexLock lock(impl_.mutex);
    Found found;
    const auto known = data_->threads.find(thread);
    if (known == data_->threads.end()) return found;
    const std::size_t most = limit.value_or(std::numeric_limits<std::size_t>::max());
    for_lineage(data_->threads, thread, [&](const Data::Thread& each, Timestamp until) {
        for (auto turn = each.turns.rbegin(); turn != each.turns.rend() && found.turns.size() < most; ++turn) {
            if (turn->first.first <= until) found.turns.push_back(turn->second);
        }
        return found.turns.size() < most;
    });
    found.position = known->second.position;
    return found;
}

ConversationStore::Found MemoryConversationStore::before(const std::string& thread, const Uuid& cursor,
                                                         std::size_t limit, Deadline) {
    MutexLock lock(impl_.mutex);
    Found found;
    for_lineage(data_->threads, thread, [&](const Data::Thread& each, Timestamp until) {
        auto turn = each.turns.end();
        if (!found.cursor_found) {
            const auto place = each.places.find(cursor);
            if (place == each.places.end() || place->second > until) return true;
            found.cursor_found = true;
            turn = each.turns.find({place->second, cursor});
        }
        while (turn != each.turns.begin() && found.turns.size() < limit) {
            if ((--turn)->first.first <= until) found.turns.push_back(turn->second);
        }
        return found.turns.size() < limit;
    });
    return found;
}

MemoryOutcome MemoryConversationStore::remember(const std::string& thread, const Write& write, Deadline) {
    MutexLock lock(impl_.mutex);
    const auto known = data_->threads.find(thread);
    const MemoryPosition before = known == data_->threads.end() ? MemoryPosition() : known->second.position;
    std::vector<const Turn*> added;
    MemoryPosition repeated;
    for (const Turn& turn : write.turns) {
        const Turn* stored = nullptr;
        for_lineage(data_->threads, thread, [&](const Data::Thread& each, Timestamp until) {
            const auto place = each.places.find(turn.identifier);
            if (place != each.places.end() && place->second <= until) {
                stored = &each.turns.at({place->second, turn.identifier});
            }
            return stored == nullptr;
        });
        if (stored == nullptr) {
            added.push_back(&turn);
            continue;
        }
        if (!same_turn(*stored, turn)) refuse_taken(thread, turn.identifier.to_string());
        repeated.newest = std::max(repeated.newest, stored->created);
    }
    if (added.empty()) return {MemoryOutcome::Kind::repeated, repeated};
    if (write.expected && *write.expected != before) return {MemoryOutcome::Kind::moved, before};
    check_responses(thread, write.responses);

    Data::Thread& to = data_->threads[thread];
    const Timestamp now = impl_.now();
    // whatever is stored moves the position, though it may stand before it
    if (before.newest) to.position.newest = *before.newest + kClockStep;
    std::optional<Timestamp> latest;
    for (const Turn* given : added) {
        Turn turn = *given;
        if (!turn.created) {
            turn.created = std::max(now, to.position.newest.value_or(now));
            if (latest) turn.created = std::max(*turn.created, *latest + kClockStep);
        }
        latest = std::max(latest, turn.created);
        to.places.emplace(turn.identifier, *turn.created);
        to.turns.emplace(Data::Place(*turn.created, turn.identifier), std::move(turn));
    }
    to.position.newest = std::max(to.position.newest, latest);
    return {MemoryOutcome::Kind::stored, to.position};
}

void MemoryConversationStore::check_responses(const std::string& thread,
                                              const std::vector<std::string>& responses) const {
    for (const std::string& response : responses) {
        bool asked = false;
        for_lineage(data_->threads, thread, [&](const Data::Thread& each, Timestamp until) {
            for (const auto& [place, turn] : each.turns) {
                if (place.first > until) continue;
                const std::vector<ToolUse> uses = tool_uses(from_json<ConversationTurn>(turn.payload));
                asked = asked || std::any_of(uses.begin(), uses.end(),
                                             [&](const ToolUse& use) { return has_request(use, response); });
            }
            return !asked;
        });
        if (!asked) refuse_unasked(fmt::format("the conversation \"{}\"", thread), response);
    }
}

}  // namespace stele
