// Multimodal content: what a template renders to, and what is said in a conversation.
//
//     stele::Content question = "What is on this picture? ";
//     question.append(stele::ResourceContent{.data = png, .mime_type = "image/png"});
//     const stele::Json json = stele::to_json(question);
//
// A value of parts, in order. In JSON (of draive, which reads and writes the same tables) it is
// {"type": "content", "parts": [...]}, and each part is an object that only its keys tell from another:
//
// text                a TextContent         {"text", "meta"}
// resource reference  a ResourceReference   {"uri", "mime_type", "meta"}, mime_type a string or null
// resource content    a ResourceContent     {"data", "mime_type", "meta"}, data in base64
// artifact            an ArtifactContent    {"category", "artifact", "hidden", "meta"}, artifact an object
//
// A reader takes the first of these four that it finds the keys of: text; uri; data and mime_type; category and
// artifact. It accepts parts without meta or with null for it (then it is empty), without mime_type in a reference
// (null), without hidden (false), and a container without its type. Base64 is read in the standard and the URL-safe
// alphabet, padded or not; it is written in the standard one, padded. Keys that are none of these are ignored, or
// refused if FromJsonOptions say so.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "stele/describe_json.hpp"
#include "stele/export.hpp"
#include "stele/json.hpp"

namespace stele {
inline namespace v0 {

// Each part has a meta: a JSON object of whatever the application notes about the part. Parts are equal when their
// values are: JSON as same_value compares it, data byte for byte.

struct STELE_API TextContent {
    std::string text;
    Json meta = Json::object();

    friend STELE_API bool operator==(const TextContent& a, const TextContent& b);
};

/// Something kept elsewhere.
struct STELE_API ResourceReference {
    std::string uri;
    std::optional<std::string> mime_type = {};
    Json meta = Json::object();

    /// With the meta that draive gives one: the keys name and description, null where there is none.
    static ResourceReference of(std::string uri, std::optional<std::string> mime_type = {},
                                const std::optional<std::string>& name = {},
                                const std::optional<std::string>& description = {});

    friend STELE_API bool operator==(const ResourceReference& a, const ResourceReference& b);
};

/// Something that is here: an image, a sound.
struct STELE_API ResourceContent {
    std::vector<std::byte> data;
    std::string mime_type = "application/octet-stream";
    Json meta = Json::object();

    friend STELE_API bool operator==(const ResourceContent& a, const ResourceContent& b);
};

/// A value of the application's. A hidden one is kept and not shown: text() leaves it out.
struct STELE_API ArtifactContent {
    std::string category;
    Json artifact = Json::object();
    bool hidden = false;
    Json meta = Json::object();

    friend STELE_API bool operator==(const ArtifactContent& a, const ArtifactContent& b);
};

using ContentPart = std::variant<TextContent, ResourceReference, ResourceContent, ArtifactContent>;

/// A sequence of parts. A value type; thread-safe to read. Nothing is checked before to_json.
class STELE_API Content {
public:
    Content() = default;
    Content(std::string text);
    Content(std::string_view text) : Content(std::string(text)) {}
    Content(const char* text) : Content(std::string(text)) {}
    Content(std::nullptr_t) = delete;
    Content(ContentPart part);
    Content(TextContent part) : Content(ContentPart(std::move(part))) {}
    Content(ResourceReference part) : Content(ContentPart(std::move(part))) {}
    Content(ResourceContent part) : Content(ContentPart(std::move(part))) {}
    Content(ArtifactContent part) : Content(ContentPart(std::move(part))) {}
    /// Exactly these, without merging any: what from_json makes of stored content.
    static Content of_parts(std::vector<ContentPart> parts);

    /// Adds the parts of `other` at the end. A text that follows a text with equal meta is added to it; plain strings
    /// have the empty meta. An empty text without meta adds nothing.
    Content& append(const Content& other) &;
    Content& append(Content&& other) &;
    Content&& append(Content other) &&;

    const std::vector<ContentPart>& parts() const& noexcept { return parts_; }
    std::vector<ContentPart> parts() && noexcept { return std::move(parts_); }
    /// Has no parts.
    bool empty() const noexcept { return parts_.empty(); }

    /// For those who can only read text, one after the other: texts as they are; resource content as "![image]()",
    /// "![audio]()", "![video]()" or, for any other mime type, "![]()", never its data; a reference as its JSON and an
    /// artifact as its value's JSON, both indented by two; a hidden artifact as nothing. (So does draive from 0.100 on;
    /// before, it wrote artifacts as Python does.) Throws Error(invalid_argument) when JSON of a part is none.
    std::string text() const;

    friend bool operator==(const Content&, const Content&) = default;

private:
    void append_part(ContentPart part);

    std::vector<ContentPart> parts_;
};

/// Throws Error(invalid_argument) with the path of what JSON or PostgreSQL cannot hold: "cannot write content as JSON:
/// parts[1].text has a NUL (U+0000) at byte 3, ...". That is U+0000; what is not UTF-8, lone surrogates among it; a
/// meta or artifact that is not an object, or not JSON (NaN). A Content can be a member of a described type as well.
template <>
STELE_API Json to_json<Content>(const Content& content);
/// Throws Error(invalid_argument) with the path of the first fault: "cannot read content from JSON: parts[0].text is a
/// number where a string is expected".
template <>
STELE_API Content from_json<Content>(const Json& json, const FromJsonOptions& options);

namespace detail {
template <>
struct STELE_API JsonCodec<Content> {
    static void write(JsonWriter& out, const Content& content);
    static Content read(const JsonReader& in);
    static Json schema(JsonSchema& schema);
};
template <>
struct STELE_API JsonCodec<ArtifactContent> {
    static void write(JsonWriter& out, const ArtifactContent& artifact);
    static ArtifactContent read(const JsonReader& in);
};
}  // namespace detail

}  // namespace v0
}  // namespace stele
