// Turns of a conversation: what the user said, and what the assistant did until it was the user's turn again.
//
//     stele::UserTurn question("What is the weather in Rome?");
//     stele::AssistantTurn reply;
//     reply.add(stele::ToolRequest{"call-1", "weather", stele::Json::parse(R"({"city":"Rome"})")});
//     reply.add(stele::ToolResponse{"call-1", "weather", "sunny"});
//     reply.add("It is sunny in Rome.");
//
// A whole loop of tool calls is one turn, so a window of turns never parts a request from its response.
//
// In JSON (of draive from 0.100 on) a turn is {"identifier", "created", "turn", "content", "meta"}, where `turn` is
// "user" or "assistant", and `content` is an array of
//
// Content            {"type": "content", "parts": [...]}, see stele/content.hpp; a user's turn has nothing else
// Reasoning          {"reasoning": content, "meta"}
// ConversationEvent  {"event", "created", "content", "meta"}, where `content` is null or an artifact; of a tool request
//                    it holds {"identifier", "tool", "arguments", "handling", "meta"}, of a response {"identifier",
//                    "tool", "status", "content", "meta"}, status "success" or "error"
//
// A turn or event without a time is written without `created`.
#pragma once

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
#include "stele/model_element.hpp"
#include "stele/timestamp.hpp"
#include "stele/uuid.hpp"

namespace stele {
inline namespace v0 {

// All of these are value types, thread-safe to read. Nothing is checked before to_json. They are equal when their
// values are, JSON as same_value compares it.

/// Something that happened in a turn. Only tool requests and responses become part of a model's context.
struct STELE_API ConversationEvent {
    std::string event;  ///< "tool_request", "tool_response", "tool_event" or a word of the application's
    std::optional<Timestamp> created = {};
    std::optional<ArtifactContent> content = {};
    Json meta = Json::object();

    ConversationEvent() = default;
    explicit ConversationEvent(std::string name, std::optional<ArtifactContent> about = {})
        : event(std::move(name)), content(std::move(about)) {}
    /// Throw Error(invalid_argument) for what JSON cannot hold. A response's handling is kept as error or success.
    ConversationEvent(const ToolRequest& request);
    ConversationEvent(const ToolResponse& response);

    /// What it holds, if it is of that kind; Error(invalid_argument) with the path when that cannot be read.
    std::optional<ToolRequest> tool_request() const;
    std::optional<ToolResponse> tool_response() const;

    friend STELE_API bool operator==(const ConversationEvent& a, const ConversationEvent& b);
};

struct STELE_API UserTurn {
    Uuid identifier = Uuid::v7();           ///< remembering a turn twice stores it once
    std::optional<Timestamp> created = {};  ///< none: when it is stored, by the server. Set it for turns of the past
    std::vector<Content> content = {};
    Json meta = Json::object();

    UserTurn() = default;
    UserTurn(Content said) { content.push_back(std::move(said)); }
    UserTurn(const char* said) : UserTurn(Content(said)) {}

    friend STELE_API bool operator==(const UserTurn& a, const UserTurn& b);
};

using AssistantPart = std::variant<Content, Reasoning, ConversationEvent>;

struct STELE_API AssistantTurn {
    Uuid identifier = Uuid::v7();           ///< remembering a turn twice stores it once
    std::optional<Timestamp> created = {};  ///< none: when it is stored, by the server. Set it for turns of the past
    std::vector<AssistantPart> content = {};
    Json meta = Json::object();

    AssistantTurn() = default;
    AssistantTurn(Content said) { add(std::move(said)); }
    AssistantTurn(const char* said) : AssistantTurn(Content(said)) {}

    AssistantTurn& add(Content said) { return put(std::move(said)); }
    AssistantTurn& add(const char* said) { return put(Content(said)); }
    AssistantTurn& add(Reasoning thought) { return put(std::move(thought)); }
    AssistantTurn& add(ConversationEvent event) { return put(std::move(event)); }
    AssistantTurn& add(const ToolRequest& request) { return put(ConversationEvent(request)); }
    AssistantTurn& add(const ToolResponse& response) { return put(ConversationEvent(response)); }

    friend STELE_API bool operator==(const AssistantTurn& a, const AssistantTurn& b);

private:
    AssistantTurn& put(AssistantPart part) {
        content.push_back(std::move(part));
        return *this;
    }
};

using ConversationTurn = std::variant<UserTurn, AssistantTurn>;

/// As a model is told of it. A user's turn is one input. Of an assistant's, responses of tools gather in inputs, and
/// content, reasoning and requests in outputs, in their order; other events are left out. Each has the turn's meta.
/// Error(invalid_argument) for an event whose request or response cannot be read.
STELE_API std::vector<ModelElement> to_elements(const ConversationTurn& turn);

/// Throws Error(invalid_argument) with the path of what JSON or PostgreSQL cannot hold.
template <>
STELE_API Json to_json<ConversationTurn>(const ConversationTurn& turn);
/// Throws Error(invalid_argument) with the path of the first fault.
template <>
STELE_API ConversationTurn from_json<ConversationTurn>(const Json& json, const FromJsonOptions& options);

}  // namespace v0
}  // namespace stele
