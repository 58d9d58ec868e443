// What a revision of a configuration holds.
#pragma once

#include <string>

#include "revisions/revision_sql.hpp"
#include "stele/json.hpp"
#include "stele/labels.hpp"
#include "stele/rows.hpp"
#include "stele/statement.hpp"

namespace stele {

struct ConfigurationRecord {
    Json content;
    std::string name = {};  ///< haiway's: of the type without its scope; written where the table has it

    static constexpr LabelStore kStore = LabelStore::configurations;
    static const RevisionTableShape& shape() {
        static const RevisionTableShape kShape{to_string(kStore), {"content"}, "name"};
        return kShape;
    }
    void bind(Parameters& parameters, bool extra) const {
        parameters.add(content);
        if (extra) parameters.add(name);
    }
    static ConfigurationRecord read(const Row& row, std::size_t first) { return {row.get<Json>(first)}; }
    friend bool same(const ConfigurationRecord& a, const ConfigurationRecord& b) {
        return same_value(a.content, b.content);
    }
};

}  // namespace stele
