// The members that are searched as text, in SQL: what their index is made of is what a search asks, to the letter.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stele/detail/index_core.hpp"
#include "stele/index_tables.hpp"

namespace stele {

/// Throws Error(invalid_argument) for what cannot be a configuration's name.
void check_configuration(std::string_view configuration);

/// Whether the database has one of the name in this parameter.
std::string has_configuration_sql(std::string_view parameter);
/// The configuration as a constant, whatever its name is made of.
std::string configuration_sql(const std::string& configuration);
/// The words of these members of the jsonb in `column`: an immutable expression, so that it can have an index.
std::string tsvector_sql(const std::vector<TextMember>& text, const std::string& configuration,
                         std::string_view column);

/// What tells such an index from others of the table.
std::string text_identity(const std::vector<TextMember>& text, const std::string& configuration);
/// The comment on the index, from which those learn of it who open the table without the program's options.
std::string text_note(const std::vector<TextMember>& text, const std::string& configuration);

/// Nothing: the comment is another's.
std::optional<IndexedText> read_text_note(std::string_view note);

}  // namespace stele
