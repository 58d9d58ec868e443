// Revisions of a store in memory, for its twin.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/mutex.hpp"
#include "base/result.hpp"
#include "revisions/memory_current.hpp"
#include "revisions/memory_label_data.hpp"
#include "revisions/revisions.hpp"

namespace stele {

/// A Record says what store it is of and when two are the same:
///
///     static constexpr LabelStore kStore;
///     friend bool same(const Record& a, const Record& b);
template <class Record>
class MemoryRevisions final : public Revisions<Record> {
public:
    using typename Revisions<Record>::Stored;

    MemoryRevisions(MemoryDatabase database, bool append_unchanged)
        : database_(std::move(database)), append_unchanged_(append_unchanged), impl_(database_.impl()) {
        MutexLock lock(impl_.mutex);
        data_ = &impl_.template data<Data>(std::string(to_string(Record::kStore)));
        labels_ = &MemoryLabelData::of(impl_);
        tell_heads(impl_);
        labels_->find_revision[Record::kStore] = [data = data_](const std::string& identifier,
                                                                std::optional<Timestamp> revision) {
            const Entry* found = find_entry(*data, identifier, revision);
            return found == nullptr ? std::nullopt : std::optional(found->stored.created);
        };
    }

    std::vector<std::string> identifiers(Deadline) override {
        MutexLock lock(impl_.mutex);
        std::vector<std::string> all;
        for (const auto& [identifier, entries] : *data_) all.push_back(identifier);
        return all;
    }
    std::vector<std::pair<std::string, Record>> page(std::string_view after, std::size_t limit, Deadline) override {
        MutexLock lock(impl_.mutex);
        std::vector<std::pair<std::string, Record>> all;
        for (auto it = data_->upper_bound(after); it != data_->end() && all.size() < limit; ++it) {
            all.emplace_back(it->first, it->second.back().stored.record);
        }
        return all;
    }
    std::optional<Stored> find(std::string_view identifier, const RevisionSelector& which, Deadline) override {
        MutexLock lock(impl_.mutex);
        const auto found = data_->find(identifier);
        if (found == data_->end()) return std::nullopt;
        for (auto entry = found->second.rbegin(); entry != found->second.rend(); ++entry) {
            if (chosen(found->first, entry->stored.created, which)) return entry->stored;
        }
        return std::nullopt;
    }
    std::optional<Timestamp> define(std::string_view identifier, const Record& record, const RevisionNote& note,
                                    Deadline) override {
        MutexLock lock(impl_.mutex);
        return add(identifier, record, note);
    }
    std::optional<Timestamp> restore(std::string_view identifier, Timestamp created, const RevisionNote& note,
                                     Deadline) override {
        MutexLock lock(impl_.mutex);
        const Entry* old = find_entry(*data_, identifier, created);
        if (old == nullptr) {
            raise(ErrorCode::not_found,
                  fmt::format("there is no {} of '{}' in {}", RevisionSelector::exactly(created).to_string(),
                              identifier, to_string(Record::kStore)));
        }
        return add(identifier, Record(old->stored.record), note);
    }
    std::size_t remove(std::string_view identifier, Deadline) override {
        MutexLock lock(impl_.mutex);
        const auto found = data_->find(identifier);
        if (found == data_->end()) return 0;
        for (const Entry& entry : found->second) {
            const std::vector<std::string> labels = labels_of(found->first, entry.stored.created);
            if (labels.empty()) continue;
            raise(ErrorCode::constraint_violation,
                  fmt::format("{} of \"{}\" in {} has the label \"{}\"; move the label or take it away first",
                              RevisionSelector::exactly(entry.stored.created).to_string(), identifier,
                              to_string(Record::kStore), labels.front()));
        }
        const std::size_t count = found->second.size();
        data_->erase(found);
        return count;
    }
    std::vector<Revision> history(std::string_view identifier, const HistoryOptions& options, Deadline) override {
        MutexLock lock(impl_.mutex);
        std::vector<Revision> all;
        const auto found = data_->find(identifier);
        if (found == data_->end()) return all;
        for (auto entry = found->second.rbegin(); entry != found->second.rend() && all.size() < options.limit;
             ++entry) {
            const Timestamp created = entry->stored.created;
            if (options.before && created >= *options.before) continue;
            all.push_back({created, entry->note.author, entry->note.message, labels_of(found->first, created)});
        }
        return all;
    }
    Pruned prune(const PruneOptions& options, Deadline) override {
        MutexLock lock(impl_.mutex);
        Pruned pruned;
        const std::size_t keep = std::max<std::size_t>(options.keep, 1);
        for (auto& [identifier, entries] : *data_) {
            if (options.identifier && *options.identifier != identifier) continue;
            const std::size_t beyond = entries.size() > keep ? entries.size() - keep : 0;
            std::vector<Entry> kept;
            for (std::size_t i = 0; i < entries.size(); ++i) {
                const Timestamp created = entries[i].stored.created;
                const bool old = i < beyond && (!options.created_before || created < *options.created_before);
                const bool labelled = old && !labels_of(identifier, created).empty();
                if (labelled) ++pruned.labelled;
                if (old && !labelled) pruned.revisions.push_back({identifier, created});
                if (!old || labelled || options.dry_run) kept.push_back(std::move(entries[i]));
            }
            entries = std::move(kept);
        }
        return pruned;
    }

private:
    struct Entry {
        Stored stored;
        RevisionNote note;
    };
    using Data = std::map<std::string, std::vector<Entry>, std::less<>>;  // none empty, the newest at the end

    static const Entry* find_entry(const Data& data, std::string_view identifier, std::optional<Timestamp> created) {
        const auto found = data.find(identifier);
        if (found == data.end()) return nullptr;
        if (!created) return &found->second.back();
        for (const Entry& entry : found->second) {
            if (entry.stored.created == *created) return &entry;
        }
        return nullptr;
    }
    std::optional<Timestamp> add(std::string_view identifier, const Record& record, const RevisionNote& note)
        STELE_REQUIRES(impl_.mutex) {
        Timestamp created = impl_.now();
        const auto found = data_->find(identifier);
        if (found != data_->end()) {
            const Stored& newest = found->second.back().stored;
            if (!append_unchanged_ && same(newest.record, record)) return std::nullopt;
            created = std::max(created, newest.created + std::chrono::microseconds(1));
        }
        (*data_)[std::string(identifier)].push_back({{created, record}, note});
        return created;
    }
    bool chosen(const std::string& identifier, Timestamp created, const RevisionSelector& which) const
        STELE_REQUIRES(impl_.mutex) {
        switch (which.kind()) {
            case RevisionSelector::Kind::newest: return true;
            case RevisionSelector::Kind::as_of: return created <= which.time();
            case RevisionSelector::Kind::exactly: return created == which.time();
            case RevisionSelector::Kind::labelled: break;
        }
        const auto label = labels_->labels.find({Record::kStore, identifier, which.label()});
        return label != labels_->labels.end() && label->second.revision == created;
    }
    std::vector<std::string> labels_of(const std::string& identifier, Timestamp created) const
        STELE_REQUIRES(impl_.mutex) {
        std::vector<std::string> names;
        for (const auto& [key, label] : labels_->labels) {
            if (label.store == Record::kStore && label.identifier == identifier && label.revision == created) {
                names.push_back(label.label);
            }
        }
        return names;
    }

    const MemoryDatabase database_;
    const bool append_unchanged_;
    MemoryDatabase::Impl& impl_;
    Data* data_ = nullptr;  // both under its lock
    MemoryLabelData* labels_ = nullptr;
};

}  // namespace stele
