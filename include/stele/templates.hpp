// Prompt templates, by identifier, every revision kept.
//
//     stele::TemplatesRepository templates(database);
//     templates.define({.identifier = "greeting", .variables = {{"name", "of the user"}}}, "Hi {%name%}!");
//     std::string text = templates.resolve_text({"greeting", {{"name", "Ada"}}});
//
// On the table `templates` of draive, so that a running deployment can be shared or taken over. A revision is a row;
// the newest counts; define() adds one. What bodies and arguments mean: stele/template_body.hpp and stele/template.hpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stele/database.hpp"
#include "stele/dependency.hpp"
#include "stele/error.hpp"
#include "stele/export.hpp"
#include "stele/memory_database.hpp"
#include "stele/revision.hpp"
#include "stele/template.hpp"

namespace stele {
inline namespace v0 {

/// There is no template of that identifier, and no body to use instead.
class STELE_API TemplateMissing final : public Error {
public:
    /// `which`: of a view that reads another revision than the newest.
    explicit TemplateMissing(std::string identifier, const RevisionSelector& which = RevisionSelector::newest());
    const std::string& identifier() const noexcept { return identifier_; }

private:
    std::string identifier_;
};

/// It cannot be stored; see check_declaration().
class STELE_API TemplateInvalid final : public Error {
public:
    TemplateInvalid(std::string identifier, std::string reason);
    const std::string& identifier() const noexcept { return identifier_; }

private:
    std::string identifier_;
};

struct TemplatesOptions {
    TemplateGrammar grammar = TemplateGrammar::e3;  ///< of all bodies
    std::size_t cache_limit = 32;                   ///< bodies kept in memory; 0: none
    std::chrono::seconds cache_expiration{600};     ///< how long at most, although they are followed
    bool append_unchanged = false;  ///< a define of what is already the newest adds a revision all the same
};

struct TemplatesPage {
    std::vector<TemplateDeclaration> templates;  ///< of the newest revisions, by identifier in the database's order
    std::optional<std::string> next = {};        ///< what to go on after; none: this was the last page
};

/// What a template gave, and the templates that it took: in the revision that was read, nested ones too.
struct RenderedTemplate {
    Content content;
    std::vector<Dependency> used =
        {};  ///< none in a file, or of a view that reads a revision for ever (exactly, as_of)

    const std::vector<Dependency>& dependencies() const noexcept { return used; }
    /// As Content::text() shows it to those who can only read text.
    std::string text() const { return content.text(); }
};

/// Thread-safe, but for what in() returns. Copies share everything.
///
/// Bodies are kept in memory, absence included, and followed, exactly as ConfigurationRepository does it: a body is
/// served from memory only while everything that anybody committed DatabaseOptions::max_staleness ago is known. A
/// failure of the database is thrown as such, never told as a missing template.
///
/// Identifiers are text of 1 to 1,024 bytes, UTF-8 without U+0000: else Error(invalid_argument). Without a deadline
/// DatabaseOptions::call_timeout applies to each statement.
class STELE_API TemplatesRepository {
public:
    /// The database must have Stele's tables, so not be opened as DatabaseOptions::bare without them: else every call
    /// throws the server's error.
    explicit TemplatesRepository(Database database, TemplatesOptions options = {});
    /// A twin without a database, for tests: the same behaviour, in memory. It joins no transaction, and gives JSON as
    /// it was written, where the database re-orders keys.
    static TemplatesRepository in_memory(MemoryDatabase database = MemoryDatabase(), TemplatesOptions options = {});
    /// On a file of draive's: a JSON array of objects with identifier, description, variables, content and meta; other
    /// keys are kept. Read anew when it changes; written beside it and moved into its place, under a flock of its
    /// folder, so that the writes of several processes all count (other software's only if it takes that lock, too). A
    /// file that is not there has no templates. It holds one revision of each, created when it was last written, and no
    /// notes or labels; restore() and prune() find nothing to do. Calls throw Error(invalid_argument) with the place of
    /// the first fault in the file, Error(unavailable) when it cannot be read or written.
    static TemplatesRepository in_file(std::filesystem::path file, TemplatesOptions options = {});

    /// The same store inside a transaction: it reads what the transaction wrote, and what it writes is undone with it.
    /// Nothing is kept in memory before the commit. For one thread; not to be used once that is over.
    TemplatesRepository in(Transaction& transaction) const;
    TemplatesRepository in(Savepoint& savepoint) const;
    /// The same store, whose load(), declaration() and resolve() read that revision of each template, nested ones
    /// included; the rest is as here. What it loads by a label is kept in memory, its own, so keep it too; what it
    /// loads as of a time is read each time.
    TemplatesRepository at(RevisionSelector which) const;

    /// One page of all templates, of at most `limit`; 0 gives an empty page and no next.
    TemplatesPage templates(const std::optional<std::string>& after = {}, std::size_t limit = 32,
                            std::optional<Deadline> deadline = {}) const;
    /// What is stored beside the body; nothing when there is no such template.
    std::optional<TemplateDeclaration> declaration(std::string_view identifier,
                                                   std::optional<Deadline> deadline = {}) const;
    /// The body; null when there is no such template. It is shared and never changes: a later load returns another.
    std::shared_ptr<const TemplateBody> load(std::string_view identifier, std::optional<Deadline> deadline = {}) const;

    /// Renders a stored template; `arguments` win over the handle's own. `otherwise`: the body to use when there is
    /// none of that identifier. Nested templates that are needed are loaded. Throws TemplateMissing,
    /// Error(invalid_argument) for a missing argument or templates that need one another in a circle.
    Content resolve(const Template& handle, const TemplateArguments& arguments = {},
                    const std::optional<std::string>& otherwise = {}, std::optional<Deadline> deadline = {}) const;
    /// The same with a body that is not stored.
    Content resolve(const TemplateBody& body, const TemplateArguments& arguments = {},
                    std::optional<Deadline> deadline = {}) const;
    /// As resolve(), and says what was used, for whoever keeps something made from it (stele/dependency.hpp).
    RenderedTemplate render(const Template& handle, const TemplateArguments& arguments = {},
                            const std::optional<std::string>& otherwise = {},
                            std::optional<Deadline> deadline = {}) const;
    /// As Content::text() shows it to those who can only read text.
    std::string resolve_text(const Template& handle, const TemplateArguments& arguments = {},
                             const std::optional<std::string>& otherwise = {},
                             std::optional<Deadline> deadline = {}) const;
    std::string resolve_text(const TemplateBody& body, const TemplateArguments& arguments = {},
                             std::optional<Deadline> deadline = {}) const;

    /// Adds a revision and returns it. None: the newest is the same, in body and declaration. Durable when it returns;
    /// visible to this process at once, to others within their max_staleness. Throws TemplateInvalid. In the grammar E1
    /// an empty description is stored as none, as draive did. An error that is in_doubt() leaves open whether it was
    /// added; the same call again adds it only if it was not, unless others defined meanwhile.
    std::optional<Timestamp> define(const TemplateDeclaration& declaration, std::string_view body,
                                    const RevisionNote& note = {}, std::optional<Deadline> deadline = {});
    /// Removes all revisions, with their notes; returns how many there were. Of an unknown identifier: 0.
    /// Error(constraint_violation) while a label (stele/labels.hpp) names one of them.
    std::size_t remove(std::string_view identifier, std::optional<Deadline> deadline = {});

    /// What is known of its revisions, the newest first.
    std::vector<Revision> history(std::string_view identifier, const HistoryOptions& options = {},
                                  std::optional<Deadline> deadline = {}) const;
    /// What changed between two revisions: a unified diff of the bodies, as `diff -u` prints it, then lines
    /// "- PATH: VALUE" and "+ PATH: VALUE" for description, variables and meta. Empty when nothing did.
    /// Error(not_found) when one is missing.
    std::string diff(std::string_view identifier, const RevisionSelector& from,
                     const RevisionSelector& to = RevisionSelector::newest(),
                     std::optional<Deadline> deadline = {}) const;
    /// Adds a revision with the content of an older one, as define() does. Error(not_found) when there is none.
    std::optional<Timestamp> restore(std::string_view identifier, Timestamp revision, const RevisionNote& note = {},
                                     std::optional<Deadline> deadline = {});
    /// Removes old revisions, or tells which. Error(constraint_violation) when a label was just moved to one of them:
    /// then nothing was removed, and it may be called again.
    Pruned prune(const PruneOptions& options, std::optional<Deadline> deadline = {});

    /// Of what is kept in memory; 0 for the twins.
    struct Counts {
        std::uint64_t hits = 0, misses = 0, loads = 0;
        std::size_t entries = 0;
    };
    Counts counts() const;

private:
    struct Impl;
    explicit TemplatesRepository(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
    std::shared_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace stele
