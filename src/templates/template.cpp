#include "stele/template.hpp"

namespace stele {
inline namespace v0 {

TemplateArgument::TemplateArgument(Template nested) : nested_(std::make_shared<const Template>(std::move(nested))) {}

Template Template::with_arguments(TemplateArguments more) const {
    more.insert(arguments.begin(), arguments.end());  // keeps those that are there
    return {identifier, std::move(more), meta};
}

Template Template::with_meta(Json new_meta) const {
    return {identifier, arguments, std::move(new_meta)};
}

}  // namespace v0
}  // namespace stele
