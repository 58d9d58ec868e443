// The rendering of one template: says which bodies it needs, and is told them. It loads nothing itself, so that a store
// can fetch the bodies of one level in one statement, and wait for them as it likes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "stele/template.hpp"

namespace stele {

/// One thread at a time. What it is made from must outlive it.
class Resolution {
public:
    Resolution(const TemplateBody& body, const TemplateArguments& arguments);
    Resolution(const Template& handle, const TemplateArguments& arguments);

    /// The identifiers of the bodies to supply() before it is called again, each once; none: content() is ready.
    /// invalid_argument or not_found when it cannot be rendered.
    Result<std::vector<std::string>> advance();
    void supply(const std::string& identifier, std::optional<TemplateBody> body);
    Content take_content() { return std::move(content_); }

private:
    /// What names stand for, where a body is rendered.
    using Scope = std::map<std::string_view, const TemplateArgument*>;
    /// An argument that is being rendered: a nested template.
    struct Step {
        std::string_view name;
        const Template* nested;
    };

    Result<Content> render(const TemplateBody& body, const Scope& scope);
    Result<Content> render_nested(std::string_view name, const Template& nested, const Scope& scope);
    /// Null: not supplied yet, and noted as wanted.
    const std::optional<TemplateBody>* find(const std::string& identifier);
    std::optional<ErrorInfo> find_missing(const TemplateBody& body, const Scope& scope) const;
    ErrorInfo circle(std::string_view name) const;
    /// template "a" (the argument "x")
    std::string place() const;

    const TemplateBody* body_ = nullptr;
    const Template* handle_ = nullptr;
    Scope scope_;
    std::map<std::string, std::optional<TemplateBody>> bodies_;
    std::vector<std::string> wanted_;
    std::vector<Step> path_;
    Content content_;
};

}  // namespace stele
