#include "revisions/memory_heads.hpp"

#include "revisions/memory_label_data.hpp"
#include "revisions/revision_kind.hpp"

namespace stele {

std::optional<std::string> MemoryHeads::current(MemoryDatabase::Impl& database, std::string_view kind,
                                                std::string_view name) {
    const std::string identifier(name);
    const std::optional<RevisionKind> revisions = RevisionKind::read(kind);
    if (!revisions) {
        const MemoryHeads& heads = of(database);
        const auto found = heads.published.find({std::string(kind), identifier});
        return found == heads.published.end() ? std::nullopt : std::optional(found->second.version);
    }
    const MemoryLabelData& labels = MemoryLabelData::of(database);
    std::optional<Timestamp> revision;
    if (revisions->label) {
        const auto label = labels.labels.find({revisions->store, identifier, *revisions->label});
        if (label != labels.labels.end()) revision = label->second.revision;
    } else if (const auto find = labels.find_revision.find(revisions->store); find != labels.find_revision.end()) {
        revision = find->second(identifier, std::nullopt);
    }
    return revision ? to_iso8601(*revision) : std::string();
}

}  // namespace stele
