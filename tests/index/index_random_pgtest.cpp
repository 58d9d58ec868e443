// Several processes on one index, at random, beside a model of what may be found: each key once, its newest note, every
// note once in a listing while others arrive, and of what a killed process indexed all or nothing.
//
// STELE_COHERENCE_SECONDS: for how long (4). STELE_COHERENCE_SEED: the choices of an earlier run; the timing is its
// own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "coherence/history.hpp"
#include "coherence/process.hpp"
#include "index/index_process.hpp"
#include "stele/testing.hpp"
#include "support/in_threads.hpp"
#include "support/server.hpp"

namespace stele::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using shared::Note;

constexpr int kProcesses = 4;
constexpr std::size_t kKeys = 16;
constexpr std::size_t kStaying = 8;  // of them are never removed
constexpr int kGroup = 1100;         // notes of one index_all: three batches

long from_environment(const char* name, long otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::stol(text);
}
std::string key_of(std::size_t key) {
    return "k" + std::to_string(key);
}

class Storm {
public:
    Storm(const Server& server, std::uint64_t seed, std::chrono::seconds time)
        : schema_(server.schema()), seed_(seed), until_(Clock::now() + time) {}

    void run(int number) {
        std::mt19937_64 random(seed_ + static_cast<std::uint64_t>(number));
        std::optional<Process> process(start());
        if (number == 0) fill(*process);
        while (!filled) std::this_thread::sleep_for(1ms);
        while (Clock::now() < until_) {
            const std::size_t key = random() % kKeys;
            switch (random() % 16) {
                case 0: list(*process, static_cast<int>(1 + random() % 50)); break;
                case 1:
                    if (key >= kStaying) remove(*process, number, key);
                    break;
                case 2: bulk(process, number, random); break;
                case 3:
                case 4:
                case 5: index(*process, number, key, key + 1 + random() % 3); break;
                default: get(*process, number, key);
            }
        }
    }

    std::atomic<bool> filled{false};
    std::atomic<int> writes{0}, reads{0}, lists{0}, kills{0};
    std::map<std::string, bool> groups;  // whether they were told done

    /// The page of each key at last, empty if it was removed.
    std::array<std::string, kKeys> pages;

private:
    Process start() const { return Process(STELE_INDEX_PROCESS, server_dsn(), schema_); }

