// Short words for elements and turns.
#pragma once

#include <string>
#include <vector>

#include "stele/conversation_turn.hpp"
#include "stele/model_element.hpp"

namespace stele::test {

inline ModelElement in(const std::string& text) {
    return ModelInput(Content(text));
}
inline ModelElement out(const std::string& text) {
    return ModelOutput(Content(text));
}
inline ModelElement ask(const std::string& identifier) {
    return ModelOutput(ToolRequest{identifier, "tool"});
}
inline ModelElement answer(const std::string& identifier) {
    return ModelInput(ToolResponse{identifier, "tool", "result of " + identifier});
}
/// An input that holds an answer and a text.
inline ModelElement answer_and(const std::string& identifier, const std::string& text) {
    ModelInput input(ToolResponse{identifier, "tool", "result of " + identifier});
    input.blocks.emplace_back(Content(text));
    return input;
}

/// Of inputs, and of turns of users, that hold a text each.
inline std::vector<std::string> texts_of(const std::vector<ModelElement>& elements) {
    std::vector<std::string> all;
    for (const ModelElement& element : elements) {
        all.push_back(std::get<Content>(std::get<ModelInput>(element).blocks.at(0)).text());
    }
    return all;
}
inline std::vector<std::string> texts_of(const std::vector<ConversationTurn>& turns) {
    std::vector<std::string> all;
    for (const ConversationTurn& turn : turns) all.push_back(std::get<UserTurn>(turn).content.at(0).text());
    return all;
}

}  // namespace stele::test
