// Several processes, other software and a hand that cuts connections, all at random, beside a model of what may be
// seen.
//
// STELE_COHERENCE_SECONDS: for how long (4). STELE_COHERENCE_SEED: the choices of an earlier run; the timing is its
// own.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "coherence/history.hpp"
#include "coherence/process.hpp"
#include "coherence/stores.hpp"
#include "stele/database.hpp"
#include "support/in_threads.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using test::History;
using test::Loaded;
using test::Process;

constexpr auto kBound = 100ms;
constexpr std::size_t kKeys = 24;  // so that most rest for longer than the bound between two writes
constexpr int kProcesses = 4;
constexpr int kHere = kProcesses, kForeign = kProcesses + 1;  // writers that are no process of their own

long from_environment(const char* name, long otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::stol(text);
}
// In turn a configuration, a template, and what a label names.
std::string key_of(std::size_t key) {
    return "ktl"[key % 3] + std::to_string(key);
}
bool is_labelled(std::size_t key) {
    return key % 3 == 2;
}

/// All keys, and who may write them now. Thread-safe.
class Model {
public:
    std::string make_content() { return "{\"n\": " + std::to_string(++last_) + "}"; }

    /// Has the keys to itself, each getting its content, while it lives.
    class Turn {
    public:
        Turn(Model& model, int writer, std::vector<std::pair<std::size_t, std::string>> writes)
            : model_(model), writes_(std::move(writes)) {
            for (const auto& [key, content] : writes_) held_.emplace_back(model_.writing_[key]);
            const std::scoped_lock lock(model_.mutex_);
            for (const auto& [key, content] : writes_) model_.histories_[key].sent(content, writer, Clock::now());
        }
        void committed() {
            end([](History& history) { history.committed(Clock::now()); });
        }
        void undone() {
            end([](History& history) { history.undone(); });
        }
        const auto& writes() const { return writes_; }

    private:
        void end(const std::function<void(History&)>& what) {
            const std::scoped_lock lock(model_.mutex_);
            for (const auto& [key, content] : writes_) what(model_.histories_[key]);
        }
        Model& model_;
        const std::vector<std::pair<std::size_t, std::string>> writes_;  // by key
        std::vector<std::unique_lock<std::mutex>> held_;
    };

    void check(std::size_t key, const Loaded& loaded, int reader, Clock::time_point began) {
        const auto ended = Clock::now();
        const std::scoped_lock lock(mutex_);
        const std::string wrong = histories_[key].complaint(loaded.content, reader, began, ended, kBound);
        if (!wrong.empty()) {
            ADD_FAILURE() << "reader " << reader << " loaded " << loaded.content << " of " << key_of(key)
                          << (loaded.kept ? " from memory" : "") << ", but " << wrong;
        }
        ++(loaded.kept ? kept : asked);
    }
    std::atomic<int> kept{0}, asked{0}, commits{0}, rollbacks{0}, failures{0};

private:
    std::atomic<int> last_{0};
    std::mutex mutex_;
    std::array<History, kKeys> histories_;
    std::array<std::mutex, kKeys> writing_;
};

class Storm {
public:
    Storm(const test::Server& server, std::uint64_t seed, std::chrono::seconds time)
        : schema_(server.schema()), bare_(server.bare()), seed_(seed), until_(Clock::now() + time) {}

