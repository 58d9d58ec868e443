#include <fmt/format.h>

#include "base/loading_cache.hpp"
#include "base/text.hpp"
#include "configuration/configuration_document.hpp"
#include "configuration/configurations.hpp"
#include "postgres/change_follower.hpp"
#include "postgres/database_impl.hpp"
#include "postgres/joined_transaction.hpp"

namespace stele {
inline namespace v0 {
namespace {

constexpr std::string_view kStore = "configurations";

ErrorInfo missing(const std::string& identifier) {
    return make_error(ErrorCode::not_found,
                      fmt::format("there is no configuration '{}', and its type has members without a default; define "
                                  "it, or give every member one (stele::has_default)",
                                  identifier));
}

ErrorInfo invalid(const std::string& identifier, std::string_view reason) {
    return make_error(ErrorCode::type_mismatch,
                      fmt::format("the configuration '{}' is invalid: {}", identifier, reason));
}

void check_identifier(std::string_view identifier) {
    constexpr std::size_t kLongest = 1024;
    check_text("the identifier", identifier);
    if (identifier.empty() || identifier.size() > kLongest) {
        raise(ErrorCode::invalid_argument,
              fmt::format("the identifier has {} bytes; it must have 1 to {}", identifier.size(), kLongest));
    }
}

template <class Work>
struct OnExit {
    explicit OnExit(Work wanted) : work(std::move(wanted)) {}
    OnExit(const OnExit&) = delete;
    OnExit& operator=(const OnExit&) = delete;
    ~OnExit() { work(); }
    Work work;
};

}  // namespace

ConfigurationMissing::ConfigurationMissing(std::string identifier)
    : Error(missing(identifier)), identifier_(std::move(identifier)) {}

ConfigurationInvalid::ConfigurationInvalid(std::string identifier, std::string_view reason)
    : Error(invalid(identifier, reason)), identifier_(std::move(identifier)) {}

using detail::ConfigurationDocument;
using Document = std::shared_ptr<const ConfigurationDocument>;  // null: there is none

/// The twin, or a view within a transaction, is the part without a database: it keeps nothing in memory.
struct ConfigurationRepository::Impl {
    virtual ~Impl() = default;
    virtual Document document(std::string_view identifier, Deadline deadline) { return read(identifier, deadline); }
    virtual std::vector<std::string> identifiers(Deadline deadline) { return store->identifiers(deadline); }
    virtual void changed(const std::string&) {}
    virtual Deadline default_deadline() const { return Deadline::never(); }
    virtual const Database& database() const { no_transaction(); }
    virtual Counts counts() const { return {}; }

    Document read(std::string_view identifier, Deadline deadline) {
        std::optional<Json> content = store->newest(identifier, deadline);
        return content ? std::make_shared<const ConfigurationDocument>(std::move(*content)) : nullptr;
    }
    Deadline until(const std::optional<Deadline>& deadline) const { return deadline ? *deadline : default_deadline(); }
    [[noreturn]] static void no_transaction() {
        raise(ErrorCode::invalid_argument,
              "only a repository on a database takes part in a transaction; this is a twin in memory, or one that does "
              "already");
    }

    struct Stored;
    struct InTransaction;
    ConfigurationOptions options;
    std::unique_ptr<Configurations> store;
};

/// On a database, with a memory that follows it.
struct ConfigurationRepository::Impl::Stored final : Impl, ChangeListener {
    Stored(Database owner, const ConfigurationOptions& chosen)
        : owner_(std::move(owner)),
          documents_({.limit = chosen.cache_limit, .ttl = chosen.cache_expiration}),
          list_({.limit = chosen.cache_limit == 0 ? 0U : 1U, .ttl = chosen.cache_expiration}),
          follower_(*owner_.impl().changes) {
        options = chosen;
        store = make_postgres_configurations(owner_, owner_.quoted_schema(), chosen.append_unchanged, true);
        subscription_ = follower_.subscribe(*this);
    }

    Document document(std::string_view identifier, Deadline deadline) override {
        if (!follower_.fresh()) return read(identifier, deadline);
        return documents_.get(identifier, deadline, [&] { return read(identifier, deadline); });
    }
    std::vector<std::string> identifiers(Deadline deadline) override {
        if (!follower_.fresh()) return store->identifiers(deadline);
        return *list_.get("", deadline, [&] {
            return std::make_shared<const std::vector<std::string>>(store->identifiers(deadline));
        });
    }
    void changed(const std::string& identifier) override {
        documents_.invalidate(identifier);
        list_.invalidate_all();
    }
    void changed(std::span<const Change> changes) noexcept override {
        for (const Change& change : changes) {
            if (change.store != kStore) continue;
            if (!change.key) return all_changed();
            changed(*change.key);
        }
    }
    void all_changed() noexcept override {
        documents_.invalidate_all();
        list_.invalidate_all();
    }
    Deadline default_deadline() const override { return owner_.impl().default_deadline(); }
    const Database& database() const override { return owner_; }
    Counts counts() const override {
        const auto counts = documents_.counts();
        return {counts.hits, counts.misses, counts.loads, counts.entries};
    }

private:
    Database owner_;
    LoadingCache<ConfigurationDocument> documents_;
    LoadingCache<std::vector<std::string>> list_;
    ChangeFollower& follower_;
    ChangeFollower::Subscription subscription_;  // the last: it calls this
};

struct ConfigurationRepository::Impl::InTransaction final : Impl {
    InTransaction(std::shared_ptr<Impl> outside, std::unique_ptr<JoinedTransaction> joined)
        : outside_(std::move(outside)), joined_(std::move(joined)) {
        options = outside_->options;
        store = make_postgres_configurations(*joined_, outside_->database().quoted_schema(), options.append_unchanged,
                                             false);
    }
    void changed(const std::string& identifier) override {
        joined_->after_commit([outside = outside_, identifier] { outside->changed(identifier); });
    }
    Deadline default_deadline() const override { return outside_->default_deadline(); }

private:
    std::shared_ptr<Impl> outside_;
    std::unique_ptr<JoinedTransaction> joined_;
};

ConfigurationRepository::ConfigurationRepository(Database database, ConfigurationOptions options)
    : impl_(std::make_shared<Impl::Stored>(std::move(database), options)) {}

ConfigurationRepository ConfigurationRepository::in_memory(ConfigurationOptions options) {
    auto twin = std::make_shared<Impl>();
    twin->options = options;
    twin->store = make_memory_configurations(options.append_unchanged);
    return ConfigurationRepository(std::move(twin));
}

ConfigurationRepository ConfigurationRepository::in(Transaction& transaction) const {
    auto joined = std::make_unique<JoinedTransaction>(transaction, impl_->database());
    return ConfigurationRepository(std::make_shared<Impl::InTransaction>(impl_, std::move(joined)));
}

ConfigurationRepository ConfigurationRepository::in(Savepoint& savepoint) const {
    auto joined = std::make_unique<JoinedTransaction>(savepoint, impl_->database());
    return ConfigurationRepository(std::make_shared<Impl::InTransaction>(impl_, std::move(joined)));
}

std::vector<std::string> ConfigurationRepository::configurations(std::optional<Deadline> deadline) const {
    return impl_->identifiers(impl_->until(deadline));
}

std::optional<Json> ConfigurationRepository::load_raw(std::string_view identifier,
                                                      std::optional<Deadline> deadline) const {
    check_identifier(identifier);
    const Document document = impl_->document(identifier, impl_->until(deadline));
    return document ? std::optional(document->content()) : std::nullopt;
}

std::shared_ptr<const void> ConfigurationRepository::load_typed(std::string_view identifier,
                                                                const detail::ConfigurationType& type,
                                                                std::optional<Deadline> deadline) const {
    check_identifier(identifier);
    Document document = impl_->document(identifier, impl_->until(deadline));
    if (!document) return nullptr;
    try {
        const void* value = document->as(type, impl_->options.refuse_unknown);
        return std::shared_ptr<const void>(std::move(document), value);
    } catch (const std::exception& error) {  // a type's own reading may throw anything
        throw ConfigurationInvalid(std::string(identifier), error.what());
    }
}

std::shared_ptr<const void> ConfigurationRepository::defaults(std::string_view identifier,
                                                              const detail::ConfigurationType& type) {
    auto empty = std::make_shared<const ConfigurationDocument>(Json::object());
    try {
        const void* value = empty->as(type, false);
        return std::shared_ptr<const void>(std::move(empty), value);
    } catch (const std::exception&) {
        throw ConfigurationMissing(std::string(identifier));
    }
}

bool ConfigurationRepository::define(std::string_view identifier, const Json& content,
                                     std::optional<Deadline> deadline) {
    return define_named(identifier, content, identifier, deadline);
}

bool ConfigurationRepository::define_named(std::string_view identifier, const Json& content, std::string_view name,
                                           std::optional<Deadline> deadline) {
    check_identifier(identifier);
    if (!content.is_object()) {
        raise(ErrorCode::invalid_argument,
              fmt::format("the content of configuration '{}' is not a JSON object", identifier));
    }
    // also when it fails: it may be in doubt
    const OnExit forget([&] { impl_->changed(std::string(identifier)); });
    return impl_->store->define(identifier, content, name, impl_->until(deadline));
}

std::size_t ConfigurationRepository::remove(std::string_view identifier, std::optional<Deadline> deadline) {
    check_identifier(identifier);
    const OnExit forget([&] { impl_->changed(std::string(identifier)); });
    return impl_->store->remove(identifier, impl_->until(deadline));
}

ConfigurationRepository::Counts ConfigurationRepository::counts() const {
    return impl_->counts();
}

}  // namespace v0
}  // namespace stele
