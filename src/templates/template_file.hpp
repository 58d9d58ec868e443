// Templates in a file of draive's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/json_tree.hpp"
#include "base/mutex.hpp"
#include "revisions/revisions.hpp"
#include "templates/template_record.hpp"

namespace stele {

/// One revision of each, as old as the file.
class TemplateFile final : public Revisions<TemplateRecord> {
public:
    TemplateFile(std::filesystem::path file, bool append_unchanged)
        : file_(std::move(file)), append_unchanged_(append_unchanged) {}

    std::vector<std::string> identifiers(Deadline deadline) override;
    std::vector<std::pair<std::string, TemplateRecord>> page(std::string_view after, std::size_t limit,
                                                             Deadline deadline) override;
    std::optional<Stored> find(std::string_view identifier, const RevisionSelector& which, Deadline deadline) override;
    std::optional<Timestamp> define(std::string_view identifier, const TemplateRecord& record, const RevisionNote& note,
                                    Deadline deadline) override;
    std::optional<Timestamp> restore(std::string_view identifier, Timestamp created, const RevisionNote& note,
                                     Deadline deadline) override;
    std::size_t remove(std::string_view identifier, Deadline deadline) override;
    std::vector<Revision> history(std::string_view identifier, const HistoryOptions& options,
                                  Deadline deadline) override;
    Pruned prune(const PruneOptions&, Deadline) override { return {}; }

private:
    void refresh() STELE_REQUIRES(mutex_);
    void write(const JsonNode& document) STELE_REQUIRES(mutex_);
    const TemplateRecord* chosen(std::string_view identifier, const RevisionSelector& which) STELE_REQUIRES(mutex_);

    const std::filesystem::path file_;
    const bool append_unchanged_;
    Mutex mutex_;
    JsonNode document_ STELE_GUARDED_BY(mutex_);  // an array
    std::map<std::string, TemplateRecord, std::less<>> records_ STELE_GUARDED_BY(mutex_);
    /// Which file, in which state; times in ns.
    struct Seen {
        std::uint64_t inode = 0;
        std::int64_t size = -1, modified = 0, changed = 0;
        friend bool operator==(const Seen&, const Seen&) = default;
    };
    Seen read_ STELE_GUARDED_BY(mutex_);
    Timestamp written_ STELE_GUARDED_BY(mutex_);
};

}  // namespace stele
