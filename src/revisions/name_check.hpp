// What may be an identifier, a label or a note.
#pragma once

#include <string_view>

#include "stele/revision.hpp"

namespace stele {

/// 1 to 1,024 bytes, UTF-8 without U+0000: else Error(invalid_argument), in which it is called `what`.
void check_revision_name(std::string_view what, std::string_view name);
/// A label that is to be made: besides 1 to 100 bytes, no blanks, control characters or colons, and not "newest", which
/// stands for a revision.
void check_new_label(std::string_view label);
inline void check_identifier(std::string_view identifier) {
    check_revision_name("the identifier", identifier);
}
/// The label's name, if it is by label.
void check_selector(const RevisionSelector& which);
/// Text that PostgreSQL can store: else Error(invalid_argument).
void check_note(const RevisionNote& note);

}  // namespace stele
