// What is wrong with a template that is about to be stored.
#pragma once

#include "base/result.hpp"
#include "stele/template.hpp"

namespace stele {

/// The error of check_declaration(), for those who do not throw.
Result<void> examine_declaration(const TemplateDeclaration& declaration, const TemplateBody& body);

}  // namespace stele
