#include "chaos/call.hpp"

#include <fmt/format.h>

namespace stele::test {
namespace {

std::string read_complaint(const Call& call, const Rows& rows) {
    const std::size_t expected = call.key < kItems ? 1 : 0;
    if (rows.size() != expected)
        return fmt::format("{} rows instead of {} for key {}", rows.size(), expected, call.key);
    if (expected == 0) return {};
    const auto id = rows[0].get<int>("id");
    const auto name = rows[0].get<std::string>("name");
    if (id == call.key && name == fmt::format("item {}", id)) return {};
    return fmt::format("asked for key {}, got {} \"{}\"", call.key, id, name);
}

std::string number_complaint(const Call& call, const Rows& rows) {
    if (rows.size() != 1) return fmt::format("{} rows instead of 1", rows.size());
    const auto number = rows[0].get<std::int64_t>("number");
    return number == call.number ? "" : fmt::format("asked as number {}, got the answer of {}", call.number, number);
}

}  // namespace

int Call::log_rows() const {
    switch (kind) {
        case Kind::insert:
        case Kind::blind_insert: return 1;
        case Kind::batch:
        case Kind::transaction: return 2;
        default: return 0;
    }
}

std::string_view to_string(Call::Kind kind) {
    switch (kind) {
        case Call::Kind::read: return "read";
        case Call::Kind::read_by_key: return "read by key";
        case Call::Kind::read_back: return "read of its own write";
        case Call::Kind::slow_read: return "slow read";
        case Call::Kind::failing_read: return "read that must fail";
        case Call::Kind::unmarked: return "unmarked statement";
        case Call::Kind::insert: return "insert";
        case Call::Kind::blind_insert: return "blind insert";
        case Call::Kind::refused_write: return "insert that must be refused";
        case Call::Kind::refused_commit: return "insert that the commit must refuse";
        case Call::Kind::count: return "count";
        case Call::Kind::batch: return "batch";
        case Call::Kind::refused_batch: return "batch that must be refused";
        case Call::Kind::transaction: return "transaction";
        case Call::Kind::left_behind: return "transaction left behind";
        case Call::Kind::rolled_back: return "transaction rolled back";
    }
    return "?";
}

std::string complaint(const Call& call, std::span<const Rows> answers) {
    if (answers.size() != call.statements.size()) return fmt::format("{} answers", answers.size());
    if (call.must_fail()) return "it was answered, not refused";
    switch (call.kind) {
        case Call::Kind::read:
        case Call::Kind::read_by_key: return read_complaint(call, answers[0]);
        case Call::Kind::count: {
            const bool one = answers[0].size() == 1;
            const int id = one ? answers[0][0].get<int>("id") : -1;
            return id == call.key ? "" : fmt::format("counted on {}, got {}", call.key, id);
        }
        default: break;
    }
    for (const Rows& rows : answers) {
        if (std::string wrong = number_complaint(call, rows); !wrong.empty()) return wrong;
    }
    return {};
}

std::string complaint(const Call& call, std::uint64_t affected) {
    const auto expected = static_cast<std::uint64_t>(call.log_rows());
    return affected == expected ? "" : fmt::format("{} rows affected instead of {}", affected, expected);
}

std::string complaint(const Call& call, const ErrorInfo& error) {
    if (call.kind == Call::Kind::failing_read && error.sqlstate == "22012") return {};
    if (call.refused() && error.code == ErrorCode::constraint_violation) return {};
    switch (error.code) {
        case ErrorCode::unavailable:
        case ErrorCode::deadline_exceeded:
        case ErrorCode::pool_exhausted:
        case ErrorCode::in_doubt: break;
        default: return "no fault of the wire explains this error";
    }
    if (call.calm) return "it failed although no fault was about";
    return {};
}

}  // namespace stele::test
