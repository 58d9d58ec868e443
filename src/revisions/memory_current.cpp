#include "revisions/memory_current.hpp"

#include "base/memory_heads.hpp"
#include "revisions/memory_label_data.hpp"
#include "revisions/revision_kind.hpp"

namespace stele {
namespace {

std::string current(const MemoryLabelData& labels, std::string_view kind, const std::string& identifier) {
    const std::optional<RevisionKind> which = RevisionKind::read(kind);
    std::optional<Timestamp> revision;
    if (which && which->label) {
        const auto label = labels.labels.find({which->store, identifier, *which->label});
        if (label != labels.labels.end()) revision = label->second.revision;
    } else if (which) {
        const auto find = labels.find_revision.find(which->store);
        if (find != labels.find_revision.end()) revision = find->second(identifier, std::nullopt);
    }
    return revision ? to_iso8601(*revision) : std::string();
}

}  // namespace

void tell_heads(MemoryDatabase::Impl& database) {
    // both live as long as the database
    MemoryHeads::of(database).of_revisions = [labels = &MemoryLabelData::of(database)](std::string_view kind,
                                                                                       const std::string& name) {
        return current(*labels, kind, name);
    };
}

}  // namespace stele
