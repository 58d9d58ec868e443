// What something was made from, so that it can be known when it no longer counts.
//
//     const auto prompt = templates.render({"support/answer", {{"question", question}}});
//     const auto settings = configurations.use<Settings>();
//     cache.put(question, answer, "acme", {.depends_on = {prompt, settings, {"document", "terms", "7"}}});
//
// Whoever defines the template or the configuration anew, or publishes another version of the document
// (stele/publications.hpp), makes that answer a miss from then on. The stores do not know of each other: an answer
// keeps what it was made from, and whoever finds it compares.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

/// One of these things, in the version that was used. A value type.
///
/// "template" and "configuration" are the kinds of Stele's own stores, and their versions are revisions as to_iso8601()
/// writes them; where a label chose the revision it is a part of the kind ("template:production"). Other kinds are the
/// application's ("document", "model", "embedder"), with any names and versions that it publishes; the name must say
/// whose it is where tenants have things of the same name. Of what nobody has published yet every version is current.
struct STELE_API Dependency {
    std::string kind;     ///< 1 to 100 bytes
    std::string name;     ///< 1 to 1,024 bytes
    std::string version;  ///< at most 1,024 bytes; empty: there was none
    /// Instead of `version`, the one that is current when this is stored. What was published since it was used, and
    /// before that, is then missed: say the version where it is known.
    bool newest = false;

    Dependency(std::string of_kind, std::string of_name, std::string of_version)
        : kind(std::move(of_kind)), name(std::move(of_name)), version(std::move(of_version)) {}
    static Dependency on_newest(std::string kind, std::string name) {
        Dependency made(std::move(kind), std::move(name), {});
        made.newest = true;
        return made;
    }

    friend bool operator==(const Dependency&, const Dependency&) = default;
    friend auto operator<=>(const Dependency&, const Dependency&) = default;
};

/// Several. Whatever says its own by a member dependencies() is converted: RenderedTemplate, UsedConfiguration.
class STELE_API Dependencies {
public:
    class Source {
    public:
        Source(Dependency one) : all_{std::move(one)} {}
        Source(std::string kind, std::string name, std::string version)
            : all_{Dependency(std::move(kind), std::move(name), std::move(version))} {}
        template <class T>
            requires requires(const T& made) { std::vector<Dependency>(made.dependencies()); }
        Source(const T& made) : all_(made.dependencies()) {}

    private:
        friend class Dependencies;
        std::vector<Dependency> all_;
    };

    Dependencies() = default;
    Dependencies(std::initializer_list<Source> sources) {
        for (const Source& source : sources) add(source);
    }
    void add(const Source& source) { all_.insert(all_.end(), source.all_.begin(), source.all_.end()); }

    const std::vector<Dependency>& all() const noexcept { return all_; }
    bool empty() const noexcept { return all_.empty(); }

private:
    std::vector<Dependency> all_;
};

}  // namespace v0
}  // namespace stele
