#include "templates/resolution.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace stele {

Resolution::Resolution(const TemplateBody& body, const TemplateArguments& arguments) : body_(&body) {
    for (const auto& [name, argument] : arguments) scope_.emplace(name, &argument);
}

Resolution::Resolution(const Template& handle, const TemplateArguments& arguments) : handle_(&handle) {
    for (const auto& [name, argument] : arguments) scope_.emplace(name, &argument);
    for (const auto& [name, argument] : handle.arguments) scope_.emplace(name, &argument);  // unless the call has it
}

Result<std::vector<std::string>> Resolution::advance() {
    wanted_.clear();
    path_.clear();
    const TemplateBody* body = body_;
    if (handle_ != nullptr) {
        const auto* found = find(handle_->identifier);
        if (found == nullptr) return wanted_;
        if (!*found) return fail(make_error(ErrorCode::not_found, fmt::format("there is no {}", place())));
        body = &**found;
    }
    auto content = render(*body, scope_);
    if (!content) return fail(std::move(content.error()));
    content_ = *std::move(content);
    return wanted_;
}

void Resolution::supply(const std::string& identifier, std::optional<TemplateBody> body) {
    bodies_.insert_or_assign(identifier, std::move(body));
}

const std::optional<TemplateBody>* Resolution::find(const std::string& identifier) {
    const auto found = bodies_.find(identifier);
    if (found != bodies_.end()) return &found->second;
    if (std::find(wanted_.begin(), wanted_.end(), identifier) == wanted_.end()) wanted_.push_back(identifier);
    return nullptr;
}

Result<Content> Resolution::render(const TemplateBody& body, const Scope& scope) {
    if (auto missing = find_missing(body, scope)) return fail(*std::move(missing));
    std::map<std::string_view, Content> nested;
    for (const std::string& name : body.variables()) {
        const Template* const handle = scope.at(name)->nested();
        if (handle == nullptr) continue;
        auto content = render_nested(name, *handle, scope);
        if (!content) return content;
        nested.emplace(name, *std::move(content));
    }
    Content content;
    for (const TemplateBody::Segment& segment : body.segments()) {
        if (segment.kind == TemplateBody::Segment::Kind::text) {
            content.append(segment.text);
        } else if (const auto found = nested.find(segment.text); found != nested.end()) {
            content.append(found->second);
        } else {
            content.append(scope.at(segment.text)->content());
        }
    }
    return content;
}

Result<Content> Resolution::render_nested(std::string_view name, const Template& nested, const Scope& scope) {
    path_.push_back({name, &nested});
    const auto* body = find(nested.identifier);
    Result<Content> content;
    if (body != nullptr && !*body) {
        return fail(make_error(ErrorCode::not_found, fmt::format("there is no {}", place())));
    }
    if (body != nullptr) {
        Scope inner = scope;
        inner.erase(name);
        for (const auto& [own, argument] : nested.arguments) inner.emplace(own, &argument);
        content = render(**body, inner);
        if (!content) return content;
    }
    path_.pop_back();
    return content;
}

std::optional<ErrorInfo> Resolution::find_missing(const TemplateBody& body, const Scope& scope) const {
    std::string names;
    for (const std::string& name : body.variables()) {
        if (scope.contains(name)) continue;
        const auto is_it = [&](const Step& step) { return step.name == name; };
        if (std::any_of(path_.begin(), path_.end(), is_it)) return circle(name);
        names.append(names.empty() ? "" : ", ").append(fmt::format("\"{}\"", name));
    }
    if (names.empty()) return std::nullopt;
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("{} needs arguments that were not given: {}", place(), names));
}

ErrorInfo Resolution::circle(std::string_view name) const {
    auto step = std::find_if(path_.begin(), path_.end(), [&](const Step& each) { return each.name == name; });
    std::string steps;
    for (; step != path_.end(); ++step) {
        steps += fmt::format("\"{}\" (template \"{}\") -> ", step->name, step->nested->identifier);
    }
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("arguments that are templates need one another in a circle: {}\"{}\"", steps, name));
}

std::string Resolution::place() const {
    if (!path_.empty()) {
        const Step& last = path_.back();
        return fmt::format("template \"{}\" (the argument \"{}\")", last.nested->identifier, last.name);
    }
    return handle_ != nullptr ? fmt::format("template \"{}\"", handle_->identifier) : std::string("the template");
}

}  // namespace stele
