#include "revisions/name_check.hpp"

#include <fmt/format.h>

#include <algorithm>

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

void check_new_label(std::string_view label) {
    constexpr std::size_t kLongest = 100;
    check_revision_name("the label", label);
    const bool plain = std::none_of(label.begin(), label.end(), [](unsigned char letter) {
        return letter <= ' ' || letter == 0x7F || letter == ':';
    });
    if (plain && label.size() <= kLongest && label != "newest") return;
    raise(ErrorCode::invalid_argument,
          fmt::format("\"{}\" cannot be a label: a label has 1 to {} bytes, no blank, control character or colon in "
                      "it, and is not \"newest\"",
                      label.substr(0, kLongest), kLongest));
}

void check_selector(const RevisionSelector& which) {
    if (which.kind() == RevisionSelector::Kind::labelled) check_revision_name("the label", which.label());
}

void check_note(const RevisionNote& note) {
    check_text("the author", note.author.value_or(""));
    check_text("the message", note.message.value_or(""));
}

}  // namespace stele
