// One of several processes that use the same memories at random and check what they see.
//
//   memory_storm_process DSN SCHEMA NUMBER SEED SECONDS
//
// What a call stores are items "NUMBER.CALL.ITEM OF_HOW_MANY", in threads "0", "1" ... of either kind, or of one kind
// in the thread that is pruned. It prints a line for each call whose end it knows, "stored KIND THREAD CALL", "never
// CALL", and "wrong ..." for each fault.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "memory/storm.hpp"
#include "stele/conversation_memory.hpp"
#include "stele/memory_threads.hpp"
#include "stele/model_memory.hpp"

namespace stele::test {
namespace {

class Storm {
public:
    Storm(Database database, std::string number, std::uint64_t seed)
        : database_(std::move(database)), number_(std::move(number)), random_(seed) {}

    void step() {
        const bool models = random_() % 2 == 0;
        const std::string thread = std::to_string(random_() % kStormThreads);
        try {
            switch (random_() % 20) {
                case 0: return twice_with_a_key(thread);
                case 1: return optimistic(models, thread);
                case 2: return in_a_transaction(models, thread);
                case 3: return page_through(thread);
                case 4: return list_threads(models);
                case 5: return prune(models);
                case 6:
                case 7:
                case 8:
                case 9: return look(models, thread);
                case 10: return windows(models, thread);
                default: return remember(models, random_() % 4 == 0 ? kStormPruned : thread);
            }
        } catch (const MemoryMoved&) {
            throw std::logic_error("nobody expected a position");
        } catch (const Error& error) {  // its connection was cut
            if (error.code() != ErrorCode::unavailable && error.code() != ErrorCode::in_doubt &&
                error.code() != ErrorCode::serialization) {
                wrong(std::string("an error: ") + error.what());
            }
        }
    }

private:
    struct Call {
        std::string number;
        std::vector<std::string> items;
    };

    Call new_call() {
        Call call{number_ + "." + std::to_string(++calls_), {}};
        const std::size_t count = 1 + random_() % 5;
        for (std::size_t i = 0; i < count; ++i) {
            call.items.push_back(call.number + "." + std::to_string(i) + " " + std::to_string(count));
        }
        return call;
    }
    static std::vector<ModelElement> elements(const Call& call) {
        std::vector<ModelElement> all;
        for (const std::string& item : call.items) all.emplace_back(ModelInput(Content(item)));
        return all;
    }
    static std::vector<ConversationTurn> turns(const Call& call) {
        std::vector<ConversationTurn> all;
        for (const std::string& item : call.items) all.emplace_back(UserTurn(Content(item)));
        return all;
    }
    ModelMemory model(const std::string& thread) const { return {database_, thread}; }
    ConversationMemory conversation(const std::string& thread) const { return {database_, thread}; }

    void stored(bool models, const std::string& thread, const Call& call) {
        std::cout << "stored " << kind_name(models) << ' ' << thread << ' ' << call.number << '\n';
        if (thread != kStormPruned) mine_[{models, thread}].push_back(call.number);
    }
    static void wrong(const std::string& what) { std::cout << "wrong " << what << '\n'; }

    struct Seen {
        std::vector<std::string> items;
        MemoryPosition position;
    };
    Seen recall(bool models, const std::string& thread, std::size_t limit = 0) const {
        if (models) {
            const auto recalled = model(thread).recall({.limit = limit, .replay = Replay::all});
            return {texts_of(recalled.context), recalled.position};
        }
        const auto recalled = conversation(thread).recall({.limit = limit, .replay = Replay::all});
        return {texts_of(recalled.context), recalled.position};
    }

    void remember(bool models, const std::string& thread) {
        const Call call = new_call();
        models ? model(thread).remember(elements(call)) : conversation(thread).remember(turns(call));
        stored(models, thread, call);
    }
    void twice_with_a_key(const std::string& thread) {
        const Call call = new_call();
        const auto all = elements(call);
        const Remembered first = model(thread).remember(all, {.key = call.number});
        const Remembered second = model(thread).remember(all, {.key = call.number});
        if (!second.repeated || second.position != first.position)
            wrong("a key that was used stored again: " + call.number);
        stored(true, thread, call);
    }
    /// What is stored with an expected position comes right behind what was recalled with it.
    void optimistic(bool models, const std::string& thread) {
        const Seen before = recall(models, thread);
        const Call call = new_call();
        try {
            models ? model(thread).remember(elements(call), {.expected = before.position})
                   : conversation(thread).remember(turns(call), {.expected = before.position});
        } catch (const MemoryMoved&) {
            std::cout << "never " << call.number << '\n';
            return;
        }
        stored(models, thread, call);
        const Seen after = recall(models, thread);
        if (after.items.size() <= before.items.size() || after.items[before.items.size()] != call.items[0] ||
            !std::equal(before.items.begin(), before.items.end(), after.items.begin())) {
            wrong("something came between a position and what was stored behind it: " + call.number);
        }
    }
    void in_a_transaction(bool models, const std::string& thread) {
        const Call call = new_call();
        Transaction transaction = database_.begin();
        models ? model(thread).in(transaction).remember(elements(call))
               : conversation(thread).in(transaction).remember(turns(call));
        if (random_() % 2 == 0) {
            transaction.rollback();
            std::cout << "never " << call.number << '\n';
            return;
        }
        transaction.commit();
        stored(models, thread, call);
    }

