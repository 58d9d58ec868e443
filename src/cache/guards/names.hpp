// What a question names: quotations, identifiers, acronyms, names with a capital.
#pragma once

#include <string>
#include <vector>

#include "cache/guards/guard_text.hpp"

namespace stele {

struct Name {
    std::string shown;   ///< as written
    std::string spaced;  ///< its words, in the form of GuardText::spaced()
};

/// In the order of the text, each once.
std::vector<Name> names(const GuardText& text);

/// The name's words stand in the text, one behind the other or as one word, in whatever case; the last one may have an
/// "s" more or less.
bool occurs(const Name& name, const GuardText& text);

}  // namespace stele
