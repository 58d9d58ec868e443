#include "postgres/change_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace stele {
namespace {

bool take_number(std::string_view& text, std::uint64_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

bool take(std::string_view& text, char letter) {
    if (!text.starts_with(letter)) return false;
    text.remove_prefix(1);
    return true;
}

}  // namespace

Result<Snapshot> Snapshot::parse(std::string_view text) {
    Snapshot snapshot;
    std::string_view left = text;
    bool good =
        take_number(left, snapshot.xmin) && take(left, ':') && take_number(left, snapshot.xmax) && take(left, ':');
    while (good && !left.empty()) {
        good = (snapshot.running.empty() || take(left, ',')) && take_number(left, snapshot.running.emplace_back());
    }
    if (!good) return fail(make_error(ErrorCode::internal, fmt::format("'{}' is no snapshot", text)));
    return snapshot;
}

ChangeLog::Question ChangeLog::question() const {
    if (!last_) return {};
    // seeing a row twice does no harm
    if (last_->standby) return {last_->snapshot.xmin, {}};
    return {last_->snapshot.xmax, last_->snapshot.running};
}

bool ChangeLog::follows(const Look& look) {
    const bool first = !last_;
    const Question asked = question();
    const std::uint64_t oldest =
        asked.running.empty() ? asked.from : *std::min_element(asked.running.begin(), asked.running.end());
    const bool same = !first && look.incarnation == last_->incarnation && look.standby == last_->standby &&
                      look.snapshot.xmax >= last_->snapshot.xmax;
    const bool all = !look.incomplete && look.removed < oldest;
    last_ = look;
    last_->changes.clear();
    return same && all;
}

}  // namespace stele
