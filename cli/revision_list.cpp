#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "revision_command.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct ListCommand {
    std::size_t limit = 100;
    std::optional<std::string> after;
    std::string label;
};

struct Entry {
    Listed listed;
    std::optional<Timestamp> revision;  ///< that has the label which was asked for
};

json json_of(const Entry& entry) {
    json document = {{"identifier", entry.listed.identifier}};
    if (entry.revision) document["revision"] = to_iso8601(*entry.revision);
    if (const auto& about = entry.listed.about) {
        json variables = json::object();
        for (const TemplateVariable& variable : about->variables) variables[variable.name] = variable.description;
        document["description"] = about->description ? json(*about->description) : json();
        document["variables"] = std::move(variables);
    }
    return document;
}

void print_table(const Output& output, const StoreKind& kind, const std::vector<Entry>& entries, bool labelled) {
    if (!kind.templates() && !labelled) {
        for (const Entry& entry : entries) output.line(one_line(entry.listed.identifier));
        return;
    }
    Table table{{std::string(kind.noun)}, {}, {}};
    if (labelled) table.headers.emplace_back("revision");
    if (kind.templates()) table.headers.insert(table.headers.end(), {"variables", "description"});
    for (const Entry& entry : entries) {
        std::vector<std::string> row = {one_line(entry.listed.identifier)};
        if (labelled) row.push_back(to_iso8601(entry.revision.value()));
        if (const auto& about = entry.listed.about) {
            std::vector<std::string> names;
            for (const TemplateVariable& variable : about->variables) names.push_back(one_line(variable.name));
            row.push_back(fmt::format("{}", fmt::join(names, ", ")));
            row.push_back(one_line(about->description.value_or("")));
        }
        table.rows.push_back(std::move(row));
    }
    output.table(table);
}

std::vector<Entry> labelled_entries(const RevisionStore& store, const std::string& label,
                                    const std::optional<Deadline>& until) {
    std::vector<Entry> entries;
    LabelFilter filter;
    filter.store = store.kind().store;
    filter.label = label;
    for (const Label& each : store.labels().list(filter, until)) {
        Entry entry{{each.identifier}, each.revision};
        if (store.kind().templates()) {
            const auto content =
                store.content(each.identifier, RevisionSelector::exactly(each.revision.value()), until);
            if (content) entry.listed.about = content->about;
        }
        entries.push_back(std::move(entry));
    }
    return entries;
}

void run(Context& context, const StoreKind& kind, const ListCommand& list) {
    if (!list.label.empty() && list.after) refuse("--label and --after exclude each other: give one of them");
    const auto store = open_store(context.database(), kind);
    std::vector<Entry> entries;
    std::optional<std::string> next;
    if (!list.label.empty()) {
        entries = labelled_entries(*store, list.label, context.deadline());
    } else {
        ListedPage page = store->page(list.after, list.limit, context.deadline());
        next = std::move(page.next);
        for (Listed& listed : page.entries) entries.push_back({std::move(listed), {}});
    }
    json documents = json::array();
    for (const Entry& entry : entries) documents.push_back(json_of(entry));
    const Output& output = context.output();
    json document = {{std::string(kind.nouns), std::move(documents)}};
    if (kind.templates()) document["next_after"] = next ? json(*next) : json();
    output.document(document);
    if (entries.empty()) {
        output.note(list.label.empty() ? fmt::format("no {}{}", kind.nouns, list.after ? " after that one" : " yet")
                                       : fmt::format("no {} has the label {}", kind.noun, one_line(list.label)));
        return;
    }
    print_table(output, kind, entries, !list.label.empty());
    if (next) output.note(fmt::format("there are more: --after '{}'", one_line(*next)));
}

}  // namespace

void add_revision_list(CLI::App& parent, const StoreKind& kind, Context& context) {
    CLI::App* command = parent.add_subcommand(
        "list", kind.templates() ? "Lists templates with their variables" : "Lists the identifiers of configurations");
    auto list = std::make_shared<ListCommand>();
    if (kind.templates()) {
        command->add_option("--limit", list->limit, "At most so many (default: 100)")
            ->option_text("N")
            ->check(CLI::Range(1, 100'000));
        command->add_option("--after", list->after, "Only those behind this one: the next page")->option_text("ID");
    }
    command->add_option("-l,--label", list->label, "Only those that have this label, and the revision it names")
        ->option_text("LABEL");
    command->footer(fmt::format(R"(Examples:
  stele {0} list
  stele {0} list --label production
  stele {0} list --json | jq -r '.{1}[].identifier')",
                                kind.command, kind.nouns));
    command->callback([&context, &kind, list] { run(context, kind, *list); });
}

}  // namespace stele::cli
