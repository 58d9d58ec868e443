#include "stele/revision.hpp"

#include <fmt/format.h>

namespace stele::inline v0 {

std::string RevisionSelector::to_string() const {
    switch (kind_) {
        case Kind::newest: return "newest";
        case Kind::labelled: return fmt::format("label {}", label_);
        case Kind::as_of: return fmt::format("as of {}", to_iso8601(time_));
        case Kind::exactly: return fmt::format("revision {}", to_iso8601(time_));
    }
    return {};
}

}  // namespace stele::inline v0
