#include <string>

#include "base/json_object.hpp"
#include "stele/model_element.hpp"

namespace stele {
inline namespace v0 {
namespace {

using detail::JsonCodec;
using detail::JsonReader;
using detail::JsonWriter;

// What compilers make of the type's name differs.
constexpr std::string_view kElementName = "a model element";

void write_block(JsonWriter& out, const Content& content) {
    JsonCodec<Content>::write(out, content);
}

void write_block(JsonWriter& out, const Reasoning& reasoning) {
    out.begin_object();
    write_string(out, "type", "reasoning");
    out.member("content");
    JsonCodec<Content>::write(out, reasoning.content);
    write_object(out, "meta", reasoning.meta);
    out.end_object();
}

void write_block(JsonWriter& out, const ToolRequest& request) {
    out.begin_object();
    write_string(out, "type", "tool_request");
    write_string(out, "identifier", request.identifier);
    write_string(out, "tool", request.tool);
    write_object(out, "arguments", request.arguments);
    if (request.handling) {
        out.member("handling");
        JsonCodec<ToolHandling>::write(out, *request.handling);
    }
    write_object(out, "meta", request.meta);
    out.end_object();
}

void write_block(JsonWriter& out, const ToolResponse& response) {
    out.begin_object();
    write_string(out, "type", "tool_response");
    write_string(out, "identifier", response.identifier);
    write_string(out, "tool", response.tool);
    out.member("content");
    JsonCodec<Content>::write(out, response.content);
    out.member("handling");
    JsonCodec<ToolHandling>::write(out, response.handling);
    write_object(out, "meta", response.meta);
    out.end_object();
}

template <class Element>
void write_element(JsonWriter& out, std::string_view type, const Element& element) {
    out.begin_object();
    write_string(out, "type", type);
    if (element.identifier) {
        out.member("identifier");
        JsonCodec<Uuid>::write(out, *element.identifier);
    }
    out.member("blocks");
    out.begin_array();
    for (const auto& block : element.blocks) {
        std::visit([&out](const auto& each) { write_block(out, each); }, block);
    }
    out.end_array();
    write_object(out, "meta", element.meta);
    out.end_object();
}

Content read_content(const JsonReader& in) {
    const JsonReader content = require(in, "content");
    return JsonCodec<Content>::read(content);
}

std::optional<ToolHandling> read_handling(const JsonReader& in) {
    const auto handling = in.find("handling", "handling");
    if (!handling || handling->is_null()) return std::nullopt;
    return JsonCodec<ToolHandling>::read(*handling);
}

std::string read_string(const JsonReader& in, std::string_view name) {
    return require(in, name).string();
}

ToolResponse read_response(const JsonReader& in) {
    in.check_unknown(
        std::initializer_list<std::string_view>{"type", "identifier", "tool", "content", "handling", "meta"});
    return {read_string(in, "identifier"), read_string(in, "tool"), read_content(in),
            read_handling(in).value_or(ToolHandling::response), read_meta(in)};
}

ToolRequest read_request(const JsonReader& in) {
    in.check_unknown(
        std::initializer_list<std::string_view>{"type", "identifier", "tool", "arguments", "handling", "meta"});
    return {read_string(in, "identifier"), read_string(in, "tool"), read_object(require(in, "arguments")),
            read_handling(in), read_meta(in)};
}

Reasoning read_reasoning(const JsonReader& in) {
    in.check_unknown(std::initializer_list<std::string_view>{"type", "content", "meta"});
    return {read_content(in), read_meta(in)};
}

InputBlock read_input_block(const JsonReader& in) {
    const JsonReader type = require(in, "type");
    if (type.string() == "content") return JsonCodec<Content>::read(in);
    if (type.string() == "tool_response") return read_response(in);
    constexpr std::string_view kTypes[] = {"content", "tool_response"};
    type.refuse_choice(kTypes);
}

OutputBlock read_output_block(const JsonReader& in) {
    const JsonReader type = require(in, "type");
    if (type.string() == "content") return JsonCodec<Content>::read(in);
    if (type.string() == "reasoning") return read_reasoning(in);
    if (type.string() == "tool_request") return read_request(in);
    constexpr std::string_view kTypes[] = {"content", "reasoning", "tool_request"};
    type.refuse_choice(kTypes);
}

template <class Element, class ReadBlock>
Element read_element(const JsonReader& in, ReadBlock read_block) {
    in.check_unknown(std::initializer_list<std::string_view>{"type", "identifier", "blocks", "meta"});
    Element element;
    const JsonReader blocks = require(in, "blocks");
    const std::size_t size = blocks.array_size();
    element.blocks.reserve(size);
    for (std::size_t i = 0; i < size; ++i) {
        const JsonReader block = blocks.item(i);
        element.blocks.push_back(read_block(block));
    }
    element.meta = read_meta(in);
    if (const auto identifier = in.find("identifier", "identifier"); identifier && !identifier->is_null()) {
        element.identifier = identifier->uuid();
    }
    return element;
}

std::string element_schema(std::string_view type, std::string_view blocks) {
    return R"({"type":"object","properties":{"type":{"const":")" + std::string(type) +
           R"("},"identifier":{"type":"string","format":"uuid"},"blocks":{"type":"array","items":{"anyOf":[)" +
           std::string(blocks) + R"(]}},"meta":{"type":"object"}},"required":["type","blocks","meta"]})";
}

}  // namespace

namespace detail {

void JsonCodec<ModelElement>::write(JsonWriter& out, const ModelElement& element) {
    if (const auto* input = std::get_if<ModelInput>(&element)) {
        write_element(out, "model_input", *input);
    } else {
        write_element(out, "model_output", std::get<ModelOutput>(element));
    }
}

ModelElement JsonCodec<ModelElement>::read(const JsonReader& in) {
    const JsonReader type = require(in, "type");
    if (type.string() == "model_input") return read_element<ModelInput>(in, read_input_block);
    if (type.string() == "model_output") return read_element<ModelOutput>(in, read_output_block);
    constexpr std::string_view kTypes[] = {"model_input", "model_output"};
    type.refuse_choice(kTypes);
}

Json JsonCodec<ModelElement>::schema(JsonSchema& schema) {
    const std::string content = JsonCodec<Content>::schema(schema).text();
    const std::string rest = R"("meta":{"type":"object"}},"required":["type"]})";
    const std::string call = R"("identifier":{"type":"string"},"tool":{"type":"string"},)";
    const std::string response = R"({"type":"object","properties":{"type":{"const":"tool_response"},)" + call +
                                 R"("content":)" + content + "," + rest;
    const std::string reasoning =
        R"({"type":"object","properties":{"type":{"const":"reasoning"},"content":)" + content + "," + rest;
    const std::string request = R"({"type":"object","properties":{"type":{"const":"tool_request"},)" + call +
                                R"("arguments":{"type":"object"},)" + rest;
    return Json::trusted(R"({"anyOf":[)" + element_schema("model_input", content + "," + response) + "," +
                         element_schema("model_output", content + "," + reasoning + "," + request) + "]}");
}

}  // namespace detail

template <>
Json to_json<ModelElement>(const ModelElement& element) {
    detail::JsonWriter out(kElementName);
    JsonCodec<ModelElement>::write(out, element);
    return out.take();
}

template <>
ModelElement from_json<ModelElement>(const Json& json, const FromJsonOptions& options) {
    const detail::JsonDocument document(json, kElementName, options);
    return JsonCodec<ModelElement>::read(document.root());
}

}  // namespace v0
}  // namespace stele
