// What a language model was told and what it said: the elements of its context.
//
//     stele::ModelInput question("What is the weather in Rome?");
//     stele::ModelOutput call(stele::ToolRequest{"call-1", "weather", stele::Json::parse(R"({"city":"Rome"})")});
//     stele::ModelInput result(stele::ToolResponse{"call-1", "weather", "sunny"});
//     const stele::Json json = stele::to_json(stele::ModelElement(question));
//
// In JSON (of draive up to 0.99, which reads and writes the same tables) an element says what it is:
//
// ModelInput     {"type": "model_input", "blocks": [content or tool response, ...], "meta"}
// ModelOutput    {"type": "model_output", "blocks": [content, reasoning or tool request, ...], "meta"}
//
// and so does each block:
//
// Content        {"type": "content", "parts": [...]}, see stele/content.hpp
// Reasoning      {"type": "reasoning", "content", "meta"}
// ToolRequest    {"type": "tool_request", "identifier", "tool", "arguments", "meta"}, arguments an object
// ToolResponse   {"type": "tool_response", "identifier", "tool", "content", "handling", "meta"}
//
// with `identifier`, a UUID, in an element that has one and `handling` in a tool request that has one. Readers take a
// missing or null meta for the empty one, a missing handling for `response`, and ignore keys that are none of these,
// unless FromJsonOptions refuse them. Any other type is an error that names those there are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "stele/content.hpp"
#include "stele/describe_json.hpp"
#include "stele/export.hpp"
#include "stele/json.hpp"
#include "stele/uuid.hpp"

namespace stele {
inline namespace v0 {

// All of these are value types, thread-safe to read. Nothing is checked before to_json. They are equal when their
// values are, JSON as same_value compares it. Each meta is a JSON object of whatever the application notes.

/// What became of a tool's result, or is to: draive's own words.
enum class ToolHandling : std::uint8_t {
    response,          ///< it goes back to the model
    error,             ///< the same, and the tool failed
    output,            ///< it is the answer, without the model
    output_extension,  ///< it is added to the answer (draive up to 0.99)
    output_stream,     ///< it is streamed as the answer (draive from 0.100, of requests)
    detached,          ///< nobody waits for it (draive up to 0.99)
};
STELE_DESCRIBE_ENUM(ToolHandling, (response), (error), (output), (output_extension), (output_stream), (detached))

/// The model asks for a tool. `identifier` is the model's, and ties the response to it.
struct STELE_API ToolRequest {
    std::string identifier;
    std::string tool;
    Json arguments = Json::object();
    std::optional<ToolHandling> handling = {};  ///< draive from 0.100 on
    Json meta = Json::object();

    friend STELE_API bool operator==(const ToolRequest& a, const ToolRequest& b);
};

/// What the tool gave.
struct STELE_API ToolResponse {
    std::string identifier;  ///< of the request
    std::string tool;
    Content content;
    ToolHandling handling = ToolHandling::response;
    Json meta = Json::object();

    friend STELE_API bool operator==(const ToolResponse& a, const ToolResponse& b);
};

/// What the model thought.
struct STELE_API Reasoning {
    Content content;
    Json meta = Json::object();

    friend STELE_API bool operator==(const Reasoning& a, const Reasoning& b);
};

using InputBlock = std::variant<Content, ToolResponse>;
using OutputBlock = std::variant<Content, Reasoning, ToolRequest>;

/// What the model was told.
struct STELE_API ModelInput {
    std::vector<InputBlock> blocks;
    Json meta = Json::object();
    std::optional<Uuid> identifier = {};  ///< of this element: remembered again, it replaces what it was

    ModelInput() = default;
    ModelInput(Content content) { blocks.emplace_back(std::move(content)); }
    ModelInput(const char* text) : ModelInput(Content(text)) {}
    ModelInput(ToolResponse response) { blocks.emplace_back(std::move(response)); }
    explicit ModelInput(std::vector<InputBlock> all, Json about = Json::object())
        : blocks(std::move(all)), meta(std::move(about)) {}

    bool has_tool_response() const noexcept;
    friend STELE_API bool operator==(const ModelInput& a, const ModelInput& b);
};

/// What the model said.
struct STELE_API ModelOutput {
    std::vector<OutputBlock> blocks;
    Json meta = Json::object();
    std::optional<Uuid> identifier = {};  ///< of this element: remembered again, it replaces what it was

    ModelOutput() = default;
    ModelOutput(Content content) { blocks.emplace_back(std::move(content)); }
    ModelOutput(const char* text) : ModelOutput(Content(text)) {}
    ModelOutput(ToolRequest request) { blocks.emplace_back(std::move(request)); }
    explicit ModelOutput(std::vector<OutputBlock> all, Json about = Json::object())
        : blocks(std::move(all)), meta(std::move(about)) {}

    bool has_tool_request() const noexcept;
    friend STELE_API bool operator==(const ModelOutput& a, const ModelOutput& b);
};

using ModelElement = std::variant<ModelInput, ModelOutput>;

/// Throws Error(invalid_argument) with the path of what JSON or PostgreSQL cannot hold: "cannot write a model element
/// as JSON: blocks[1].arguments is an array where an object is expected".
template <>
STELE_API Json to_json<ModelElement>(const ModelElement& element);
/// Throws Error(invalid_argument) with the path of the first fault: "cannot read a model element: type is \"x\" ...".
template <>
STELE_API ModelElement from_json<ModelElement>(const Json& json, const FromJsonOptions& options);

namespace detail {
template <>
struct STELE_API JsonCodec<ModelElement> {
    static void write(JsonWriter& out, const ModelElement& element);
    static ModelElement read(const JsonReader& in);
    static Json schema(JsonSchema& schema);
};
}  // namespace detail

}  // namespace v0
}  // namespace stele
