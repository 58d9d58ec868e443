#include <string>

#include "base/json_object.hpp"
#include "stele/conversation_turn.hpp"

namespace stele {
inline namespace v0 {
namespace {

using detail::JsonCodec;
using detail::JsonReader;
using detail::JsonWriter;

constexpr std::string_view kTurnName = "a turn";

void write_created(JsonWriter& out, const std::optional<Timestamp>& created) {
    if (!created) return;
    out.member("created");
    out.timestamp(*created);
}

void write_part(JsonWriter& out, const Content& content) {
    JsonCodec<Content>::write(out, content);
}

void write_part(JsonWriter& out, const Reasoning& reasoning) {
    out.begin_object();
    out.member("reasoning");
    JsonCodec<Content>::write(out, reasoning.content);
    write_object(out, "meta", reasoning.meta);
    out.end_object();
}

void write_part(JsonWriter& out, const ConversationEvent& event) {
    out.begin_object();
    write_string(out, "event", event.event);
    write_created(out, event.created);
    out.member("content");
    event.content ? JsonCodec<ArtifactContent>::write(out, *event.content) : out.null();
    write_object(out, "meta", event.meta);
    out.end_object();
}

void write_part(JsonWriter& out, const AssistantPart& part) {
    std::visit([&out](const auto& each) { write_part(out, each); }, part);
}

template <class Turn>
void write_turn(JsonWriter& out, std::string_view kind, const Turn& turn) {
    out.begin_object();
    write_string(out, "identifier", turn.identifier.to_string());
    write_created(out, turn.created);
    write_string(out, "turn", kind);
    out.member("content");
    out.begin_array();
    for (const auto& part : turn.content) write_part(out, part);
    out.end_array();
    write_object(out, "meta", turn.meta);
    out.end_object();
}

std::optional<Timestamp> read_created(const JsonReader& in) {
    const auto created = in.find("created", "created");
    return !created || created->is_null() ? std::nullopt : std::optional(created->timestamp());
}

ConversationEvent read_event(const JsonReader& in, const JsonReader& name) {
    in.check_unknown(std::initializer_list<std::string_view>{"event", "created", "content", "meta"});
    ConversationEvent event(name.string());
    event.created = read_created(in);
    if (const auto content = in.find("content", "content"); content && !content->is_null()) {
        event.content = JsonCodec<ArtifactContent>::read(*content);
    }
    event.meta = read_meta(in);
    return event;
}

// Parts carry no tag: their keys tell.
AssistantPart read_assistant_part(const JsonReader& in) {
    if (in.find("parts", "parts")) return JsonCodec<Content>::read(in);
    if (const auto reasoning = in.find("reasoning", "reasoning")) {
        in.check_unknown(std::initializer_list<std::string_view>{"reasoning", "meta"});
        return Reasoning{JsonCodec<Content>::read(*reasoning), read_meta(in)};
    }
    if (const auto event = in.find("event", "event")) return read_event(in, *event);
    in.refuse("is no part of a turn: it has neither parts, nor reasoning, nor event");
}

template <class Turn, class ReadPart>
Turn read_turn(const JsonReader& in, ReadPart read_part) {
    in.check_unknown(std::initializer_list<std::string_view>{"identifier", "created", "turn", "content", "meta"});
    Turn turn;
    turn.identifier = require(in, "identifier").uuid();
    turn.created = read_created(in);
    const JsonReader content = require(in, "content");
    const std::size_t size = content.array_size();
    turn.content.reserve(size);
    for (std::size_t i = 0; i < size; ++i) {
        const JsonReader part = content.item(i);
        turn.content.push_back(read_part(part));
    }
    turn.meta = read_meta(in);
    return turn;
}

}  // namespace

template <>
Json to_json<ConversationTurn>(const ConversationTurn& turn) {
    JsonWriter out(kTurnName);
    if (const auto* user = std::get_if<UserTurn>(&turn)) {
        write_turn(out, "user", *user);
    } else {
        write_turn(out, "assistant", std::get<AssistantTurn>(turn));
    }
    return out.take();
}

template <>
ConversationTurn from_json<ConversationTurn>(const Json& json, const FromJsonOptions& options) {
    const detail::JsonDocument document(json, kTurnName, options);
    const JsonReader in = document.root();
    const JsonReader kind = require(in, "turn");
    if (kind.string() == "user") return read_turn<UserTurn>(in, JsonCodec<Content>::read);
    if (kind.string() == "assistant") return read_turn<AssistantTurn>(in, read_assistant_part);
    constexpr std::string_view kKinds[] = {"user", "assistant"};
    kind.refuse_choice(kKinds);
}

}  // namespace v0
}  // namespace stele
