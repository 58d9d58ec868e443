#include <fmt/format.h>

#include "stele/template.hpp"
#include "templates/resolution.hpp"

namespace stele {
inline namespace v0 {
namespace {

Content finish(Resolution resolution, const TemplateLoader& load) {
    while (true) {
        const auto wanted = value_or_raise(resolution.advance());
        if (wanted.empty()) return resolution.take_content();
        for (const std::string& identifier : wanted) {
            if (!load) {
                raise(ErrorCode::invalid_argument,
                      fmt::format("template \"{}\" is needed, and nothing was given to load it with", identifier));
            }
            resolution.supply(identifier, load(identifier));
        }
    }
}

}  // namespace

Content render(const TemplateBody& body, const TemplateArguments& arguments, const TemplateLoader& load) {
    return finish(Resolution(body, arguments), load);
}

Content render(const Template& handle, const TemplateArguments& arguments, const TemplateLoader& load) {
    return finish(Resolution(handle, arguments), load);
}

std::string render_text(const TemplateBody& body, const TemplateArguments& arguments, const TemplateLoader& load) {
    return render(body, arguments, load).text();
}

std::string render_text(const Template& handle, const TemplateArguments& arguments, const TemplateLoader& load) {
    return render(handle, arguments, load).text();
}

}  // namespace v0
}  // namespace stele
