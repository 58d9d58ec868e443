#include "stele/labels.hpp"

#include <fmt/format.h>

#include <set>
#include <tuple>

#include "base/result.hpp"
#include "postgres/change_follower.hpp"
#include "postgres/database_impl.hpp"
#include "postgres/joined_transaction.hpp"
#include "revisions/name_check.hpp"
#include "revisions/postgres_labels.hpp"

namespace stele {
inline namespace v0 {
namespace {

template <class Named>
void check(std::span<const Named> labels, const RevisionNote& note) {
    std::set<std::tuple<LabelStore, std::string_view, std::string_view>> seen;
    for (const Named& label : labels) {
        check_revision_name("the identifier", label.identifier);
        check_revision_name("the label", label.label);
        if (!seen.emplace(label.store, label.identifier, label.label).second) {
            raise(ErrorCode::invalid_argument, fmt::format("the label \"{}\" of \"{}\" in {} is named twice",
                                                           label.label, label.identifier, to_string(label.store)));
        }
    }
    check_note(note);
}

void check(const LabelFilter& filter) {
    if (filter.identifier) check_revision_name("the identifier", *filter.identifier);
    if (filter.label) check_revision_name("the label", *filter.label);
}

}  // namespace

std::string_view to_string(LabelStore store) noexcept {
    return store == LabelStore::configurations ? "configurations" : "templates";
}

const Database& Labels::Impl::database() const {
    raise(ErrorCode::invalid_argument,
          "only labels on a database take part in a transaction; these are twins in memory, or do already");
}

struct Labels::Impl::Stored final : OnTables {
    explicit Stored(Database owner) : OnTables(owner.quoted_schema()), owner_(std::move(owner)) {}
    void changed(std::vector<LabelName> names) override {
        std::vector<Change> changes;
        changes.reserve(names.size());
        for (LabelName& name : names) {
            changes.push_back({std::string(stele::to_string(name.store)), "", std::move(name.identifier)});
        }
        owner_.impl().changes->announce(changes);
    }
    Deadline default_deadline() const override { return owner_.impl().default_deadline(); }
    const Database& database() const override { return owner_; }

private:
    Executor& executor() override { return owner_; }
    Database owner_;
};

struct Labels::Impl::InTransaction final : OnTables {
    InTransaction(std::shared_ptr<Impl> outside, std::unique_ptr<JoinedTransaction> joined)
        : OnTables(outside->database().quoted_schema()), outside_(std::move(outside)), joined_(std::move(joined)) {}
    void changed(std::vector<LabelName> names) override {
        joined_->after_commit([outside = outside_, all = std::move(names)] { outside->changed(all); });
    }
    Deadline default_deadline() const override { return outside_->default_deadline(); }

private:
    Executor& executor() override { return *joined_; }
    std::shared_ptr<Impl> outside_;
    std::unique_ptr<JoinedTransaction> joined_;
};

Labels::Labels(Database database) : impl_(std::make_shared<Impl::Stored>(std::move(database))) {}
Labels::Labels(MemoryDatabase database) : impl_(labels_in_memory(std::move(database))) {}

Labels Labels::in(Transaction& transaction) const {
    return Labels(std::make_shared<Impl::InTransaction>(
        impl_, std::make_unique<JoinedTransaction>(transaction, impl_->database())));
}

Labels Labels::in(Savepoint& savepoint) const {
    return Labels(std::make_shared<Impl::InTransaction>(
        impl_, std::make_unique<JoinedTransaction>(savepoint, impl_->database())));
}

void Labels::move(std::span<const LabelMove> moves, const RevisionNote& note, std::optional<Deadline> deadline) {
    check(moves, note);
    for (const LabelMove& move : moves) check_new_label(move.label);
    if (moves.empty()) return;
    const auto forget = [&] {
        std::vector<LabelName> names;
        for (const LabelMove& move : moves) names.push_back({move.store, move.identifier, move.label});
        impl_->changed(std::move(names));
    };
    try {
        impl_->move(moves, note, deadline.value_or(impl_->default_deadline()));
    } catch (...) {
        forget();  // it may be in doubt
        throw;
    }
    forget();
}

std::size_t Labels::remove(std::span<const LabelName> labels, const RevisionNote& note,
                           std::optional<Deadline> deadline) {
    check(labels, note);
    if (labels.empty()) return 0;
    const auto forget = [&] { impl_->changed({labels.begin(), labels.end()}); };
    std::size_t count = 0;
    try {
        count = impl_->remove(labels, note, deadline.value_or(impl_->default_deadline()));
    } catch (...) {
        forget();
        throw;
    }
    forget();
    return count;
}

std::vector<Label> Labels::list(const LabelFilter& filter, std::optional<Deadline> deadline) const {
    check(filter);
    return impl_->list(filter, deadline.value_or(impl_->default_deadline()));
}

std::vector<Label> Labels::history(const LabelFilter& filter, std::size_t limit,
                                   std::optional<Deadline> deadline) const {
    check(filter);
    return impl_->history(filter, limit, deadline.value_or(impl_->default_deadline()));
}

}  // namespace v0
}  // namespace stele
