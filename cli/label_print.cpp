#include "label_print.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "exit_code.hpp"
#include "revision_store.hpp"
#include "text.hpp"

namespace stele::cli {

using nlohmann::json;

LabelPlace parse_place(const std::string& text) {
    LabelPlace place;
    const std::size_t colon = text.find(':');
    const std::string store = text.substr(0, colon);
    if (colon == std::string::npos || (store != kConfigurations.command && store != kTemplates.command)) {
        refuse(
            fmt::format("'{}' is no place for a label: write config:ID or template:ID, with @TIME behind it for a "
                        "revision that is not the newest",
                        text));
    }
    place.store = store == kTemplates.command ? LabelStore::templates : LabelStore::configurations;
    place.identifier = text.substr(colon + 1);
    const std::size_t at = place.identifier.rfind('@');
    if (at != std::string::npos) {
        const std::string revision = place.identifier.substr(at + 1);
        place.revision = parse_iso8601(revision);
        if (place.revision || revision == "newest") place.identifier.resize(at);
    }
    if (place.identifier.empty()) refuse(fmt::format("'{}' names no {}", text, kind_of(place.store).noun));
    return place;
}

std::string place_text(LabelStore store, const std::string& identifier) {
    return fmt::format("{}:{}", kind_of(store).command, identifier);
}

json json_of(const Label& label) {
    return {{"store", std::string(to_string(label.store))},
            {"identifier", label.identifier},
            {"label", label.label},
            {"revision", label.revision ? json(to_iso8601(*label.revision)) : json()},
            {"author", label.author ? json(*label.author) : json()},
            {"message", label.message ? json(*label.message) : json()},
            {"moved", to_iso8601(label.moved)}};
}

bool print_labels(const Output& output, const std::vector<Label>& labels, bool moves) {
    json documents = json::array();
    Table table{{"label", "of", moves ? "moved to" : "revision", "moved", "author", "message"}, {}, {}};
    for (const Label& label : labels) {
        documents.push_back(json_of(label));
        table.rows.push_back({one_line(label.label), one_line(place_text(label.store, label.identifier)),
                              label.revision ? to_iso8601(*label.revision) : "(taken away)", to_iso8601(label.moved),
                              one_line(label.author.value_or("")), one_line(label.message.value_or(""))});
    }
    output.document({{moves ? "moves" : "labels", documents}});
    if (labels.empty()) {
        output.note(moves ? "no label was moved" : "no labels");
    } else {
        output.table(table);
    }
    return !labels.empty();
}

void print_moved(const Output& output, const std::vector<Label>& now) {
    json documents = json::array();
    for (const Label& label : now) {
        documents.push_back(json_of(label));
        output.line(fmt::format("{} of {}: revision {}", one_line(label.label),
                                one_line(place_text(label.store, label.identifier)),
                                label.revision ? to_iso8601(*label.revision) : "(none)"));
    }
    output.document({{"labels", documents}});
}

void print_taken(const Output& output, const std::string& label, std::size_t taken,
                 const std::vector<std::string>& missing) {
    output.document({{"removed", taken}, {"missing", missing}});
    if (taken > 0) {
        output.line(fmt::format("{} taken away", count_text(static_cast<std::int64_t>(taken), "label", "labels")));
    }
    for (const std::string& place : missing) {
        output.line(fmt::format("there was no label {} on {}", one_line(label), one_line(place)));
    }
}

}  // namespace stele::cli
