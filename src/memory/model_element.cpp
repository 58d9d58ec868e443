#include "stele/model_element.hpp"

#include <algorithm>

namespace stele::inline v0 {

bool operator==(const ToolRequest& a, const ToolRequest& b) {
    return a.identifier == b.identifier && a.tool == b.tool && a.handling == b.handling &&
           same_value(a.arguments, b.arguments) && same_value(a.meta, b.meta);
}

bool operator==(const ToolResponse& a, const ToolResponse& b) {
    return a.identifier == b.identifier && a.tool == b.tool && a.handling == b.handling && a.content == b.content &&
           same_value(a.meta, b.meta);
}

bool operator==(const Reasoning& a, const Reasoning& b) {
    return a.content == b.content && same_value(a.meta, b.meta);
}

bool operator==(const ModelInput& a, const ModelInput& b) {
    return a.blocks == b.blocks && a.identifier == b.identifier && same_value(a.meta, b.meta);
}

bool operator==(const ModelOutput& a, const ModelOutput& b) {
    return a.blocks == b.blocks && a.identifier == b.identifier && same_value(a.meta, b.meta);
}

bool ModelInput::has_tool_response() const noexcept {
    return std::any_of(blocks.begin(), blocks.end(),
                       [](const InputBlock& block) { return std::holds_alternative<ToolResponse>(block); });
}

bool ModelOutput::has_tool_request() const noexcept {
    return std::any_of(blocks.begin(), blocks.end(),
                       [](const OutputBlock& block) { return std::holds_alternative<ToolRequest>(block); });
}

}  // namespace stele::inline v0
