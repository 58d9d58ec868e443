#include "revisions/name_check.hpp"

#include <fmt/format.h>

#include "base/result.hpp"
#include "base/text.hpp"

namespace stele {

void check_revision_name(std::string_view what, std::string_view name) {
    constexpr std::size_t kLongest = 1024;
    check_text(what, name);
    if (name.empty() || name.size() > kLongest) {
        raise(ErrorCode::invalid_argument,
              fmt::format("{} has {} bytes; it must have 1 to {}", what, name.size(), kLongest));
    }
}

void check_selector(const RevisionSelector& which) {
    if (which.kind() == RevisionSelector::Kind::labelled) check_revision_name("the label", which.label());
}

void check_note(const RevisionNote& note) {
    check_text("the author", note.author.value_or(""));
    check_text("the message", note.message.value_or(""));
}

}  // namespace stele
