#include "stele/content.hpp"

#include <utility>

#include "base/json_tree.hpp"

namespace stele {
inline namespace v0 {
namespace {

constexpr std::string_view kKinds[] = {"image", "audio", "video"};

Json nullable_string(const std::optional<std::string>& text) {
    return text ? Json::string(*text) : Json();
}

/// Most metas are empty: no tree is built for them.
bool has_meta(const TextContent& part) {
    return part.meta.text() != "{}" && !same_value(part.meta, Json::object());
}

std::string to_text(const TextContent& part) {
    return part.text;
}

std::string to_text(const ResourceReference& part) {
    detail::JsonWriter out("a resource reference");
    out.begin_object();
    out.member("uri");
    out.string(part.uri);
    out.member("mime_type");
    part.mime_type ? out.string(*part.mime_type) : out.null();
    out.member("meta");
    out.json(part.meta);
    out.end_object();
    return parse_json(out.take().text()).to_indented_text();
}

std::string to_text(const ResourceContent& part) {
    for (const std::string_view kind : kKinds) {
        if (part.mime_type.starts_with(kind)) return "![" + std::string(kind) + "]()";
    }
    return "![]()";
}

std::string to_text(const ArtifactContent& part) {
    return part.hidden ? std::string() : parse_json(part.artifact.text()).to_indented_text();
}

}  // namespace

bool operator==(const TextContent& a, const TextContent& b) {
    return a.text == b.text && same_value(a.meta, b.meta);
}

bool operator==(const ResourceReference& a, const ResourceReference& b) {
    return a.uri == b.uri && a.mime_type == b.mime_type && same_value(a.meta, b.meta);
}

bool operator==(const ResourceContent& a, const ResourceContent& b) {
    return a.data == b.data && a.mime_type == b.mime_type && same_value(a.meta, b.meta);
}

bool operator==(const ArtifactContent& a, const ArtifactContent& b) {
    return a.category == b.category && a.hidden == b.hidden && same_value(a.artifact, b.artifact) &&
           same_value(a.meta, b.meta);
}

ResourceReference ResourceReference::of(std::string uri, std::optional<std::string> mime_type,
                                        const std::optional<std::string>& name,
                                        const std::optional<std::string>& description) {
    detail::JsonWriter meta("the meta of a resource reference");
    meta.begin_object();
    meta.member("name");
    meta.json(nullable_string(name));
    meta.member("description");
    meta.json(nullable_string(description));
    meta.end_object();
    return {std::move(uri), std::move(mime_type), meta.take()};
}

Content::Content(std::string text) {
    append_part(TextContent{std::move(text)});
}

Content::Content(ContentPart part) {
    append_part(std::move(part));
}

Content Content::of_parts(std::vector<ContentPart> parts) {
    Content content;
    content.parts_ = std::move(parts);
    return content;
}

Content& Content::append(const Content& other) & {
    return append(Content(other));
}

Content& Content::append(Content&& other) & {
    std::vector<ContentPart> parts = std::move(other.parts_);
    for (ContentPart& part : parts) append_part(std::move(part));
    return *this;
}

Content&& Content::append(Content other) && {
    append(std::move(other));
    return std::move(*this);
}

void Content::append_part(ContentPart part) {
    if (const auto* text = std::get_if<TextContent>(&part)) {
        if (text->text.empty() && !has_meta(*text)) return;
        auto* last = parts_.empty() ? nullptr : std::get_if<TextContent>(&parts_.back());
        if (last != nullptr && same_value(last->meta, text->meta)) {
            last->text += text->text;
            return;
        }
    }
    parts_.push_back(std::move(part));
}

std::string Content::text() const {
    std::string out;
    for (const ContentPart& part : parts_) out += std::visit([](const auto& each) { return to_text(each); }, part);
    return out;
}

}  // namespace v0
}  // namespace stele
