#include <fmt/format.h>

#include <algorithm>

#include "base/result.hpp"
#include "revisions/labels_impl.hpp"
#include "revisions/memory_label_data.hpp"

namespace stele {
inline namespace v0 {
namespace {

bool lets_through(const LabelFilter& filter, const Label& label) {
    return (!filter.store || *filter.store == label.store) &&
           (!filter.identifier || *filter.identifier == label.identifier) &&
           (!filter.label || *filter.label == label.label);
}

}  // namespace

struct Labels::Impl::InMemory final : Impl {
    explicit InMemory(MemoryDatabase database) : database_(std::move(database)), impl_(database_.impl()) {
        MutexLock lock(impl_.mutex);
        data_ = &MemoryLabelData::of(impl_);
    }

    void move(std::span<const LabelMove> moves, const RevisionNote& note, Deadline) override {
        MutexLock lock(impl_.mutex);
        std::vector<Label> placed;
        for (const LabelMove& move : moves) {
            const auto store = data_->find_revision.find(move.store);
            const auto found =
                store == data_->find_revision.end() ? std::nullopt : store->second(move.identifier, move.revision);
            if (!found) {
                raise(ErrorCode::not_found,
                      fmt::format("there is no {} of \"{}\" in {} for the label \"{}\"",
                                  move.revision ? RevisionSelector::exactly(*move.revision).to_string() : "revision",
                                  move.identifier, stele::to_string(move.store), move.label));
            }
            placed.push_back({move.store, move.identifier, move.label, found, note.author, note.message, impl_.now()});
        }
        for (Label& label : placed) {
            Label& kept = data_->labels[{label.store, label.identifier, label.label}];
            if (kept.revision != label.revision) kept = note_move(std::move(label));
        }
    }

    std::size_t remove(std::span<const LabelName> labels, const RevisionNote& note, Deadline) override {
        MutexLock lock(impl_.mutex);
        std::size_t removed = 0;
        for (const LabelName& name : labels) {
            if (data_->labels.erase({name.store, name.identifier, name.label}) == 0) continue;
            note_move({name.store, name.identifier, name.label, {}, note.author, note.message, impl_.now()});
            ++removed;
        }
        return removed;
    }

    std::vector<Label> list(const LabelFilter& filter, Deadline) override {
        MutexLock lock(impl_.mutex);
        std::vector<Label> all;
        for (const auto& [key, label] : data_->labels) {
            if (lets_through(filter, label)) all.push_back(label);
        }
        return all;
    }

    std::vector<Label> history(const LabelFilter& filter, std::size_t limit, Deadline) override {
        MutexLock lock(impl_.mutex);
        std::vector<Label> all;
        for (auto move = data_->moves.rbegin(); move != data_->moves.rend() && all.size() < limit; ++move) {
            if (lets_through(filter, *move)) all.push_back(*move);
        }
        return all;
    }

private:
    Label note_move(Label label) STELE_REQUIRES(impl_.mutex) {
        if (!data_->moves.empty()) {
            label.moved = std::max(label.moved, data_->moves.back().moved + std::chrono::microseconds(1));
        }
        data_->moves.push_back(label);
        return label;
    }

    const MemoryDatabase database_;
    MemoryDatabase::Impl& impl_;
    MemoryLabelData* data_ = nullptr;  // under its lock
};

std::shared_ptr<Labels::Impl> labels_in_memory(MemoryDatabase database) {
    return std::make_shared<Labels::Impl::InMemory>(std::move(database));
}

}  // namespace v0
}  // namespace stele
