// The stores whose memory follows the change log, behind one face: the first letter of a key says which.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "stele/configuration.hpp"
#include "stele/database.hpp"
#include "stele/labels.hpp"
#include "stele/templates.hpp"

namespace stele::test {

/// Keys: "t..." a template; "l..." a configuration, of which only what the label "seen" names is looked at; others a
/// configuration. Contents are JSON. Thread-safe.
class Stores {
public:
    explicit Stores(Database database)
        : database_(std::move(database)), configurations_(database_), templates_(database_), labels_(database_) {}

    /// "none": there is none. `inside`: in that transaction.
    std::string load(const std::string& key, Transaction* inside = nullptr) const {
        if (key.starts_with('t')) {
            const auto body = inside != nullptr ? templates_.in(*inside).load(key) : templates_.load(key);
            return body ? body->text() : "none";
        }
        const bool labelled = key.starts_with('l');
        const auto value = inside != nullptr ? view(configurations_.in(*inside), labelled).load_raw(key)
                                             : (labelled ? labelled_ : configurations_).load_raw(key);
        return value ? std::string(value->text()) : "none";
    }
    void define(const std::string& key, const std::string& content, Transaction* inside = nullptr) {
        if (key.starts_with('l') && inside == nullptr) {
            Transaction own = database_.begin();
            define(key, content, &own);
            return own.commit();
        }
        if (key.starts_with('t')) {
            auto templates = inside != nullptr ? templates_.in(*inside) : templates_;
            templates.define({.identifier = key}, content);
            return;
        }
        auto configurations = inside != nullptr ? configurations_.in(*inside) : configurations_;
        configurations.define(key, Json::parse(content));
        if (key.starts_with('l')) labels_.in(*inside).move({{LabelStore::configurations, key, kLabel}});
    }
    /// Of a labelled one only the label.
    void remove(const std::string& key, Transaction* inside = nullptr) {
        if (key.starts_with('t')) {
            (inside != nullptr ? templates_.in(*inside) : templates_).remove(key);
        } else if (key.starts_with('l')) {
            (inside != nullptr ? labels_.in(*inside) : labels_).remove({{LabelStore::configurations, key, kLabel}});
        } else {
            (inside != nullptr ? configurations_.in(*inside) : configurations_).remove(key);
        }
    }
    /// Loads that were answered from memory.
    std::uint64_t hits() const {
        return configurations_.counts().hits + labelled_.counts().hits + templates_.counts().hits;
    }

private:
    static constexpr char kLabel[] = "seen";
    static ConfigurationRepository view(ConfigurationRepository of, bool labelled) {
        return labelled ? of.at(RevisionSelector::labelled(kLabel)) : of;
    }

    Database database_;
    ConfigurationRepository configurations_;
    ConfigurationRepository labelled_ = view(configurations_, true);
    TemplatesRepository templates_;
    Labels labels_;
};

}  // namespace stele::test
