#include <string>

#include "base/base64.hpp"
#include "base/json_object.hpp"
#include "stele/content.hpp"

namespace stele {
inline namespace v0 {
namespace {

using detail::JsonReader;
using detail::JsonWriter;

// What compilers make of the type's name differs.
constexpr std::string_view kContentName = "content";

void write_keys(JsonWriter& out, const TextContent& part) {
    write_string(out, "text", part.text);
    write_object(out, "meta", part.meta);
}

void write_keys(JsonWriter& out, const ResourceReference& part) {
    write_string(out, "uri", part.uri);
    out.member("mime_type");
    part.mime_type ? out.string(*part.mime_type) : out.null();
    write_object(out, "meta", part.meta);
}

void write_keys(JsonWriter& out, const ResourceContent& part) {
    write_string(out, "data", to_base64(part.data));
    write_string(out, "mime_type", part.mime_type);
    write_object(out, "meta", part.meta);
}

void write_keys(JsonWriter& out, const ArtifactContent& part) {
    write_string(out, "category", part.category);
    write_object(out, "artifact", part.artifact);
    out.member("hidden");
    out.boolean(part.hidden);
    write_object(out, "meta", part.meta);
}

std::vector<std::byte> read_data(const JsonReader& in) {
    auto data = from_base64(in.string());
    if (!data) in.refuse("is not base64");
    return *std::move(data);
}

void check_unknown(const JsonReader& part, std::initializer_list<std::string_view> known) {
    part.check_unknown(known);
}

ContentPart read_part(const JsonReader& in) {
    if (const auto text = in.find("text", "text")) {
        check_unknown(in, {"text", "meta"});
        return TextContent{text->string(), read_meta(in)};
    }
    const auto mime_type = in.find("mime_type", "mime_type");
    if (const auto uri = in.find("uri", "uri")) {
        check_unknown(in, {"uri", "mime_type", "meta"});
        ResourceReference part{uri->string(), {}, read_meta(in)};
        if (mime_type && !mime_type->is_null()) part.mime_type = mime_type->string();
        return part;
    }
    const auto data = in.find("data", "data");
    if (data && mime_type) {
        check_unknown(in, {"data", "mime_type", "meta"});
        return ResourceContent{read_data(*data), mime_type->string(), read_meta(in)};
    }
    if (in.find("category", "category") && in.find("artifact", "artifact")) {
        return detail::JsonCodec<ArtifactContent>::read(in);
    }
    in.refuse("is no part: it has neither text, nor uri, nor data and mime_type, nor category and artifact");
}

constexpr std::string_view kSchema =
    R"({"type":"object","properties":{"type":{"const":"content"},"parts":{"type":"array","items":{"anyOf":[)"
    R"({"type":"object","properties":{"text":{"type":"string"},"meta":{"type":"object"}},"required":["text","meta"]},)"
    R"({"type":"object","properties":{"uri":{"type":"string"},"mime_type":{"type":["string","null"]},)"
    R"("meta":{"type":"object"}},"required":["uri","mime_type","meta"]},)"
    R"({"type":"object","properties":{"data":{"type":"string","contentEncoding":"base64"},)"
    R"("mime_type":{"type":"string"},"meta":{"type":"object"}},"required":["data","mime_type","meta"]},)"
    R"({"type":"object","properties":{"category":{"type":"string"},"artifact":{"type":"object"},)"
    R"("hidden":{"type":"boolean"},"meta":{"type":"object"}},"required":["category","artifact","hidden","meta"]})"
    R"(]}}},"required":["type","parts"]})";

}  // namespace

namespace detail {

void JsonCodec<Content>::write(JsonWriter& out, const Content& content) {
    out.begin_object();
    write_string(out, "type", "content");
    out.member("parts");
    out.begin_array();
    for (const ContentPart& part : content.parts()) {
        out.begin_object();
        std::visit([&](const auto& each) { write_keys(out, each); }, part);
        out.end_object();
    }
    out.end_array();
    out.end_object();
}

void JsonCodec<ArtifactContent>::write(JsonWriter& out, const ArtifactContent& artifact) {
    out.begin_object();
    write_keys(out, artifact);
    out.end_object();
}

ArtifactContent JsonCodec<ArtifactContent>::read(const JsonReader& in) {
    check_unknown(in, {"category", "artifact", "hidden", "meta"});
    const JsonReader category = require(in, "category");
    const JsonReader artifact = require(in, "artifact");
    const auto hidden = in.find("hidden", "hidden");
    return {category.string(), read_object(artifact), hidden && hidden->boolean(), read_meta(in)};
}

Content JsonCodec<Content>::read(const JsonReader& in) {
    check_unknown(in, {"type", "parts"});
    if (const auto type = in.find("type", "type"); type && type->string() != "content") {
        constexpr std::string_view kTypes[] = {"content"};
        type->refuse_choice(kTypes);
    }
    const auto parts = in.find("parts", "parts");
    if (!parts) {
        in.require_default("parts");
        return {};
    }
    std::vector<ContentPart> read;
    const std::size_t size = parts->array_size();
    read.reserve(size);
    for (std::size_t i = 0; i < size; ++i) read.push_back(read_part(parts->item(i)));
    return Content::of_parts(std::move(read));
}

Json JsonCodec<Content>::schema(JsonSchema&) {
    return Json::trusted(std::string(kSchema));
}

}  // namespace detail

template <>
Json to_json<Content>(const Content& content) {
    detail::JsonWriter out(kContentName);
    detail::JsonCodec<Content>::write(out, content);
    return out.take();
}

template <>
Content from_json<Content>(const Json& json, const FromJsonOptions& options) {
    const detail::JsonDocument document(json, kContentName, options);
    return detail::JsonCodec<Content>::read(document.root());
}

}  // namespace v0
}  // namespace stele