    /// In a process of its own: everything that one can do, and to stand still meanwhile.
    void run_process(Process& process, int number) {
        std::mt19937_64 random(seed_ + static_cast<std::uint64_t>(number));
        while (Clock::now() < until_) {
            const auto key = random() % kKeys;
            switch (random() % 200) {
                case 0:
                case 1:
                    write(number, key, model.make_content(),
                          [&](const auto& name, const auto& content) { process.define(name, content); });
                    break;
                case 2: write(number, key, "none", [&](const auto& name, const auto&) { process.remove(name); }); break;
                case 3: transaction(process, number, random); break;
                case 4:
                    if (random() % 8 == 0) stand_still(process, number, key);
                    break;
                default: load(number, key, [&] { return process.load(key_of(key)); });
            }
        }
    }
    /// One of several threads that share a repository.
    void run_here(test::Stores& stores, std::uint64_t thread) {
        std::mt19937_64 random(seed_ + 100 + thread);
        while (Clock::now() < until_) {
            const auto key = random() % kKeys;
            if (random() % 1000 == 0) {
                write(kHere, key, model.make_content(),
                      [&](const auto& name, const auto& content) { stores.define(name, content); });
            }
            load(kHere, key, [&] { return Loaded{stores.load(key_of(key))}; });
            std::this_thread::sleep_for(100us);
        }
    }
    /// Other software.
    void run_foreign() {
        std::mt19937_64 random(seed_ + 200);
        while (Clock::now() < until_) {
            const std::size_t key = random() % kKeys;
            if (random() % 5 == 0) {
                const Sql remove(removal(key));
                write(kForeign, key, "none",
                      [&](const auto& name, const auto&) { bare_.execute(Statement(remove, name)); });
            } else {
                write(kForeign, key, model.make_content(),
                      [&](const auto& name, const auto& content) { insert(key, name, content); });
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(random() % 100));
        }
    }
    /// Ends sessions, the followers' and those that listen among them.
    void cut() {
        std::mt19937_64 random(seed_ + 300);
        while (Clock::now() < until_) {
            std::this_thread::sleep_for(std::chrono::milliseconds(50 + random() % 300));
            bare_.query(
                "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE application_name = "
                "'storm' ORDER BY random() LIMIT 2) AS victims");
        }
    }

    Model model;

private:
    std::string table_of(std::size_t key) const {
        return schema_ + (key_of(key)[0] == 't' ? ".templates" : ".configurations");
    }
    std::string removal(std::size_t key) const {
        if (is_labelled(key)) return "UPDATE " + schema_ + ".stele_labels SET revision = NULL WHERE identifier = $1";
        return "DELETE FROM " + table_of(key) + " WHERE identifier = $1";
    }
    void insert(std::size_t key, const std::string& name, const std::string& content) {
        const std::string type = key_of(key)[0] == 't' ? "text" : "jsonb";
        const Sql revision("INSERT INTO " + table_of(key) + " (identifier, content, created) SELECT $1, $2::text::" +
                           type + ", greatest(clock_timestamp(), max(created) + interval '1 us') FROM " +
                           table_of(key) + " WHERE identifier = $1");
        Transaction transaction = bare_.begin();
        transaction.execute(Statement(revision, name, content));
        if (is_labelled(key)) {
            const Sql label(
                "INSERT INTO " + schema_ +
                ".stele_labels (store, identifier, label, revision) SELECT 'configurations', $1, 'seen', "
                "max(created) FROM " +
                schema_ +
                ".configurations WHERE identifier = $1 ON CONFLICT (store, identifier, label) DO UPDATE SET "
                "revision = EXCLUDED.revision");
            transaction.execute(Statement(label, name));
        }
        transaction.commit();
    }
    std::string stored(std::size_t key) {
        const Sql newest(
            is_labelled(key)
                ? "SELECT c.content::text FROM " + schema_ + ".stele_labels l JOIN " + table_of(key) +
                      " c ON c.identifier = l.identifier AND c.created = l.revision WHERE l.identifier = $1"
                : "SELECT content::text FROM " + table_of(key) +
                      " WHERE identifier = $1 ORDER BY created DESC LIMIT 1");
        const Rows rows = bare_.query(Statement(newest, key_of(key)).repeatable());
        return rows.empty() ? "none" : rows[0].get<std::string>(0);
    }
    template <class Work>
    void write(int writer, std::size_t key, std::string content, Work work) {
        Model::Turn turn(model, writer, {{key, std::move(content)}});
        try {
            work(key_of(key), turn.writes()[0].second);
            turn.committed();
            ++model.commits;
        } catch (const std::exception&) {
            settle(turn);
        }
    }
    /// Its connection was cut: whether it was committed, only the database knows.
    void settle(Model::Turn& turn) {
        ++model.failures;
        const auto& [key, content] = turn.writes()[0];
        const std::string now = stored(key);
        now == content ? turn.committed() : turn.undone();
    }
    void transaction(Process& process, int number, std::mt19937_64& random) {
        const std::size_t first = random() % (kKeys - 1), second = first + 1 + random() % (kKeys - 1 - first);
        Model::Turn turn(model, number, {{first, model.make_content()}, {second, model.make_content()}});
        const bool commits = random() % 2 == 0;
        try {
            process.begin();
            for (const auto& [key, content] : turn.writes()) process.define(key_of(key), content);
            for (const auto& [key, content] : turn.writes()) EXPECT_EQ(process.inside(key_of(key)), content);
            load(number, first, [&] { return process.load(key_of(first)); });
            std::this_thread::sleep_for(std::chrono::milliseconds(random() % 100));
            commits ? process.commit() : process.rollback();
            commits ? turn.committed() : turn.undone();
            ++(commits ? model.commits : model.rollbacks);
        } catch (const std::runtime_error&) {
            try {
                process.rollback();  // unless it is over
            } catch (const std::runtime_error&) {
            }
            settle(turn);
        }
    }
    void stand_still(Process& process, int number, std::size_t key) {
        process.hold();
        std::this_thread::sleep_for(2 * kBound);
        process.tell("load " + key_of(key));
        load(number, key, [&] {
            process.go_on();
            return process.hear_load();
        });
    }
    template <class Work>
    void load(int reader, std::size_t key, Work work) {
        const auto began = Clock::now();
        try {
            model.check(key, work(), reader, began);
        } catch (const std::runtime_error&) {  // an error is no stale value
            ++model.failures;
        }
    }

