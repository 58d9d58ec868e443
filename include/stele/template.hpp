// Templates: what is rendered, with what.
//
//     const auto body = stele::TemplateBody::parse("Hi {%name%}, look: {%picture%}");
//     stele::Content content = stele::render(body, {{"name", "Ada"}, {"picture", image}});
//     std::string text = stele::render_text(body, {{"name", "Ada"}, {"picture", "(none)"}});
//
// Rules of rendering, whatever the dialect of the body:
//
// - Every variable of the body needs an argument; one without is an error that names it. Arguments that the body does
//   not use are ignored, and templates among them are not loaded.
// - An argument is text, Content, or a Template, which is loaded and rendered in its place. Arguments are put in as
//   they are: a {%name%} in them is text.
// - The arguments of the call win over those of the Template. (draive before 0.100 did the opposite.)
// - A nested Template sees the arguments of what it is nested in, and they win over its own. One is hidden from it: the
//   argument that it is itself the value of. So {{"inner", Template{"box", {{"inner", "x"}}}}} puts one box into
//   another. A Template that needs the argument it is the value of, directly or through others, and has none of that
//   name itself, would never end: an error that prints the circle.
// - Texts next to one another with equal meta become one (Content::append). An empty body gives empty Content.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stele/content.hpp"
#include "stele/export.hpp"
#include "stele/json.hpp"
#include "stele/template_body.hpp"

namespace stele {
inline namespace v0 {

struct Template;

/// What a variable stands for. A value type; copies share a nested Template. Thread-safe to read.
class STELE_API TemplateArgument {
public:
    /// Text, a part, or Content.
    template <class T>
        requires std::convertible_to<T, Content>
    TemplateArgument(T&& value) : content_(std::forward<T>(value)) {}
    TemplateArgument(Template nested);

    /// The nested template; null when the argument is content.
    const Template* nested() const noexcept { return nested_.get(); }
    /// Empty when the argument is a nested template.
    const Content& content() const noexcept { return content_; }

private:
    Content content_;
    std::shared_ptr<const Template> nested_;
};

/// By the variable's name.
using TemplateArguments = std::map<std::string, TemplateArgument, std::less<>>;

/// Names a stored template, with arguments for it. A value type: `Template{"greeting", {{"name", "Ada"}}}`.
struct STELE_API Template {
    std::string identifier;
    TemplateArguments arguments = {};
    Json meta = Json::object();  ///< whatever the application notes; it does not choose the body

    /// A copy with more arguments; where both have one, the new one.
    Template with_arguments(TemplateArguments more) const;
    Template with_meta(Json new_meta) const;
};

/// Finds the body of a template by its identifier; nothing when there is none. Asked once for each identifier that
/// rendering needs. May throw.
using TemplateLoader = std::function<std::optional<TemplateBody>(const std::string& identifier)>;

/// Renders `body`. Throws Error(invalid_argument) when an argument is missing, templates need one another in a circle,
/// or a nested template is needed and there is no `load`; Error(not_found) when `load` does not find it.
STELE_API Content render(const TemplateBody& body, const TemplateArguments& arguments = {},
                         const TemplateLoader& load = {});
/// Loads and renders a template; `arguments` win over its own. Throws as above.
STELE_API Content render(const Template& handle, const TemplateArguments& arguments, const TemplateLoader& load);

/// The same, as Content::text() shows it to those who can only read text.
STELE_API std::string render_text(const TemplateBody& body, const TemplateArguments& arguments = {},
                                  const TemplateLoader& load = {});
STELE_API std::string render_text(const Template& handle, const TemplateArguments& arguments,
                                  const TemplateLoader& load);

/// A variable as people are told about it.
struct STELE_API TemplateVariable {
    std::string name;
    std::string description = {};

    friend bool operator==(const TemplateVariable&, const TemplateVariable&) = default;
};

/// What is stored about a template beside its body.
struct STELE_API TemplateDeclaration {
    std::string identifier;
    std::optional<std::string> description = {};
    std::vector<TemplateVariable> variables = {};  ///< in the order in which people are told; in JSON an object
    Json meta = Json::object();
};

/// Throws Error(invalid_argument), with the identifier and the path of the fault, when the declaration cannot be
/// stored: no identifier, text that is not UTF-8 or has U+0000, a variable declared twice, a meta that is not a JSON
/// object. And, for a body in E3, when the variables declared are not those of the body; the message names those that
/// only one of the two has. (In E1 nothing keeps them together, as in draive before 0.100.)
STELE_API void check_declaration(const TemplateDeclaration& declaration, const TemplateBody& body);

}  // namespace v0
}  // namespace stele
