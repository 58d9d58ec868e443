#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/json_diff.hpp"
#include "base/text.hpp"
#include "base/text_diff.hpp"
#include "revisions/name_check.hpp"
#include "revisions/repository.hpp"
#include "revisions/revision_kind.hpp"
#include "stele/templates.hpp"
#include "templates/template_declaration.hpp"
#include "templates/template_file.hpp"
#include "templates/template_record.hpp"

namespace stele {
inline namespace v0 {
namespace {

std::string missing(std::string_view identifier, const RevisionSelector& which) {
    if (which.kind() == RevisionSelector::Kind::newest) {
        return fmt::format("there is no template '{}'; define it, or give a body to use otherwise", identifier);
    }
    return fmt::format("the template '{}' has no revision of that description: {}", identifier, which.to_string());
}

}  // namespace

TemplateMissing::TemplateMissing(std::string identifier, const RevisionSelector& which)
    : Error(make_error(ErrorCode::not_found, missing(identifier, which))), identifier_(std::move(identifier)) {}

TemplateInvalid::TemplateInvalid(std::string identifier, std::string reason)
    : Error(make_error(ErrorCode::invalid_argument, std::move(reason))), identifier_(std::move(identifier)) {}

struct TemplatesRepository::Impl {
    /// A revision as far as it is kept in memory.
    struct StoredBody {
        TemplateBody body;
        Timestamp created;
    };
    using Kept = Repository<TemplateRecord, StoredBody>;

    TemplatesOptions options;
    std::shared_ptr<Kept> kept;
    bool in_tables = true;  // what is current can be asked there

    static Kept::Make make(TemplateGrammar grammar) {
        return [grammar](Kept::Stored stored) {
            return std::make_shared<const StoredBody>(
                StoredBody{TemplateBody::parse(stored.record.content, grammar), stored.created});
        };
    }
    TemplatesRepository with(std::shared_ptr<Kept> other) const {
        return TemplatesRepository(std::make_shared<Impl>(Impl{options, std::move(other), in_tables}));
    }
    static TemplatesRepository without_database(std::shared_ptr<Revisions<TemplateRecord>> revisions,
                                                const TemplatesOptions& options, bool in_tables) {
        auto kept = std::make_shared<Kept>(std::move(revisions), make(options.grammar), RevisionSelector::newest());
        return TemplatesRepository(std::make_shared<Impl>(Impl{options, std::move(kept), in_tables}));
    }
    template <class Inner>
    TemplatesRepository join(Inner& inner) const {
        return with(
            std::make_shared<Kept::InTransaction>(kept, std::make_shared<JoinedTransaction>(inner, kept->database()),
                                                  options.append_unchanged, make(options.grammar), kept->which()));
    }
    /// `used`: where it notes what it loads; null: nowhere.
    TemplateLoader loader(const std::optional<Deadline>& deadline, std::vector<Dependency>* used = nullptr) const {
        return [this, deadline, used](const std::string& identifier) -> std::optional<TemplateBody> {
            const auto stored = kept->value(identifier, kept->until(deadline));
            if (!stored) throw TemplateMissing(identifier, kept->which());
            if (used != nullptr) note(identifier, stored->created, *used);
            return stored->body;
        };
    }
    void note(const std::string& identifier, std::optional<Timestamp> revision, std::vector<Dependency>& used) const {
        if (!in_tables) return;
        if (auto one = dependency_on(LabelStore::templates, identifier, kept->which(), revision)) {
            used.push_back(*std::move(one));
        }
    }
    Content resolve(const Template& handle, const TemplateArguments& arguments,
                    const std::optional<std::string>& otherwise, const std::optional<Deadline>& deadline,
                    std::vector<Dependency>* used) const {
        check_identifier(handle.identifier);
        const TemplateLoader load = loader(deadline, used);
        if (!otherwise) return stele::render(handle, arguments, load);
        const TemplateLoader first = [&](const std::string& identifier) -> std::optional<TemplateBody> {
            if (identifier != handle.identifier) return load(identifier);
            const auto stored = kept->value(identifier, kept->until(deadline));
            if (used != nullptr) note(identifier, stored ? std::optional(stored->created) : std::nullopt, *used);
            return stored ? stored->body : TemplateBody::parse(*otherwise, options.grammar);
        };
        return stele::render(handle, arguments, first);
    }
};

TemplatesRepository::TemplatesRepository(Database database, TemplatesOptions options)
    : impl_(std::make_shared<Impl>()) {
    impl_->options = options;
    impl_->kept = std::make_shared<Impl::Kept::OnDatabase>(
        std::move(database), RepositoryOptions{options.cache_limit, options.cache_expiration, options.append_unchanged},
        Impl::make(options.grammar));
}

TemplatesRepository TemplatesRepository::in_memory(MemoryDatabase database, TemplatesOptions options) {
    return Impl::without_database(
        std::make_shared<MemoryRevisions<TemplateRecord>>(std::move(database), options.append_unchanged), options,
        true);
}

TemplatesRepository TemplatesRepository::in_file(std::filesystem::path file, TemplatesOptions options) {
    return Impl::without_database(std::make_shared<TemplateFile>(std::move(file), options.append_unchanged), options,
                                  false);
}

TemplatesRepository TemplatesRepository::in(Transaction& transaction) const {
    return impl_->join(transaction);
}

TemplatesRepository TemplatesRepository::in(Savepoint& savepoint) const {
    return impl_->join(savepoint);
}

TemplatesRepository TemplatesRepository::at(RevisionSelector which) const {
    check_selector(which);
    return impl_->with(impl_->kept->at(std::move(which)));
}

TemplatesPage TemplatesRepository::templates(const std::optional<std::string>& after, std::size_t limit,
                                             std::optional<Deadline> deadline) const {
    if (after) check_text("what to go on after", *after);
    TemplatesPage page;
    if (limit == 0) return page;
    // one more, so that a full last page does not promise another
    const std::size_t wanted = limit == std::numeric_limits<std::size_t>::max() ? limit : limit + 1;
    auto found = impl_->kept->revisions().page(after.value_or(""), wanted, impl_->kept->until(deadline));
    if (found.size() > limit) {
        found.pop_back();
        page.next = found.back().first;
    }
    for (auto& [identifier, record] : found) page.templates.push_back(record.declaration(std::move(identifier)));
    return page;
}

std::optional<TemplateDeclaration> TemplatesRepository::declaration(std::string_view identifier,
                                                                    std::optional<Deadline> deadline) const {
    check_identifier(identifier);
    const auto stored = impl_->kept->revisions().find(identifier, impl_->kept->which(), impl_->kept->until(deadline));
    return stored ? std::optional(stored->record.declaration(std::string(identifier))) : std::nullopt;
}

std::shared_ptr<const TemplateBody> TemplatesRepository::load(std::string_view identifier,
                                                              std::optional<Deadline> deadline) const {
    check_identifier(identifier);
    auto stored = impl_->kept->value(identifier, impl_->kept->until(deadline));
    if (!stored) return nullptr;
    const TemplateBody* const body = &stored->body;
    return {std::move(stored), body};
}

Content TemplatesRepository::resolve(const Template& handle, const TemplateArguments& arguments,
                                     const std::optional<std::string>& otherwise,
                                     std::optional<Deadline> deadline) const {
    return impl_->resolve(handle, arguments, otherwise, deadline, nullptr);
}

RenderedTemplate TemplatesRepository::render(const Template& handle, const TemplateArguments& arguments,
                                             const std::optional<std::string>& otherwise,
                                             std::optional<Deadline> deadline) const {
    RenderedTemplate made;
    made.content = impl_->resolve(handle, arguments, otherwise, deadline, &made.used);
    return made;
}

Content TemplatesRepository::resolve(const TemplateBody& body, const TemplateArguments& arguments,
                                     std::optional<Deadline> deadline) const {
    return stele::render(body, arguments, impl_->loader(deadline));
}

std::string TemplatesRepository::resolve_text(const Template& handle, const TemplateArguments& arguments,
                                              const std::optional<std::string>& otherwise,
                                              std::optional<Deadline> deadline) const {
    return resolve(handle, arguments, otherwise, deadline).text();
}

std::string TemplatesRepository::resolve_text(const TemplateBody& body, const TemplateArguments& arguments,
                                              std::optional<Deadline> deadline) const {
    return resolve(body, arguments, deadline).text();
}

std::optional<Timestamp> TemplatesRepository::define(const TemplateDeclaration& declaration, std::string_view body,
                                                     const RevisionNote& note, std::optional<Deadline> deadline) {
    check_identifier(declaration.identifier);
    const TemplateBody parsed = TemplateBody::parse(body, impl_->options.grammar);
    if (auto checked = examine_declaration(declaration, parsed); !checked) {
        throw TemplateInvalid(declaration.identifier, std::move(checked.error().message));
    }
    TemplateRecord record = TemplateRecord::of(declaration, body);
    if (impl_->options.grammar == TemplateGrammar::e1 && record.description == "") record.description.reset();
    return impl_->kept->define(declaration.identifier, record, note, deadline);
}

std::size_t TemplatesRepository::remove(std::string_view identifier, std::optional<Deadline> deadline) {
    return impl_->kept->remove(identifier, deadline);
}

std::vector<Revision> TemplatesRepository::history(std::string_view identifier, const HistoryOptions& options,
                                                   std::optional<Deadline> deadline) const {
    return impl_->kept->history(identifier, options, deadline);
}

std::string TemplatesRepository::diff(std::string_view identifier, const RevisionSelector& from,
                                      const RevisionSelector& to, std::optional<Deadline> deadline) const {
    const auto [before, after] = impl_->kept->two(identifier, from, to, deadline);
    const auto one_line = [](std::string name) {
        std::replace(name.begin(), name.end(), '\n', ' ');
        return name;
    };
    return unified_diff(before.content, after.content, one_line(fmt::format("{} ({})", identifier, from.to_string())),
                        one_line(fmt::format("{} ({})", identifier, to.to_string()))) +
           to_text(json_diff(before.about(), after.about()));
}

std::optional<Timestamp> TemplatesRepository::restore(std::string_view identifier, Timestamp revision,
                                                      const RevisionNote& note, std::optional<Deadline> deadline) {
    return impl_->kept->restore(identifier, revision, note, deadline);
}

Pruned TemplatesRepository::prune(const PruneOptions& options, std::optional<Deadline> deadline) {
    return impl_->kept->prune(options, deadline);
}

TemplatesRepository::Counts TemplatesRepository::counts() const {
    const auto counts = impl_->kept->counts();
    return {counts.hits, counts.misses, counts.loads, counts.entries};
}

}  // namespace v0
}  // namespace stele
