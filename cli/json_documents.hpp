// JSON documents for an index, one a line.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "json_lines.hpp"
#include "stele/filter.hpp"
#include "stele/json.hpp"

namespace stele::cli {

/// Which members of a document mean something.
struct DocumentMembers {
    detail::FilterPath text;                   ///< is embedded
    std::optional<detail::FilterPath> key;     ///< identifies it
    std::optional<detail::FilterPath> vector;  ///< instead of a text: its vector, of names only

    /// All throw Error(invalid_argument) for a document without it.
    std::string text_of(const Json& document) const;
    std::vector<float> vector_of(const Json& document) const;
    std::string key_of(const Json& document) const;
};

/// Not thread-safe.
class JsonDocuments {
public:
    /// `lines` must outlive it.
    JsonDocuments(JsonLines& lines, DocumentMembers members) : lines_(lines), members_(std::move(members)) {}

    /// The next one, as it is written, but without a vector; nothing at the end. Throws Error(invalid_argument), naming
    /// the line, for what is no object, or has no text (or vector) or key.
    std::optional<Json> next();
    /// Of the document that next() gave.
    std::vector<float> take_vector() { return std::move(vector_); }
    const DocumentMembers& members() const noexcept { return members_; }

private:
    JsonLines& lines_;
    DocumentMembers members_;
    std::vector<float> vector_;
};

}  // namespace stele::cli
