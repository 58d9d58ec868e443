#include "revision_store.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "exit_code.hpp"
#include "json_keys.hpp"
#include "text.hpp"

namespace stele::cli {

const StoreKind kConfigurations = {LabelStore::configurations, "config",  "configuration",
                                   "configurations",           "support", ".json"};
const StoreKind kTemplates = {LabelStore::templates, "template", "template", "templates", "support/greeting", ".txt"};

const StoreKind& kind_of(LabelStore store) noexcept {
    return store == LabelStore::templates ? kTemplates : kConfigurations;
}

void check_content(const StoreKind& kind, const RevisionContent& content, TemplateGrammar grammar) {
    if (kind.templates()) {
        check_declaration(content.about.value(), TemplateBody::parse(content.text, grammar));
        return;
    }
    const Json json = Json::parse(content.text);
    if (!json.is_object()) refuse("a configuration is a JSON object, and this is none");
    if (const auto key = key_given_twice(json)) {
        refuse(fmt::format("the key '{}' is given twice in one object: leave one of them out", one_line(*key)));
    }
}

std::vector<Listed> list_all(const RevisionStore& store, const RevisionStore::Until& until) {
    constexpr std::size_t kPage = 256;
    std::vector<Listed> all;
    std::optional<std::string> after;
    do {
        ListedPage page = store.page(after, kPage, until);
        for (Listed& entry : page.entries) all.push_back(std::move(entry));
        after = std::move(page.next);
    } while (after);
    return all;
}

void fail_unknown(const StoreKind& kind, const std::string& identifier) {
    fail(ErrorCode::not_found,
         fmt::format("there is no {} '{}'; `stele {} list` shows what there is", kind.noun, identifier, kind.command));
}

std::optional<Revision> newest_revision(const RevisionStore& store, const std::string& identifier,
                                        const RevisionStore::Until& until) {
    auto newest = store.history(identifier, {.limit = 1}, until);
    return newest.empty() ? std::nullopt : std::optional(std::move(newest.front()));
}

Revision find_revision(const RevisionStore& store, const std::string& identifier, const RevisionSelector& which,
                       const RevisionStore::Until& until) {
    const StoreKind& kind = store.kind();
    HistoryOptions options{.limit = 1};
    Timestamp wanted = which.time();
    if (which.kind() == RevisionSelector::Kind::labelled) {
        const auto labels = store.labels().list({kind.store, identifier, which.label()}, until);
        if (labels.empty()) {
            if (!newest_revision(store, identifier, until)) fail_unknown(kind, identifier);
            fail(ErrorCode::not_found,
                 fmt::format("the {0} '{1}' has no label '{2}'; `stele {3} label {1}` shows those "
                             "it has",
                             kind.noun, identifier, which.label(), kind.command));
        }
        wanted = labels.front().revision.value();
    }
    if (which.kind() != RevisionSelector::Kind::newest) options.before = wanted + std::chrono::microseconds(1);
    auto found = store.history(identifier, options, until);
    const bool any = which.kind() == RevisionSelector::Kind::newest || which.kind() == RevisionSelector::Kind::as_of;
    if (!found.empty() && (any || found.front().created == wanted)) return std::move(found.front());
    if (!newest_revision(store, identifier, until)) fail_unknown(kind, identifier);
    const std::string what = which.kind() == RevisionSelector::Kind::as_of
                                 ? fmt::format("had no revision yet at {}", to_iso8601(wanted))
                                 : fmt::format("has no revision {}", to_iso8601(wanted));
    fail(ErrorCode::not_found, fmt::format("the {0} '{1}' {2}; `stele {3} history {1}` shows them", kind.noun,
                                           identifier, what, kind.command));
}

}  // namespace stele::cli
