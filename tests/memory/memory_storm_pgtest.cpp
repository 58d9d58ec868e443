// Several processes on the same memories, at random, while a hand cuts their connections.
//
// STELE_MEMORY_SECONDS: for how long (4). STELE_MEMORY_SEED: the choices of an earlier run; the timing is its own.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <random>

#include "memory/storm.hpp"
#include "stele/conversation_memory.hpp"
#include "stele/model_memory.hpp"
#include "support/in_threads.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;

constexpr int kProcesses = 4;

std::string from_environment(const char* name, const std::string& otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : text;
}

/// What a program prints, a line each.
std::vector<std::string> lines_of(const std::vector<std::string>& words) {
    std::string command;
    for (const std::string& word : words) command += "'" + word + "' ";  // none has a quote in it
    std::FILE* const out = ::popen(command.c_str(), "r");
    if (out == nullptr) throw std::runtime_error("popen");
    std::vector<std::string> lines(1);
    for (int letter = 0; (letter = std::fgetc(out)) != EOF;) {
        if (letter == '\n') {
            lines.emplace_back();
        } else {
            lines.back().push_back(static_cast<char>(letter));
        }
    }
    EXPECT_EQ(::pclose(out), 0) << command;
    return lines;
}

TEST(ManyProcesses, keep_order_lose_nothing_and_never_mix_in_memories) {
    const std::string seed = from_environment("STELE_MEMORY_SEED", std::to_string(std::random_device{}()));
    const std::string seconds = from_environment("STELE_MEMORY_SECONDS", "4");
    std::cout << "STELE_MEMORY_SEED=" << seed << '\n';
    SCOPED_TRACE("STELE_MEMORY_SEED=" + seed);
    const test::Server server;
    const Database database = server.open();
    Database bare = server.bare();
    std::array<std::vector<std::string>, kProcesses> told;
    std::atomic<int> running{kProcesses};
    test::in_threads(kProcesses + 1, [&](int thread) {
        if (thread < kProcesses) {
            told.at(static_cast<std::size_t>(thread)) =
                lines_of({STELE_MEMORY_STORM_PROCESS, test::server_dsn() + " application_name=memory_storm",
                          server.schema(), std::to_string(thread), seed, seconds});
            --running;
            return;
        }
        std::mt19937_64 random(std::stoull(seed));
        while (running > 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds(50 + random() % 300));
            bare.query(
                "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE application_name = "
                "'memory_storm' ORDER BY random() LIMIT 1) AS victims");
        }
    });

    std::map<std::string, std::vector<std::string>> threads;  // by "KIND THREAD"
    std::set<std::string> calls;                              // that are stored somewhere
    for (const bool models : {true, false}) {
        for (int i = 0; i < test::kStormThreads; ++i) {
            const std::string name = std::to_string(i);
            const auto items =
                models ? test::texts_of(ModelMemory(database, name).recall({.replay = Replay::all}).context)
                       : test::texts_of(ConversationMemory(database, name).recall({.replay = Replay::all}).context);
            EXPECT_EQ(test::fault_of(items), "") << name;
            auto& all = threads[std::string(test::kind_name(models)) + " " + name];
            for (const std::string& item : items) {
                const std::string call = item.substr(0, item.rfind('.'));
                if (test::StormItem(item).item == 0) {
                    EXPECT_TRUE(calls.insert(call).second) << call << " is there twice";
                }
                all.push_back(call);
            }
        }
    }
    std::size_t stored = 0, never = 0;
    for (const auto& lines : told) {
        for (const std::string& line : lines) {
            std::istringstream in(line);
            std::string what, kind, thread, call;
            in >> what;
            if (what == "wrong") ADD_FAILURE() << line;
            if (what == "never" && in >> call) {
                ++never;
                EXPECT_FALSE(calls.contains(call)) << line;
            }
            if (what != "stored" || !(in >> kind >> thread >> call) || thread == test::kStormPruned) continue;
            ++stored;
            const auto& all = threads[kind + " " + thread];
            EXPECT_NE(std::find(all.begin(), all.end(), call), all.end()) << line;
        }
    }
    std::cout << stored << " calls stored, " << never << " refused or undone, " << calls.size() - stored
              << " of which nobody was told\n";
    EXPECT_GT(stored, 0U);
    EXPECT_GT(never, 0U);
}

}  // namespace
}  // namespace stele
