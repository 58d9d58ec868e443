// stele memory: export and import.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/server_run.hpp"
#include "stele/conversation_memory.hpp"
#include "stele/memory_threads.hpp"
#include "stele/model_memory.hpp"

namespace stele::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

struct MemoryFiles : ::testing::Test {
    Server server;
    Database database = server.open();
};

TEST_F(MemoryFiles, carries_conversations_to_another_database_once) {
    for (const std::string name : {"a", "b c"}) {
        ConversationMemory conversation(database, name);
        std::vector<ConversationTurn> turns;
        for (int i = 0; i < 700; ++i) turns.emplace_back(UserTurn(Content(name + std::to_string(i))));
        conversation.remember(turns);
        AssistantTurn reply;
        reply.add(ToolRequest{"1", "t"}).add(ToolResponse{"1", "t", "x"}).add("done");
        conversation.remember({reply});
    }
    const Outcome exported = run_on(server, {"memory", "export"});
    EXPECT_EQ(exported.exit, 0);
    EXPECT_THAT(exported.err, HasSubstr("1402 turns of 2 conversations"));
    const Server other;
    const Database to = other.open();
    const json first = document_on(other, {"memory", "import", "-"}, exported.out);
    EXPECT_EQ(first["turns"], 1402);
    EXPECT_EQ(first["repeated"], 0);
    EXPECT_EQ(run_on(other, {"memory", "export"}).out, exported.out);
    const json again = document_on(other, {"memory", "import", "-"}, exported.out);
    EXPECT_EQ(again["repeated"], again["batches"]);
    EXPECT_EQ(ConversationMemory(to, "a").recall().context, ConversationMemory(database, "a").recall().context);
    EXPECT_EQ(MemoryThreads(to, MemoryKind::conversations).find("b c")->items, 701U);
    EXPECT_THAT(run_on(server, {"memory", "export", "a"}).err, HasSubstr("701 turns of 1 conversation"));
    EXPECT_THAT(error_on(server, {"memory", "export", "x"}, 1)["message"], HasSubstr("no conversation 'x'"));
}

TEST_F(MemoryFiles, carries_model_memories_with_a_key_once) {
    ModelMemory from(database, "m");
    from.remember({ModelInput("hi"), ModelOutput(ToolRequest{"1", "t"})}, {.variables = Json::parse(R"({"n":[1]})")});
    ModelMemory(database, "n").remember({ModelInput("alone")});
    const std::string lines = run_on(server, {"memory", "export", "--models"}).out;
    const Server other;
    const Database to = other.open();
    const ModelMemory there(to, "m");
    for (int i = 0; i < 2; ++i) {
        const json done = document_on(other, {"memory", "import", "-", "--key", "k"}, lines);
        EXPECT_EQ(done["elements"], 3);
        EXPECT_EQ(done["repeated"], i == 0 ? 0 : 2);
        EXPECT_EQ(there.recall({.replay = Replay::all}), from.recall({.replay = Replay::all}));
    }
    document_on(other, {"memory", "import", "-"}, lines);
    EXPECT_EQ(there.recall({.replay = Replay::all}).context.size(), 4U) << "without a key they are appended";
}

TEST_F(MemoryFiles, refuses_a_bad_line_and_says_which_and_what_was_stored) {
    const std::string good = R"({"thread":"a","element":{"type":"model_input","blocks":[],"meta":{}}})";
    const auto message = [&](const std::string& lines) -> std::string {
        return error_on(server, {"memory", "import", "-"}, 2, lines)["message"];
    };
    EXPECT_THAT(message("{"), HasSubstr("standard input, line 1: "));
    EXPECT_THAT(message(good + "\n\n[]\n"), HasSubstr("standard input, line 3: no object with \"thread\""));
    EXPECT_THAT(message(R"({"thread":"a"})"), HasSubstr("one of \"turn\", \"element\" and \"variables\""));
    EXPECT_THAT(message(R"({"thread":1,"turn":{}})"), HasSubstr("\"thread\", a string"));
    EXPECT_THAT(message(R"({"thread":"a","element":{"type":"note"}})"), HasSubstr("model_input"));
    EXPECT_FALSE(MemoryThreads(database, MemoryKind::models).find("a")) << "nothing of the batch";
    EXPECT_THAT(message(good + "\n" + R"({"thread":"b","variables":[]})"),
                HasSubstr("from line 2: the variables are not a JSON object; stored before it: 1 line"));
    EXPECT_EQ(ModelMemory(database, "a").recall().context.size(), 1U);
}

TEST_F(MemoryFiles, takes_responses_whose_request_was_left_behind) {
    const std::string element = to_json(ModelElement(ModelInput(ToolResponse{"1", "t", "x"}))).text();
    const std::string turn = to_json(ConversationTurn(AssistantTurn().add(ToolResponse{"1", "t", "x"}))).text();
    const json done =
        document_on(server, {"memory", "import", "-"},
                    R"({"thread":"a","element":)" + element + "}\n" + R"({"thread":"a","turn":)" + turn + "}");
    EXPECT_EQ(done["lines"], 2);
    EXPECT_EQ(ModelMemory(database, "a").recall({.replay = Replay::all}).context.size(), 1U);
    EXPECT_EQ(ConversationMemory(database, "a").recall({.replay = Replay::all}).context.size(), 1U);
}

TEST_F(MemoryFiles, wants_a_file_or_tables) {
    const auto message = [&](std::vector<std::string> more) -> std::string {
        more.insert(more.begin(), {"memory", "import"});
        return error_on(server, more, 2)["message"];
    };
    EXPECT_THAT(message({}), HasSubstr("say what to import"));
    EXPECT_THAT(message({"-", "--from-tables", "public"}), HasSubstr("say what to import"));
    EXPECT_THAT(message({"-", "--thread", "a"}), HasSubstr("--thread is for"));
    EXPECT_THAT(message({"/nonexistent/file"}), HasSubstr("cannot be read: No such file"));
    EXPECT_THAT(message({"/"}), HasSubstr("cannot be read"));
    EXPECT_EQ(document_on(server, {"memory", "import", "/dev/null"})["lines"], 0);
}

TEST_F(MemoryFiles, makes_conversations_of_older_tables) {
    ModelMemory(database, "old").remember({ModelInput("hi"), ModelOutput("hello")});
    const json done = document_on(server, {"memory", "import", "--from-tables", server.schema()});
    EXPECT_EQ(done, json({{"conversations", 1}, {"turns", 2}, {"stored", 1}}));
    EXPECT_EQ(ConversationMemory(database, "old").recall().context.size(), 2U);
    EXPECT_EQ(document_on(server, {"memory", "import", "--from-tables", server.schema(), "--thread", "no"})["turns"],
              0);
}

}  // namespace
}  // namespace stele::test
