// Configurations and templates as files that live well in git.
//
// A configuration is ID.json: indented, keys sorted, a newline at the end. A template is ID.txt, the body exactly as it
// is, and beside it ID.json with "description", "variables" and "meta", as far as they say anything: a variable is in
// there when it has a description. How identifiers become names: revision_names.hpp.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "revision_store.hpp"

namespace stele::cli {

/// Content by path, relative to the folder, with slashes.
using Files = std::map<std::string, std::string>;
/// By identifier.
using Contents = std::map<std::string, RevisionContent>;

/// How the names of such files end. Both stores' need all of them: it is noticed when a folder is the other's.
const std::vector<std::string>& types_of_files();

Files files_of(const StoreKind& kind, const Contents& contents, TemplateGrammar grammar);
/// The way back. Throws Error(invalid_argument), which names the file, for what cannot be read or stored.
Contents contents_of(const StoreKind& kind, const Files& files, TemplateGrammar grammar);
/// Whether a file could be what stands beside a template's body.
bool is_about(const std::string& text);
/// One of `files` that is the other store's, so that `ours` would get mixed up with it.
std::optional<std::string> foreign_file(const StoreKind& kind, const Files& files, const Files& ours);

}  // namespace stele::cli
