// What a revision of a template holds.
#pragma once

#include <optional>
#include <string>

#include "revisions/revision_sql.hpp"
#include "stele/labels.hpp"
#include "stele/rows.hpp"
#include "stele/statement.hpp"
#include "stele/template.hpp"

namespace stele {

struct TemplateRecord {
    std::optional<std::string> description = {};
    std::string content;
    Json variables = Json::object();  ///< name to description
    Json meta = Json::object();

    static constexpr LabelStore kStore = LabelStore::templates;
    static const RevisionTableShape& shape();
    static TemplateRecord of(const TemplateDeclaration& declaration, std::string_view body);
    void bind(Parameters& parameters, bool extra) const;
    static TemplateRecord read(const Row& row, std::size_t first);
    TemplateDeclaration declaration(std::string identifier) const;
    /// Description, variables and meta as one document.
    Json about() const;
    friend bool same(const TemplateRecord& a, const TemplateRecord& b);
};

}  // namespace stele
