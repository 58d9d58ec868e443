#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cluster_text.hpp"
#include "edited_file.hpp"
#include "json_layout.hpp"
#include "revision_command.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

struct EditCommand {
    std::string identifier;
    NoteOptions note;
    std::string grammar;
    bool force = false;
};

/// What was there when editing began.
struct Before {
    std::optional<Timestamp> revision;
    std::optional<RevisionContent> content;
};

std::string text_to_edit(const StoreKind& kind, const std::optional<RevisionContent>& content) {
    if (kind.templates()) return content ? content->text : "";
    return indented(content ? Json::trusted(content->text) : Json::object()) + "\n";
}

/// Editors end a file with a newline, which a body may not have had.
std::string as_it_was_meant(const StoreKind& kind, std::string text, const std::string& shown) {
    if (kind.templates() && text.ends_with('\n') && !shown.ends_with('\n')) text.pop_back();
    return text;
}

std::string by_whom(const Revision& revision) {
    return fmt::format("revision {}{}", to_iso8601(revision.created),
                       revision.author ? " by " + *revision.author : std::string());
}

/// Defines it, unless somebody else did since `before`.
std::optional<Timestamp> define(Context& context, const RevisionStore& store, const EditCommand& edit,
                                const Before& before, const RevisionContent& content) {
    const auto until = context.deadline();
    return context.database().transaction([&](Transaction& transaction) {
        const auto inside = store.in(transaction);
        const auto added = inside->define(edit.identifier, content, edit.note.note(), until);
        if (!added || edit.force) return added;
        // looked for behind our own, so that one which comes while this goes on is seen
        const auto previous = inside->history(edit.identifier, {.limit = 1, .before = added}, until);
        const bool moved = previous.empty() ? before.revision.has_value() : previous.front().created != before.revision;
        if (moved) {
            fail(ErrorCode::constraint_violation,
                 fmt::format("the {} '{}' was changed meanwhile ({}); --force puts yours on top of that",
                             store.kind().noun, edit.identifier,
                             previous.empty() ? "it was removed" : by_whom(previous.front())));
        }
        return added;
    });
}

void run(Context& context, const StoreKind& kind, const EditCommand& edit) {
    const std::string editor = editor_command();
    const auto store = open_store(context.database(), kind, {.grammar = grammar_of(edit.grammar)});
    Before before;
    if (const auto newest = newest_revision(*store, edit.identifier, context.deadline())) {
        before.revision = newest->created;
        before.content =
            store->content(edit.identifier, RevisionSelector::exactly(newest->created), context.deadline());
    }
    const std::string shown = text_to_edit(kind, before.content);
    EditedFile file(shown, kind.file_type);
    std::string text = as_it_was_meant(kind, file.edit(editor), shown);
    const Output& output = context.output();
    if (text == shown) {
        output.document({{"identifier", edit.identifier}, {"changed", false}, {"revision", nullptr}});
        output.line("nothing was changed");
        return;
    }
    if (kind.templates() && text.find_first_not_of('\n') == std::string::npos) {
        refuse(
            fmt::format("the body was left empty, so nothing was changed; `stele template set {} --empty` stores one",
                        shell_word(edit.identifier)));
    }
    try {
        const RevisionContent content = store->complete(edit.identifier, std::move(text), before.content);
        print_defined(output, kind, edit.identifier, define(context, *store, edit, before, content));
    } catch (const Error& error) {
        file.keep();
        ErrorInfo info = error.info();
        info.message += fmt::format("; what you wrote is kept in {}", file.path().string());
        throw Error(std::move(info));
    }
}

}  // namespace

void add_revision_edit(CLI::App& parent, const StoreKind& kind, Context& context) {
    CLI::App* command =
        parent.add_subcommand("edit", fmt::format("Opens a {} in $EDITOR and adds what is saved", kind.noun));
    auto edit = std::make_shared<EditCommand>();
    add_identifier(*command, kind, edit->identifier);
    command->add_flag("--force", edit->force, "Also when somebody else changed it meanwhile");
    add_grammar(*command, kind, edit->grammar);
    add_note_options(*command, edit->note);
    command->footer(
        fmt::format(R"({2} in $VISUAL, else $EDITOR. One that is not there yet begins empty; one that is saved
unchanged stays as it is. When what was saved cannot be stored, or somebody else changed the {3}
meanwhile, it is kept in a file that the message names.

Examples:
  stele {0} edit {1}
  EDITOR="code --wait" stele {0} edit {1} -m "shorter")",
                    kind.command, kind.example, kind.templates() ? "The body" : "The content, indented,", kind.noun));
    command->callback([&context, &kind, edit] { run(context, kind, *edit); });
}

}  // namespace stele::cli