    const std::string schema_;
    Database bare_;
    const std::uint64_t seed_;
    const Clock::time_point until_;
};

TEST(ManyProcesses, see_nothing_stale_nothing_torn_and_nothing_undone_whatever_happens) {
    const auto seed =
        static_cast<std::uint64_t>(from_environment("STELE_COHERENCE_SEED", static_cast<long>(std::random_device{}())));
    std::cout << "STELE_COHERENCE_SEED=" << seed << '\n';
    SCOPED_TRACE("STELE_COHERENCE_SEED=" + std::to_string(seed));
    const test::Server server;
    DatabaseOptions options = server.options(test::server_dsn() + " application_name=storm");
    Database database = Database::open(options);
    test::Stores stores(database);
    std::vector<Process> processes;  // opened before the storm: to open may fail in it, and rightly
    for (int number = 0; number < kProcesses; ++number) {
        processes.emplace_back(STELE_COHERENCE_PROCESS, options.dsn, options.schema,
                               number % 2 == 0 ? std::vector<std::string>{} : std::vector<std::string>{"hints=off"});
    }
    Storm storm(server, seed, std::chrono::seconds(from_environment("STELE_COHERENCE_SECONDS", 4)));
    test::in_threads(kProcesses + 5, [&](int thread) {
        if (thread < kProcesses) return storm.run_process(processes[static_cast<std::size_t>(thread)], thread);
        if (thread < kProcesses + 3) return storm.run_here(stores, static_cast<std::uint64_t>(thread));
        thread == kProcesses + 3 ? storm.run_foreign() : storm.cut();
    });
    const Model& model = storm.model;
    std::cout << model.kept << " loads from the memory of other processes, " << model.asked << " other loads, "
              << model.commits << " commits, " << model.rollbacks << " rollbacks, " << model.failures << " failures\n";
    EXPECT_GT(model.kept, 0);
    EXPECT_GT(model.commits, 0);
}

}  // namespace
}  // namespace stele
