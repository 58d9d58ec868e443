#include "stele/conversation_turn.hpp"

#include <utility>

#include "base/json_object.hpp"

namespace stele {
inline namespace v0 {
namespace {

using detail::JsonCodec;
using detail::JsonReader;
using detail::JsonWriter;

// draive's names of what an event holds
constexpr char kRequestType[] = "ModelToolRequest", kResponseType[] = "ModelToolResponse";
constexpr char kRequest[] = "tool_request", kResponse[] = "tool_response";

Json request_json(const ToolRequest& request) {
    JsonWriter out("a tool request");
    out.begin_object();
    write_string(out, "identifier", request.identifier);
    write_string(out, "tool", request.tool);
    write_object(out, "arguments", request.arguments);
    out.member("handling");
    JsonCodec<std::optional<ToolHandling>>::write(out, request.handling);
    write_object(out, "meta", request.meta);
    out.end_object();
    return out.take();
}

Json response_json(const ToolResponse& response) {
    JsonWriter out("a tool response");
    out.begin_object();
    write_string(out, "identifier", response.identifier);
    write_string(out, "tool", response.tool);
    write_string(out, "status", response.handling == ToolHandling::error ? "error" : "success");
    out.member("content");
    JsonCodec<Content>::write(out, response.content);
    write_object(out, "meta", response.meta);
    out.end_object();
    return out.take();
}

std::string read_string(const JsonReader& in, std::string_view name) {
    return require(in, name).string();
}

ToolHandling read_status(const JsonReader& in) {
    const auto status = in.find("status", "status");
    if (!status || status->is_null() || status->string() == "success") return ToolHandling::response;
    if (status->string() == "error") return ToolHandling::error;
    constexpr std::string_view kStatuses[] = {"success", "error"};
    status->refuse_choice(kStatuses);
}

bool is_of(const ConversationEvent& event, std::string_view name) {
    return event.event == name && event.content;
}

/// Gathers blocks into inputs and outputs, one at a time.
class Context {
public:
    explicit Context(const Json& meta) : meta_(meta) {}

    void say(OutputBlock block) {
        flush(inputs_);
        outputs_.blocks.push_back(std::move(block));
    }
    void tell(InputBlock block) {
        flush(outputs_);
        inputs_.blocks.push_back(std::move(block));
    }
    std::vector<ModelElement> finish() {
        flush(inputs_);
        flush(outputs_);
        return std::move(elements_);
    }

private:
    template <class Element>
    void flush(Element& element) {
        if (element.blocks.empty()) return;
        element.meta = meta_;
        elements_.push_back(std::exchange(element, {}));
    }

    const Json& meta_;
    ModelInput inputs_;
    ModelOutput outputs_;
    std::vector<ModelElement> elements_;
};

std::vector<ModelElement> elements_of(const UserTurn& turn) {
    return {ModelInput(std::vector<InputBlock>(turn.content.begin(), turn.content.end()), turn.meta)};
}

std::vector<ModelElement> elements_of(const AssistantTurn& turn) {
    Context context(turn.meta);
    for (const AssistantPart& part : turn.content) {
        if (const auto* content = std::get_if<Content>(&part)) {
            context.say(*content);
        } else if (const auto* reasoning = std::get_if<Reasoning>(&part)) {
            context.say(*reasoning);
        } else {
            const auto& event = std::get<ConversationEvent>(part);
            if (auto request = event.tool_request()) context.say(*std::move(request));
            if (auto response = event.tool_response()) context.tell(*std::move(response));
        }
    }
    return context.finish();
}

}  // namespace

ConversationEvent::ConversationEvent(const ToolRequest& request)
    : event(kRequest), content(ArtifactContent{kRequestType, request_json(request)}) {}

ConversationEvent::ConversationEvent(const ToolResponse& response)
    : event(kResponse), content(ArtifactContent{kResponseType, response_json(response)}) {}

std::optional<ToolRequest> ConversationEvent::tool_request() const {
    if (!is_of(*this, kRequest)) return std::nullopt;
    const FromJsonOptions options;
    const detail::JsonDocument document(content->artifact, "a tool request", options);
    const JsonReader in = document.root();
    ToolRequest request{read_string(in, "identifier"),
                        read_string(in, "tool"),
                        read_object(require(in, "arguments")),
                        {},
                        read_meta(in)};
    if (const auto handling = in.find("handling", "handling")) {
        request.handling = JsonCodec<std::optional<ToolHandling>>::read(*handling);
    }
    return request;
}

std::optional<ToolResponse> ConversationEvent::tool_response() const {
    if (!is_of(*this, kResponse)) return std::nullopt;
    const FromJsonOptions options;
    const detail::JsonDocument document(content->artifact, "a tool response", options);
    const JsonReader in = document.root();
    const JsonReader result = require(in, "content");
    return ToolResponse{read_string(in, "identifier"), read_string(in, "tool"), JsonCodec<Content>::read(result),
                        read_status(in), read_meta(in)};
}

bool operator==(const ConversationEvent& a, const ConversationEvent& b) {
    return a.event == b.event && a.created == b.created && a.content == b.content && same_value(a.meta, b.meta);
}

bool operator==(const UserTurn& a, const UserTurn& b) {
    return a.identifier == b.identifier && a.created == b.created && a.content == b.content &&
           same_value(a.meta, b.meta);
}

bool operator==(const AssistantTurn& a, const AssistantTurn& b) {
    return a.identifier == b.identifier && a.created == b.created && a.content == b.content &&
           same_value(a.meta, b.meta);
}

std::vector<ModelElement> to_elements(const ConversationTurn& turn) {
    return std::visit([](const auto& each) { return elements_of(each); }, turn);
}

}  // namespace v0
}  // namespace stele
