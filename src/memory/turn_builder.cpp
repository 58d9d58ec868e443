#include "memory/turn_builder.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace stele {
namespace {

/// Version 8 of RFC 9562: what is in it is ours to say.
Uuid turn_identifier(const std::string& thread, std::size_t number) {
    const Digest digest = sha256("stele imported turn\n" + thread + '\n' + std::to_string(number));
    Uuid identifier;
    for (std::size_t i = 0; i < identifier.bytes.size(); ++i) {
        identifier.bytes[i] = std::to_integer<std::uint8_t>(digest[i]);
    }
    identifier.bytes[6] = static_cast<std::uint8_t>(0x80 | (identifier.bytes[6] & 0x0F));
    identifier.bytes[8] = static_cast<std::uint8_t>(0x80 | (identifier.bytes[8] & 0x3F));
    return identifier;
}

ConversationEvent at(ConversationEvent event, Timestamp created) {
    event.created = created;
    return event;
}

}  // namespace

void TurnBuilder::add(const ModelElement& element, Timestamp created) {
    std::visit([&](const auto& each) { add(each, created); }, element);
}

std::vector<ConversationTurn> TurnBuilder::finish() {
    close();
    return std::move(turns_);
}

void TurnBuilder::add(const ModelInput& input, Timestamp created) {
    std::vector<Content> said;
    for (const InputBlock& block : input.blocks) {
        if (const auto* response = std::get_if<ToolResponse>(&block)) {
            assistant(input.meta, created).add(at(*response, created));
        } else {
            said.push_back(std::get<Content>(block));
        }
    }
    if (said.empty() && !input.blocks.empty()) return;
    close();
    UserTurn turn;
    begin(turn, input.meta, created);
    turn.content = std::move(said);
    turns_.emplace_back(std::move(turn));
}

void TurnBuilder::add(const ModelOutput& output, Timestamp created) {
    AssistantTurn& turn = assistant(output.meta, created);
    for (const OutputBlock& block : output.blocks) {
        if (const auto* request = std::get_if<ToolRequest>(&block)) {
            turn.add(at(*request, created));
        } else if (const auto* reasoning = std::get_if<Reasoning>(&block)) {
            turn.add(*reasoning);
        } else {
            turn.add(std::get<Content>(block));
        }
    }
}

AssistantTurn& TurnBuilder::assistant(const Json& meta, Timestamp created) {
    if (!open_) begin(open_.emplace(), meta, created);
    return *open_;
}

void TurnBuilder::close() {
    if (open_) turns_.emplace_back(*std::move(open_));
    open_.reset();
}

template <class Turn>
void TurnBuilder::begin(Turn& turn, const Json& meta, Timestamp created) {
    if (last_) created = std::max(created, *last_ + std::chrono::microseconds(1));
    last_ = created;
    turn.identifier = turn_identifier(thread_, turns_.size());
    turn.created = created;
    turn.meta = meta;
}

}  // namespace stele
