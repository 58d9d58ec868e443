// A chat that remembers: each turn is appended, and the newest that fit go back to the model.
#include <iostream>

#include "stele/conversation_memory.hpp"

int main() {
    stele::Database database = stele::Database::open();
    stele::ConversationMemory conversation(database, "thread-1");
    conversation.remember({stele::UserTurn("Hi, I am Ada."), stele::AssistantTurn("Hello, Ada!")});
    for (const stele::ModelElement& element : conversation.recall({.max_tokens = 4000}).context) {
        std::cout << stele::to_json(element).text() << '\n';
    }

    // a turn with a tool call is one turn, stored when it is over: nothing of it is ever recalled without the rest
    const stele::MemoryPosition seen = conversation.recall().position;
    stele::AssistantTurn reply;
    reply.add(stele::ToolRequest{"call-1", "weather", stele::Json::parse(R"({"city": "Rome"})")});
    reply.add(stele::ToolResponse{"call-1", "weather", "sunny"});
    reply.add("It is sunny in Rome, Ada.");
    try {
        conversation.remember({stele::UserTurn("What is the weather in Rome?"), reply}, {.expected = seen});
    } catch (const stele::MemoryMoved&) {
        std::cout << "another turn was faster: recall, and ask the model again\n";
    }

    // older turns, a page at a time
    for (std::optional<std::string> token;;) {
        const stele::ConversationPage page = conversation.fetch(token, 2);
        std::cout << page.turns.size() << " turns\n";
        if (!(token = page.next)) break;
    }
}
