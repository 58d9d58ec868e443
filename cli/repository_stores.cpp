// The two stores behind RevisionStore.
#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "exit_code.hpp"
#include "revision_store.hpp"
#include "stele/configuration.hpp"
#include "stele/templates.hpp"

namespace stele::cli {
namespace {

constexpr std::chrono::hours kWholeDay{24};

/// What the repositories have under the same names.
template <class Repository>
class StoreOf : public RevisionStore {
public:
    StoreOf(const StoreKind& kind, Repository repository, Labels labels)
        : RevisionStore(kind, std::move(labels)), repository_(std::move(repository)) {}

    std::size_t remove(const std::string& identifier, const Until& until) override {
        return repository_.remove(identifier, until);
    }
    std::vector<Revision> history(const std::string& identifier, const HistoryOptions& options,
                                  const Until& until) const override {
        return repository_.history(identifier, options, until);
    }
    std::string diff(const std::string& identifier, const RevisionSelector& from, const RevisionSelector& to,
                     const Until& until) const override {
        return repository_.diff(identifier, from, to, until);
    }
    std::optional<Timestamp> restore(const std::string& identifier, Timestamp revision, const RevisionNote& note,
                                     const Until& until) override {
        return repository_.restore(identifier, revision, note, until);
    }
    Pruned prune(const PruneOptions& options, const Until& until) override { return repository_.prune(options, until); }

protected:
    /// Whether `load` was answered from memory.
    template <class Load>
    bool from_memory(Load load) const {
        const auto hits = repository_.counts().hits;
        load();
        return repository_.counts().hits != hits;
    }

    Repository repository_;
};

class ConfigurationStore final : public StoreOf<ConfigurationRepository> {
public:
    ConfigurationStore(ConfigurationRepository repository, Labels labels)
        : StoreOf(kConfigurations, std::move(repository), std::move(labels)) {}

    std::unique_ptr<RevisionStore> in(Transaction& transaction) const override {
        return std::make_unique<ConfigurationStore>(repository_.in(transaction), labels().in(transaction));
    }
    ListedPage page(const std::optional<std::string>&, std::size_t, const Until& until) const override {
        ListedPage page;
        for (std::string& identifier : repository_.configurations(until)) {
            page.entries.push_back({.identifier = std::move(identifier)});
        }
        return page;
    }
    std::optional<RevisionContent> content(const std::string& identifier, const RevisionSelector& which,
                                           const Until& until) const override {
        const auto found = repository_.at(which).load_raw(identifier, until);
        return found ? std::optional(RevisionContent{found->text()}) : std::nullopt;
    }
    RevisionContent complete(const std::string&, std::string text,
                             const std::optional<RevisionContent>&) const override {
        RevisionContent content{std::move(text)};
        check_content(kind(), content, TemplateGrammar::e3);
        return content;
    }
    std::optional<Timestamp> define(const std::string& identifier, const RevisionContent& content,
                                    const RevisionNote& note, const Until& until) override {
        return repository_.define(identifier, Json::parse(content.text), note, until);
    }
    bool touch(const std::string& identifier, const Until& until) override {
        return !from_memory([&] { return repository_.load_raw(identifier, until); });
    }
};

class TemplateStore final : public StoreOf<TemplatesRepository> {
public:
    TemplateStore(TemplatesRepository repository, Labels labels, TemplateGrammar grammar)
        : StoreOf(kTemplates, std::move(repository), std::move(labels)), grammar_(grammar) {}

    std::unique_ptr<RevisionStore> in(Transaction& transaction) const override {
        return std::make_unique<TemplateStore>(repository_.in(transaction), labels().in(transaction), grammar_);
    }
    ListedPage page(const std::optional<std::string>& after, std::size_t limit, const Until& until) const override {
        ListedPage page;
        TemplatesPage found = repository_.templates(after, limit, until);
        for (TemplateDeclaration& about : found.templates) {
            std::string identifier = about.identifier;
            page.entries.push_back({std::move(identifier), std::move(about)});
        }
        page.next = std::move(found.next);
        return page;
    }
    std::optional<RevisionContent> content(const std::string& identifier, const RevisionSelector& which,
                                           const Until& until) const override {
        const TemplatesRepository at = repository_.at(which);
        const auto body = at.load(identifier, until);
        auto about = at.declaration(identifier, until);
        if (!body || !about) return std::nullopt;
        return RevisionContent{body->text(), std::move(about)};
    }
    RevisionContent complete(const std::string& identifier, std::string text,
                             const std::optional<RevisionContent>& newest) const override {
        const auto known = newest ? newest->about : std::nullopt;
        TemplateDeclaration about = known.value_or(TemplateDeclaration{});
        about.identifier = identifier;
        about.variables.clear();
        for (const std::string& name : TemplateBody::parse(text, grammar_).variables()) {
            TemplateVariable variable{name};
            for (const TemplateVariable& before : known ? known->variables : about.variables) {
                if (before.name == name) variable.description = before.description;
            }
            about.variables.push_back(std::move(variable));
        }
        return {std::move(text), std::move(about)};
    }
    std::optional<Timestamp> define(const std::string& identifier, const RevisionContent& content,
                                    const RevisionNote& note, const Until& until) override {
        TemplateDeclaration about = content.about.value();
        about.identifier = identifier;
        return repository_.define(about, content.text, note, until);
    }
    bool touch(const std::string& identifier, const Until& until) override {
        return !from_memory([&] { return repository_.load(identifier, until); });
    }

private:
    const TemplateGrammar grammar_;
};

}  // namespace

std::unique_ptr<RevisionStore> open_store(const Database& database, const StoreKind& kind,
                                          const StoreOptions& options) {
    if (kind.templates()) {
        TemplatesOptions templates{.grammar = options.grammar, .cache_limit = options.kept};
        templates.cache_expiration = kWholeDay;
        return std::make_unique<TemplateStore>(TemplatesRepository(database, templates), Labels(database),
                                               options.grammar);
    }
    ConfigurationOptions configurations{.cache_limit = options.kept, .cache_expiration = kWholeDay};
    return std::make_unique<ConfigurationStore>(ConfigurationRepository(database, configurations), Labels(database));
}

}  // namespace stele::cli
