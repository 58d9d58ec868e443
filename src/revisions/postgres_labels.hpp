// Labels in their tables.
#pragma once

#include <string>

#include "revisions/labels_impl.hpp"

namespace stele {
inline namespace v0 {

/// What it runs on is told by who derives from it.
struct Labels::Impl::OnTables : Impl {
    explicit OnTables(const std::string& quoted_schema);

    void move(std::span<const LabelMove> moves, const RevisionNote& note, Deadline deadline) override;
    std::size_t remove(std::span<const LabelName> labels, const RevisionNote& note, Deadline deadline) override;
    std::vector<Label> list(const LabelFilter& filter, Deadline deadline) override;
    std::vector<Label> history(const LabelFilter& filter, std::size_t limit, Deadline deadline) override;

protected:
    virtual Executor& executor() = 0;

private:
    const Sql move_, remove_, list_, history_;
};

}  // namespace v0
}  // namespace stele
