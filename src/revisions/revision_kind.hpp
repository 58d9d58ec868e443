// Revisions of configurations and templates as kinds of dependencies: "template", "configuration:production".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/revision_kinds.hpp"
#include "stele/dependency.hpp"
#include "stele/labels.hpp"

namespace stele {

struct RevisionKind {
    LabelStore store = LabelStore::configurations;
    std::optional<std::string> label = {};  ///< none: the newest

    /// Nothing: it is a kind of the application's.
    static std::optional<RevisionKind> read(std::string_view kind) {
        if (!is_revision_kind(kind)) return std::nullopt;
        const std::size_t colon = kind.find(':');
        RevisionKind read;
        if (kind.substr(0, colon) == kTemplateKind) read.store = LabelStore::templates;
        if (colon != std::string_view::npos) read.label = kind.substr(colon + 1);
        return read;
    }
};

/// What was read of an identifier; no revision: there was none. Nothing if that can never change: the very revision was
/// asked for, or that of a time.
inline std::optional<Dependency> dependency_on(LabelStore store, std::string_view identifier,
                                               const RevisionSelector& which,
                                               const std::optional<Timestamp>& revision) {
    using Kind = RevisionSelector::Kind;
    if (which.kind() == Kind::as_of || which.kind() == Kind::exactly) return std::nullopt;
    std::string kind(store == LabelStore::templates ? kTemplateKind : kConfigurationKind);
    if (which.kind() == Kind::labelled) kind.append(":").append(which.label());
    return Dependency(std::move(kind), std::string(identifier), revision ? to_iso8601(*revision) : std::string());
}

}  // namespace stele
