// The parts of `stele config` and `stele template`, which differ little.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "context.hpp"
#include "revision_store.hpp"

namespace CLI {
class App;
}

namespace stele::cli {

/// Who does it and why: --author and --message.
struct NoteOptions {
    std::optional<std::string> author;
    std::optional<std::string> message;

    /// The author is $USER unless one was given; an empty one is none.
    RevisionNote note() const;
};
void add_note_options(CLI::App& command, NoteOptions& options);

/// Which revision is meant: --at, --revision and --label.
struct SelectorOptions {
    std::string at;
    std::string revision;
    std::string label;

    /// The newest, when none is given. Throws Error(invalid_argument).
    RevisionSelector selector() const;
};
void add_selector_options(CLI::App& command, SelectorOptions& options);

/// As `history` prints it. Throws Error(invalid_argument) naming `option`.
Timestamp parse_time(std::string_view option, std::string_view text);
/// "newest", "label:NAME" or a time. Throws Error(invalid_argument) naming `option`.
RevisionSelector parse_selector(std::string_view option, const std::string& text);

/// The identifier a command is about.
void add_identifier(CLI::App& command, const StoreKind& kind, std::string& identifier);
/// --grammar, which only templates have; `grammar` is its text.
void add_grammar(CLI::App& command, const StoreKind& kind, std::string& grammar);
TemplateGrammar grammar_of(const std::string& text);

/// A line of a diff each, in colour on a terminal.
void print_diff(const Output& output, const std::string& diff);
/// A text of somebody else's: as it is for a program, and so that a terminal obeys nothing in it.
void print_text(const Output& output, const std::string& text);
/// What a write came to, for people and as {"identifier", "changed", "revision"}.
void print_defined(const Output& output, const StoreKind& kind, const std::string& identifier,
                   const std::optional<Timestamp>& revision);

void add_revision_list(CLI::App& parent, const StoreKind& kind, Context& context);
void add_revision_get(CLI::App& parent, const StoreKind& kind, Context& context);
void add_revision_set(CLI::App& parent, const StoreKind& kind, Context& context);
void add_revision_edit(CLI::App& parent, const StoreKind& kind, Context& context);
void add_revision_history(CLI::App& parent, const StoreKind& kind, Context& context);
void add_revision_diff(CLI::App& parent, const StoreKind& kind, Context& context);
void add_revision_restore(CLI::App& parent, const StoreKind& kind, Context& context);
void add_revision_label(CLI::App& parent, const StoreKind& kind, Context& context);
void add_revision_remove(CLI::App& parent, const StoreKind& kind, Context& context);
void add_revision_prune(CLI::App& parent, const StoreKind& kind, Context& context);
void add_revision_export(CLI::App& parent, const StoreKind& kind, Context& context);
void add_revision_import(CLI::App& parent, const StoreKind& kind, Context& context);
void add_revision_watch(CLI::App& parent, const StoreKind& kind, Context& context);
void add_template_render(CLI::App& parent, Context& context);

}  // namespace stele::cli
