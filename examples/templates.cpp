// A prompt that changes without a deployment: who changed it, what it was before, which one is live.
#include "stele/templates.hpp"

#include <iostream>

#include "stele/labels.hpp"

int main() {
    stele::Database database = stele::Database::open();
    stele::TemplatesRepository templates(database);
    stele::Labels labels(database);

    templates.define({.identifier = "greeting", .variables = {{"name", "of the user"}}}, "Hi {%name%}!",
                     {.author = "ada", .message = "first"});
    labels.move({{stele::LabelStore::templates, "greeting", "production"}});

    // a new text is tried while users still get the old one
    templates.define({.identifier = "greeting", .variables = {{"name", "of the user"}}}, "Welcome back, {%name%}.",
                     {.author = "bob", .message = "warmer"});
    const auto production = templates.at(stele::RevisionSelector::labelled("production"));
    std::cout << production.resolve_text({"greeting", {{"name", "Ada"}}}) << '\n';
    std::cout << templates.diff("greeting", stele::RevisionSelector::labelled("production"));

    // it is good: from the next call on it is everybody's
    labels.move({{stele::LabelStore::templates, "greeting", "production"}}, {.author = "bob", .message = "goes live"});
    std::cout << production.resolve_text({"greeting", {{"name", "Ada"}}}) << '\n';
    for (const stele::Revision& revision : templates.history("greeting")) {
        std::cout << stele::to_iso8601(revision.created) << ' ' << *revision.author << ": " << *revision.message
                  << '\n';
    }
}
