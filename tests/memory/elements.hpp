// Short words for elements.
#pragma once

#include <string>

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

}  // namespace stele::test
