// One of several processes that use the same cache at random, by sixteen threads each, and check what they are told.
//
//   cache_storm_process DSN SCHEMA BOARD
//
//   storm OWNER SEED MILLISECONDS    done; faults are written onto the board (cache_storm.hpp)
//
// Anything may answer "error TEXT". Ends with its input.
#include <iostream>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "cache/cache_storm.hpp"
#include "stele/semantic_cache.hpp"
#include "stele/testing.hpp"
#include "support/orders.hpp"

namespace stele::test {
namespace {

bool is_a_cut(const Error& error) {
    switch (error.code()) {
        case ErrorCode::unavailable:
        case ErrorCode::in_doubt:
        case ErrorCode::deadline_exceeded:
        case ErrorCode::pool_exhausted:
        case ErrorCode::serialization: return true;
        default: return false;
    }
}

/// However often its connection is cut meanwhile.
template <class Work>
auto in_spite_of_cuts(const Work& work) {
    for (int left = 20;; --left) {
        try {
            return work();
        } catch (const Error& error) {
            if (left == 0 || !is_a_cut(error)) throw;
        }
    }
}

/// One thread. Only it writes its questions.
class Stormer {
public:
    Stormer(Database database, SemanticCache& cache, testing::FakeEmbedder& embedder, StormBoard& board, int owner,
            int thread, std::uint64_t seed)
        : database_(std::move(database)),
          cache_(cache),
          embedder_(embedder),
          board_(board),
          owner_(owner),
          thread_(thread),
          random_(seed) {}

    void step() {
        try {
            const auto dice = random_() % 100;
            if (dice < 25) return put();
            if (dice < 30) return remove();
            if (dice < 33) return transaction();
            if (dice < 34) return look_around();
            get(dice < 60);
        } catch (const Error& error) {
            ++board_.failures;
            if (!is_a_cut(error)) board_.fault(std::string("an error: ") + error.what());
        }
    }

private:
    StormQuestion mine() { return {owner_, thread_, static_cast<int>(random_() % kStormQuestions)}; }
    /// The latest processes' more often, which are the living ones as a rule.
    StormQuestion anybodys() {
        const int owners = board_.owned, recent = random_() % 4 == 0 ? owners : std::min(owners, 5);
        const int owner = owners - 1 - static_cast<int>(random_() % static_cast<std::uint64_t>(recent));
        return {owner, static_cast<int>(random_() % kStormThreads), static_cast<int>(random_() % kStormQuestions)};
    }
    std::int64_t next() { return ++version_; }

    void put() {
        const StormQuestion question = mine();
        const std::int64_t version = next();
        cache_.put(question.text(), question.answer(version), question.scope());
        board_.acknowledge(question, version);
        ++board_.stored;
        check(question, false);
    }
    void remove() {
        const StormQuestion question = mine();
        const std::int64_t version = next();
        cache_.remove(question.text(), question.scope());
        board_.acknowledge(question, version);
        check(question, random_() % 2 == 0);
    }
    /// Two at once, or none.
    void transaction() {
        const StormQuestion one{owner_, thread_, 0}, two{owner_, thread_, 1};
        const bool commits = random_() % 2 == 0;
        const std::int64_t first = next(), second = next();
        Transaction transaction = database_.begin();
        SemanticCache inside = cache_.in(transaction);
        inside.put(one.text(), commits ? one.answer(first) : kStormUndone, one.scope());
        inside.put(two.text(), commits ? two.answer(second) : kStormUndone, two.scope());
        if (!commits) return transaction.rollback();
        transaction.commit();
        board_.acknowledge(one, first);
        board_.acknowledge(two, second);
        board_.stored += 2;
    }
    void look_around() {
        for (const CacheEntry& entry : cache_.list(mine().scope(), 20)) {
            if (entry.response == kStormUndone) board_.fault("what was undone is listed: " + entry.query);
            if (entry.response.find(entry.query) == std::string::npos) board_.fault("mixed up: " + entry.response);
        }
        if (random_() % 4 == 0) cache_.vacuum();
        if (random_() % 4 == 0) cache_.namespaces();
    }
    void get(bool by_meaning) { check(anybodys(), by_meaning); }

    void check(const StormQuestion& question, bool by_meaning) {
        const bool own = question.owner == owner_ && question.thread == thread_;
        if (by_meaning) embedder_.similar(question.other_words(), question.text(), 0.97f);
        StormBoard::Owner& count = board_.owners.at(static_cast<std::size_t>(owner_));
        const std::int64_t oldest = board_.oldest(question, own);
        ++count.asked;
        const std::optional<Hit> hit =
            cache_.get(by_meaning ? question.other_words() : question.text(), question.scope());
        ++count.answered;
        if (!hit) return;
        ++(hit->layer == HitLayer::semantic ? board_.hits_by_meaning : board_.hits);
        const std::int64_t version = question.version_of(hit->response);
        if (version < 0) {
            board_.fault(question.text() + " in " + question.scope().stored_namespace() + " was answered by " +
                         hit->response);
        } else if (version < oldest) {
            board_.fault(question.text() + " was answered by " + std::to_string(version) + " from " +
                         std::string(to_string(hit->layer)) + (own ? ", asked by its writer" : "") + ", but " +
                         std::to_string(oldest) + " was known for longer than the bound");
        }
    }

    Database database_;
    SemanticCache& cache_;
    testing::FakeEmbedder& embedder_;
    StormBoard& board_;
    const int owner_, thread_;
    std::mt19937_64 random_;
    std::int64_t version_ = 0;
};

class Orders {
public:
    explicit Orders(const std::vector<std::string>& words) : mapping_(words.at(2)) {
        options_.dsn = words.at(0);
        options_.schema = words.at(1);
        options_.migrate = false;
        options_.max_staleness = kStormBound;
    }
    std::string obey(const std::string& line) {
        std::istringstream words(line);
        std::string order;
        int owner = 0;
        std::uint64_t seed = 0;
        long milliseconds = 0;
        words >> order >> owner >> seed >> milliseconds;
        if (order != "storm" || !words) throw std::invalid_argument("'" + line + "' is no order");
        storm(owner, seed, std::chrono::milliseconds(milliseconds));
        return "done";
    }

private:
    void storm(int owner, std::uint64_t seed, std::chrono::milliseconds time) {
        StormBoard& board = mapping_.board();
        Database database = in_spite_of_cuts([&] { return Database::open(options_); });
        const auto embedder = std::make_shared<testing::FakeEmbedder>();
        SemanticCache cache = in_spite_of_cuts([&] { return SemanticCache(database, embedder); });
        const auto until = std::chrono::steady_clock::now() + time;
        std::vector<std::thread> threads;
        for (int thread = 0; thread < kStormThreads; ++thread) {
            threads.emplace_back([&, thread] {
                Stormer stormer(database, cache, *embedder, board, owner, thread,
                                seed + static_cast<std::uint64_t>(thread));
                while (std::chrono::steady_clock::now() < until) stormer.step();
            });
        }
        for (std::thread& thread : threads) thread.join();
        try {
            cache.close();
            board.owners.at(static_cast<std::size_t>(owner)).closed = true;
        } catch (const Error& error) {  // its counts are lost then
            if (!is_a_cut(error)) throw;
        }
    }

    StormMapping mapping_;
    DatabaseOptions options_;
};

}  // namespace
}  // namespace stele::test

int main(int argc, char** argv) {
    stele::test::obey_orders<stele::test::Orders>(std::vector<std::string>(argv + 1, argv + argc));
}