    void fill(Process& process) {
        std::string order = "index";
        for (std::size_t key = 0; key < kStaying; ++key) {
            order += ' ' + key_of(key) + " 0";
            histories_[key].sent("0", -1, Clock::now());
            pages[key] = "0";
        }
        EXPECT_EQ(process.ask(order), "done");
        for (std::size_t key = 0; key < kStaying; ++key) histories_[key].committed(Clock::now());
        filled = true;
    }
    /// Several keys in one call; who writes a key has it to himself.
    void index(Process& process, int number, std::size_t first, std::size_t end) {
        std::vector<std::unique_lock<std::mutex>> held;
        std::string order = "index";
        for (std::size_t key = first; key < std::min(end, kKeys); ++key) {
            held.emplace_back(writing_[key]);
            const std::string page = std::to_string(++last_page_);
            order += ' ' + key_of(key) + ' ' + page;
            const std::scoped_lock lock(mutex_);
            histories_[key].sent(page, number, Clock::now());
            pages[key] = page;
        }
        EXPECT_EQ(process.ask(order), "done");
        const std::scoped_lock lock(mutex_);
        for (std::size_t key = first; key < std::min(end, kKeys); ++key) histories_[key].committed(Clock::now());
        ++writes;
    }
    void remove(Process& process, int number, std::size_t key) {
        const std::scoped_lock held(writing_[key]);
        std::string expected;
        {
            const std::scoped_lock lock(mutex_);
            expected = pages[key].empty() ? "0" : "1";
            histories_[key].sent("none", number, Clock::now());
            pages[key].clear();
        }
        EXPECT_EQ(process.ask("remove " + key_of(key)), expected) << "a key is there once or not at all";
        const std::scoped_lock lock(mutex_);
        histories_[key].committed(Clock::now());
        ++writes;
    }
    void get(Process& process, int number, std::size_t key) {
        const auto began = Clock::now();
        const std::string page = process.ask("get " + key_of(key));
        const auto ended = Clock::now();
        const std::scoped_lock lock(mutex_);
        const std::string wrong = histories_[key].complaint(page, number, began, ended, 0ms);
        EXPECT_TRUE(wrong.empty()) << key_of(key) << " has page " << page << ", but " << wrong;
        ++reads;
    }
    void list(Process& process, int limit) {
        std::istringstream keys(process.ask("page " + std::to_string(limit)));  // an id twice is an error of its own
        std::map<std::string, int> seen;
        for (std::string key; keys >> key;) ++seen[key];
        for (std::size_t key = 0; key < kStaying; ++key) {
            EXPECT_EQ(seen[key_of(key)], 1) << key_of(key) << " was there all the time";
        }
        ++lists;
    }
    /// Many, by a process that may be killed meanwhile.
    void bulk(std::optional<Process>& process, int number, std::mt19937_64& random) {
        const std::string group = "g" + std::to_string(number) + "_" + std::to_string(random() % 3);
        process->tell("all " + group + ' ' + std::to_string(kGroup));
        if (random() % 2 == 0) {
            std::this_thread::sleep_for(std::chrono::microseconds(random() % 200'000));
            process.reset();
            process.emplace(start());
            ++kills;
            const std::scoped_lock lock(mutex_);
            groups.try_emplace(group, false);
            return;
        }
        EXPECT_EQ(process->hear(), "done");
        const std::scoped_lock lock(mutex_);
        groups[group] = true;
    }

    const std::string schema_;
    const std::uint64_t seed_;
    const Clock::time_point until_;
    std::atomic<int> last_page_{0};
    std::mutex mutex_;
    std::array<History, kKeys> histories_;
    std::array<std::mutex, kKeys> writing_;
};

TEST(ManyIndexers, find_each_key_once_and_every_note_once_whatever_the_others_do) {
    const auto seed =
        static_cast<std::uint64_t>(from_environment("STELE_COHERENCE_SEED", static_cast<long>(std::random_device{}())));
    std::cout << "STELE_COHERENCE_SEED=" << seed << '\n';
    SCOPED_TRACE("STELE_COHERENCE_SEED=" + std::to_string(seed));
    const Server server;
    Database database = server.bare();
    database.execute(Statement(Sql("CREATE SCHEMA " + server.schema())));
    Storm storm(server, seed, std::chrono::seconds(from_environment("STELE_COHERENCE_SECONDS", 4)));
    in_threads(kProcesses, [&](int number) { storm.run(number); });
    std::cout << storm.writes << " writes, " << storm.reads << " reads, " << storm.lists << " listings, "
              << storm.groups.size() << " groups, " << storm.kills << " kills\n";

    VectorIndex<Note> notes(database,
                            std::make_shared<testing::FakeEmbedder>(testing::FakeEmbedderOptions{.dimension = 8}));
    for (std::size_t key = 0; key < kKeys; ++key) {
        const auto found = notes.newest({.where = field(&Note::key) == key_of(key)});
        ASSERT_EQ(found.size(), storm.pages[key].empty() ? 0U : 1U) << key_of(key);
        const std::string page = found.empty() ? "" : std::to_string(found[0].value.page);
        EXPECT_EQ(page, storm.pages[key]) << key_of(key);
    }
    for (const auto& [group, done] : storm.groups) {
        const std::size_t count = notes.count(field(&Note::key).starts_with(group + "/"));
        EXPECT_TRUE(count == kGroup || (count == 0 && !done)) << group << " has " << count;
    }
    EXPECT_GT(storm.writes, 0);
    EXPECT_GT(storm.lists, 0);
}

}  // namespace
}  // namespace stele::test
