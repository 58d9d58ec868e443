#include <fmt/format.h>

#include "base/json_diff.hpp"
#include "configuration/configuration_document.hpp"
#include "configuration/configuration_record.hpp"
#include "revisions/name_check.hpp"
#include "revisions/repository.hpp"
#include "revisions/revision_kind.hpp"

namespace stele {
inline namespace v0 {
namespace {

ErrorInfo missing(const std::string& identifier, const RevisionSelector& which) {
    const std::string reason = which.kind() == RevisionSelector::Kind::newest
                                   ? fmt::format("there is no configuration '{}'", identifier)
                                   : fmt::format("the configuration '{}' has no revision of that description: {}",
                                                 identifier, which.to_string());
    return make_error(ErrorCode::not_found,
                      reason +
                          ", and its type has members without a default; define it, or give every member one "
                          "(stele::has_default)");
}

ErrorInfo invalid(const std::string& identifier, std::string_view reason) {
    return make_error(ErrorCode::type_mismatch,
                      fmt::format("the configuration '{}' is invalid: {}", identifier, reason));
}

}  // namespace

ConfigurationMissing::ConfigurationMissing(std::string identifier, const RevisionSelector& which)
    : Error(missing(identifier, which)), identifier_(std::move(identifier)) {}

ConfigurationInvalid::ConfigurationInvalid(std::string identifier, std::string_view reason)
    : Error(invalid(identifier, reason)), identifier_(std::move(identifier)) {}

using detail::ConfigurationDocument;

struct ConfigurationRepository::Impl {
    using Kept = Repository<ConfigurationRecord, ConfigurationDocument>;

    ConfigurationOptions options;
    std::shared_ptr<Kept> kept;

    static Kept::Pointer make(Kept::Stored stored) {
        return std::make_shared<const ConfigurationDocument>(std::move(stored.record.content), stored.created);
    }
    ConfigurationRepository with(std::shared_ptr<Kept> other) const {
        return ConfigurationRepository(std::make_shared<Impl>(Impl{options, std::move(other)}));
    }
    template <class Inner>
    ConfigurationRepository join(Inner& inner) const {
        return with(std::make_shared<Kept::InTransaction>(kept,
                                                          std::make_shared<JoinedTransaction>(inner, kept->database()),
                                                          options.append_unchanged, make, kept->which()));
    }
    Kept::Pointer document(std::string_view identifier, const std::optional<Deadline>& deadline) const {
        check_identifier(identifier);
        return kept->value(identifier, kept->until(deadline));
    }
};

ConfigurationRepository::ConfigurationRepository(Database database, ConfigurationOptions options)
    : impl_(std::make_shared<Impl>()) {
    impl_->options = options;
    impl_->kept = std::make_shared<Impl::Kept::OnDatabase>(
        std::move(database), RepositoryOptions{options.cache_limit, options.cache_expiration, options.append_unchanged},
        Impl::make);
}

ConfigurationRepository ConfigurationRepository::in_memory(MemoryDatabase database, ConfigurationOptions options) {
    auto revisions =
        std::make_shared<MemoryRevisions<ConfigurationRecord>>(std::move(database), options.append_unchanged);
    return ConfigurationRepository(std::make_shared<Impl>(
        Impl{options, std::make_shared<Impl::Kept>(std::move(revisions), Impl::make, RevisionSelector::newest())}));
}

ConfigurationRepository ConfigurationRepository::in(Transaction& transaction) const {
    return impl_->join(transaction);
}

ConfigurationRepository ConfigurationRepository::in(Savepoint& savepoint) const {
    return impl_->join(savepoint);
}

ConfigurationRepository ConfigurationRepository::at(RevisionSelector which) const {
    check_selector(which);
    return impl_->with(impl_->kept->at(std::move(which)));
}

std::vector<std::string> ConfigurationRepository::configurations(std::optional<Deadline> deadline) const {
    return impl_->kept->identifiers(impl_->kept->until(deadline));
}

std::optional<Json> ConfigurationRepository::load_raw(std::string_view identifier,
                                                      std::optional<Deadline> deadline) const {
    const auto document = impl_->document(identifier, deadline);
    return document ? std::optional(document->content()) : std::nullopt;
}

std::shared_ptr<const void> ConfigurationRepository::load_typed(std::string_view identifier,
                                                                const detail::ConfigurationType& type,
                                                                std::optional<Deadline> deadline,
                                                                std::vector<Dependency>* used) const {
    auto document = impl_->document(identifier, deadline);
    if (used != nullptr) {
        const auto revision = document ? document->revision() : std::nullopt;
        if (auto one = dependency_on(LabelStore::configurations, identifier, impl_->kept->which(), revision)) {
            used->push_back(*std::move(one));
        }
    }
    if (!document) return nullptr;
    try {
        const void* value = document->as(type, impl_->options.refuse_unknown);
        return std::shared_ptr<const void>(std::move(document), value);
    } catch (const std::exception& error) {  // a type's own reading may throw anything
        throw ConfigurationInvalid(std::string(identifier), error.what());
    }
}

std::shared_ptr<const void> ConfigurationRepository::defaults(std::string_view identifier,
                                                              const detail::ConfigurationType& type) const {
    auto empty = std::make_shared<const ConfigurationDocument>(Json::object());
    try {
        const void* value = empty->as(type, false);
        return std::shared_ptr<const void>(std::move(empty), value);
    } catch (const std::exception&) {
        throw ConfigurationMissing(std::string(identifier), impl_->kept->which());
    }
}

std::optional<Timestamp> ConfigurationRepository::define(std::string_view identifier, const Json& content,
                                                         const RevisionNote& note, std::optional<Deadline> deadline) {
    return define_named(identifier, content, identifier, note, deadline);
}

std::optional<Timestamp> ConfigurationRepository::define_named(std::string_view identifier, const Json& content,
                                                               std::string_view name, const RevisionNote& note,
                                                               std::optional<Deadline> deadline) {
    check_identifier(identifier);
    if (!content.is_object()) {
        raise(ErrorCode::invalid_argument,
              fmt::format("the content of configuration '{}' is not a JSON object", identifier));
    }
    return impl_->kept->define(identifier, {content, std::string(name)}, note, deadline);
}

std::size_t ConfigurationRepository::remove(std::string_view identifier, std::optional<Deadline> deadline) {
    return impl_->kept->remove(identifier, deadline);
}

std::vector<Revision> ConfigurationRepository::history(std::string_view identifier, const HistoryOptions& options,
                                                       std::optional<Deadline> deadline) const {
    return impl_->kept->history(identifier, options, deadline);
}

std::string ConfigurationRepository::diff(std::string_view identifier, const RevisionSelector& from,
                                          const RevisionSelector& to, std::optional<Deadline> deadline) const {
    const auto [before, after] = impl_->kept->two(identifier, from, to, deadline);
    return to_text(json_diff(before.content, after.content));
}

std::optional<Timestamp> ConfigurationRepository::restore(std::string_view identifier, Timestamp revision,
                                                          const RevisionNote& note, std::optional<Deadline> deadline) {
    return impl_->kept->restore(identifier, revision, note, deadline);
}

Pruned ConfigurationRepository::prune(const PruneOptions& options, std::optional<Deadline> deadline) {
    return impl_->kept->prune(options, deadline);
}

ConfigurationRepository::Counts ConfigurationRepository::counts() const {
    const auto counts = impl_->kept->counts();
    return {counts.hits, counts.misses, counts.loads, counts.entries};
}

}  // namespace v0
}  // namespace stele