    void look(bool models, const std::string& thread) {
        const Seen seen = recall(models, thread);
        const std::string fault = fault_of(seen.items);
        if (!fault.empty()) wrong(std::string(kind_name(models)) + " " + thread + ": " + fault);
        const std::set<std::string> all(seen.items.begin(), seen.items.end());
        for (const std::string& call : mine_[{models, thread}]) {
            const bool there = std::any_of(all.lower_bound(call + "."), all.end(),
                                           [&](const std::string& item) { return item.starts_with(call + "."); });
            if (!there) wrong("what was acknowledged is not there: " + call);
        }
        Timestamp& newest = newest_[{models, thread}];
        if (seen.position.newest.value_or(newest) < newest) wrong("a position went back in thread " + thread);
        newest = seen.position.newest.value_or(newest);
    }
    /// A window is the end of all there is. Others only append, so a second look at all holds it in one piece.
    void windows(bool models, const std::string& thread) {
        const Seen window = recall(models, thread, 7);
        const Seen all = recall(models, thread);
        const auto found = std::search(all.items.begin(), all.items.end(), window.items.begin(), window.items.end());
        if (found == all.items.end() && !window.items.empty()) wrong("a window is not a piece of thread " + thread);
    }
    void page_through(const std::string& thread) {
        const Seen before = recall(false, thread);
        std::vector<std::string> walked;  // the newest first
        std::optional<std::string> token;
        do {
            const ConversationPage page = conversation(thread).fetch(token, 1 + random_() % 9);
            const std::vector<std::string> texts = texts_of(page.turns);
            walked.insert(walked.end(), texts.rbegin(), texts.rend());
            token = page.next;
        } while (token);
        std::reverse(walked.begin(), walked.end());
        if (walked.size() < before.items.size() ||
            !std::equal(before.items.begin(), before.items.end(), walked.begin())) {
            wrong("pages missed a turn, or met one twice, in thread " + thread);
        }
        const std::string fault = fault_of(walked, true);
        if (!fault.empty()) wrong("pages of thread " + thread + ": " + fault);
    }
    void list_threads(bool models) {
        const MemoryThreads threads(database_, models ? MemoryKind::models : MemoryKind::conversations);
        std::set<std::string> named, active;
        std::string after;
        for (;;) {
            const auto page = threads.by_identifier(after, 2);
            for (const MemoryThread& each : page) {
                if (!named.insert(each.identifier).second) wrong("a thread was met twice by its identifier");
            }
            if (page.empty()) break;
            after = page.back().identifier;
        }
        std::optional<std::string> token;
        do {
            const MemoryThreadsPage page = threads.list(token, 2);
            for (const MemoryThread& each : page.threads) {
                if (!active.insert(each.identifier).second) wrong("a thread was met twice by its activity");
            }
            token = page.next;
        } while (token);
        for (const auto& [place, calls] : mine_) {
            if (place.first == models && !calls.empty() && !named.contains(place.second))
                wrong("no thread " + place.second + " is listed");
        }
    }
    void prune(bool models) {
        MemoryThreads threads(database_, models ? MemoryKind::models : MemoryKind::conversations);
        threads.prune({.keep = 10, .identifier = kStormPruned, .batch = 7});
        const Seen left = recall(models, kStormPruned);
        if (left.items.size() < 10 && left.items.size() < least_[models]) wrong("prune removed what it was to keep");
        least_[models] = std::min<std::size_t>(left.items.size(), 10);
        const std::string fault = fault_of(left.items, true);
        if (!fault.empty()) wrong("the pruned thread: " + fault);
    }

    using Place = std::pair<bool, std::string>;
    Database database_;
    const std::string number_;
    std::mt19937_64 random_;
    int calls_ = 0;
    std::map<Place, std::vector<std::string>> mine_;
    std::map<Place, Timestamp> newest_;
    std::map<bool, std::size_t> least_;
};

/// However often its connection is cut meanwhile.
Database open(const DatabaseOptions& options) {
    for (int left = 10;; --left) {
        try {
            return Database::open(options);
        } catch (const Error&) {
            if (left == 0) throw;
        }
    }
}

}  // namespace
}  // namespace stele::test

int main(int argc, char** argv) {
    if (argc != 6) return 2;
    try {
        stele::DatabaseOptions options;
        options.dsn = argv[1];
        options.schema = argv[2];
        options.migrate = false;
        stele::test::Storm storm(stele::test::open(options), argv[3], std::stoull(argv[4]) + std::stoull(argv[3]));
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(std::stol(argv[5]));
        while (std::chrono::steady_clock::now() < until) storm.step();
    } catch (const std::exception& error) {
        std::cout << "wrong " << error.what() << '\n';
    }
}
