// A stored configuration, and the values that were read from it.
#pragma once

#include <atomic>

#include "stele/configuration.hpp"

namespace stele::inline v0::detail {

/// Immutable but for values that are read on demand, once for each type. Thread-safe.
class ConfigurationDocument {
public:
    explicit ConfigurationDocument(Json content, std::optional<Timestamp> revision = {})
        : content_(std::move(content)), revision_(revision) {}
    ConfigurationDocument(const ConfigurationDocument&) = delete;
    ConfigurationDocument& operator=(const ConfigurationDocument&) = delete;
    ~ConfigurationDocument();

    const Json& content() const noexcept { return content_; }
    /// None of what is not stored.
    const std::optional<Timestamp>& revision() const noexcept { return revision_; }
    /// Lives as long as this. Throws what reading throws.
    const void* as(const ConfigurationType& type, bool refuse_unknown) const;

private:
    struct Value {
        const ConfigurationType* type;
        void* value;
        Value* next;
    };
    const Json content_;
    const std::optional<Timestamp> revision_;
    mutable std::atomic<Value*> values_{nullptr};
};

}  // namespace stele::inline v0::detail
