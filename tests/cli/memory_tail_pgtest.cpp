#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "cli/server_run.hpp"
#include "cli/watching.hpp"
#include "stele/conversation_memory.hpp"
#include "stele/memory_threads.hpp"
#include "stele/model_memory.hpp"

namespace stele::test {
namespace {

using nlohmann::json;

std::string said(const json& line) {
    const json& item =
        line.contains("turn") ? line.at("turn").at("content").at(0) : line.at("element").at("blocks").at(0);
    return item.at("parts").at(0).at("text");
}

TEST(MemoryTail, tells_of_each_turn_once_the_newest_of_those_there_are_first) {
    const Server server;
    const Database database = server.open();
    ConversationMemory conversation(database, "a");
    for (const char* text : {"1", "2", "3"}) conversation.remember({UserTurn(text)});
    Watching tail(server, {"memory", "tail", "a", "--lines", "2"});
    EXPECT_EQ(said(tail.next()), "2");
    EXPECT_EQ(said(tail.next()), "3");
    for (int round = 0; round < 3; ++round) {
        std::vector<ConversationTurn> turns;
        for (int i = 0; i < 150; ++i) turns.emplace_back(UserTurn(Content(std::to_string(i))));
        conversation.remember(turns);
        for (int i = 0; i < 150; ++i) EXPECT_EQ(said(tail.next()), std::to_string(i));
    }
    EXPECT_EQ(tail.end(SIGINT), 130);
}

TEST(MemoryTail, tells_of_elements_of_a_memory_that_is_not_there_yet) {
    const Server server;
    const Database database = server.open();
    Watching tail(server, {"memory", "tail", "a", "--models"});
    ModelMemory memory(database, "a");
    memory.remember({ModelInput("1"), ModelOutput("same")});
    EXPECT_EQ(said(tail.next()), "1");
    EXPECT_EQ(said(tail.next()), "same");
    memory.remember({}, {.variables = Json::object()});
    memory.remember({ModelOutput("same"), ModelOutput("same")});
    memory.remember({ModelInput("2")});
    EXPECT_EQ(said(tail.next()), "same");
    EXPECT_EQ(said(tail.next()), "same");
    EXPECT_EQ(said(tail.next()), "2");
    MemoryThreads(database, MemoryKind::models).prune({.keep = 1});
    memory.remember({ModelInput("3")});
    EXPECT_EQ(tail.end(SIGTERM), 143);
}

TEST(MemoryTail, begins_with_what_is_new_if_that_is_wanted) {
    const Server server;
    const Database database = server.open();
    ConversationMemory conversation(database, "a");
    conversation.remember({UserTurn("old"), UserTurn("old"), UserTurn("old")});
    Watching tail(server, {"memory", "tail", "a", "--lines", "0"});
    std::atomic<bool> told{false};
    std::thread writer([&] {
        // whatever it finds when it begins is old to it
        while (!told) {
            conversation.remember({UserTurn("new")});
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
        }
    });
    const json line = tail.next();
    told = true;
    writer.join();
    ASSERT_TRUE(line.is_object());
    EXPECT_EQ(said(line), "new");
    EXPECT_EQ(tail.end(SIGTERM), 143);
}

TEST(MemoryTail, ends_well_when_its_time_is_over) {
    const Server server;
    server.open();
    EXPECT_EQ(run_on(server, {"memory", "tail", "a", "--deadline", "3"}).exit, 0);
}

}  // namespace
}  // namespace stele::test
