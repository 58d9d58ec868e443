// Configurations and templates as the commands see them that both have.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stele/database.hpp"
#include "stele/labels.hpp"
#include "stele/revision.hpp"
#include "stele/template.hpp"

namespace stele::cli {

/// Which of the two, and how it is spoken of.
struct StoreKind {
    LabelStore store;
    std::string_view command;    ///< "config": of `stele config`, and before the colon in config:ID
    std::string_view noun;       ///< "configuration"
    std::string_view nouns;      ///< also the key of a list in JSON
    std::string_view example;    ///< an identifier
    std::string_view file_type;  ///< ".json": what an editor is told that the text is

    bool templates() const noexcept { return store == LabelStore::templates; }
};

extern const StoreKind kConfigurations;
extern const StoreKind kTemplates;
const StoreKind& kind_of(LabelStore store) noexcept;

/// What a revision holds.
struct RevisionContent {
    std::string text;                               ///< the JSON of a configuration, the body of a template
    std::optional<TemplateDeclaration> about = {};  ///< of a template, always; of a configuration, never
};

struct Listed {
    std::string identifier;
    std::optional<TemplateDeclaration> about = {};  ///< of a template
};

struct ListedPage {
    std::vector<Listed> entries;
    std::optional<std::string> next = {};  ///< what to go on after; none: this was the last page
};

struct StoreOptions {
    TemplateGrammar grammar = TemplateGrammar::e3;
    std::size_t kept = 0;  ///< contents to keep in memory, for touch()
};

/// One of the two stores. Not thread-safe. Deadlines and errors are those of ConfigurationRepository and
/// TemplatesRepository.
class RevisionStore {
public:
    using Until = std::optional<Deadline>;

    RevisionStore(const StoreKind& kind, Labels labels) : kind_(kind), labels_(std::move(labels)) {}
    RevisionStore(const RevisionStore&) = delete;
    RevisionStore& operator=(const RevisionStore&) = delete;
    virtual ~RevisionStore() = default;

    const StoreKind& kind() const noexcept { return kind_; }
    const Labels& labels() const noexcept { return labels_; }
    Labels& labels() noexcept { return labels_; }

    /// The same inside a transaction.
    virtual std::unique_ptr<RevisionStore> in(Transaction& transaction) const = 0;
    /// Of configurations there is one page only, whatever the limit.
    virtual ListedPage page(const std::optional<std::string>& after, std::size_t limit, const Until& until) const = 0;
    virtual std::optional<RevisionContent> content(const std::string& identifier, const RevisionSelector& which,
                                                   const Until& until) const = 0;
    /// Completes what somebody wrote: of a template the declaration, as `newest` has it. Throws
    /// Error(invalid_argument) for what cannot be stored.
    virtual RevisionContent complete(const std::string& identifier, std::string text,
                                     const std::optional<RevisionContent>& newest) const = 0;
    virtual std::optional<Timestamp> define(const std::string& identifier, const RevisionContent& content,
                                            const RevisionNote& note, const Until& until) = 0;
    virtual std::size_t remove(const std::string& identifier, const Until& until) = 0;
    virtual std::vector<Revision> history(const std::string& identifier, const HistoryOptions& options,
                                          const Until& until) const = 0;
    virtual std::string diff(const std::string& identifier, const RevisionSelector& from, const RevisionSelector& to,
                             const Until& until) const = 0;
    virtual std::optional<Timestamp> restore(const std::string& identifier, Timestamp revision,
                                             const RevisionNote& note, const Until& until) = 0;
    virtual Pruned prune(const PruneOptions& options, const Until& until) = 0;
    /// Looks at it through the memory that follows the database. False: it was there, so nothing has become of it since
    /// the last touch.
    virtual bool touch(const std::string& identifier, const Until& until) = 0;

private:
    const StoreKind& kind_;
    Labels labels_;
};

/// Throws Error(invalid_argument) for what define() would refuse.
void check_content(const StoreKind& kind, const RevisionContent& content, TemplateGrammar grammar);

std::unique_ptr<RevisionStore> open_store(const Database& database, const StoreKind& kind,
                                          const StoreOptions& options = {});

/// Every identifier, page by page.
std::vector<Listed> list_all(const RevisionStore& store, const RevisionStore::Until& until);
/// Which revision that is now. Throws Error(not_found), which says what there is not.
Revision find_revision(const RevisionStore& store, const std::string& identifier, const RevisionSelector& which,
                       const RevisionStore::Until& until);
/// Nothing: there is no such identifier.
std::optional<Revision> newest_revision(const RevisionStore& store, const std::string& identifier,
                                        const RevisionStore::Until& until);
/// Throws Error(not_found): there is no such identifier.
[[noreturn]] void fail_unknown(const StoreKind& kind, const std::string& identifier);

}  // namespace stele::cli
