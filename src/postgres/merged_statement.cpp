#include "postgres/merged_statement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "postgres/big_endian.hpp"
#include "postgres/oids.hpp"
#include "postgres/result_data.hpp"
#include "postgres/sql_split.hpp"

namespace stele {
namespace {

std::uint32_t array_of(std::uint32_t type) {
    constexpr std::array<std::pair<std::uint32_t, std::uint32_t>, 11> kArrays = {{
        {oid::kText, oid::kTextArray},
        {oid::kUuid, oid::kUuidArray},
        {oid::kBytea, oid::kByteaArray},
        {oid::kJsonb, oid::kJsonbArray},
        {oid::kInt8, oid::kInt8Array},
        {oid::kInt4, oid::kInt4Array},
        {oid::kInt2, oid::kInt2Array},
        {oid::kBool, oid::kBoolArray},
        {oid::kFloat4, oid::kFloat4Array},
        {oid::kFloat8, oid::kFloat8Array},
        {oid::kTimestamptz, oid::kTimestamptzArray},
    }};
    const auto found = std::find_if(kArrays.begin(), kArrays.end(), [type](auto& each) { return each.first == type; });
    return found == kArrays.end() ? 0 : found->second;
}

bool is_null(const Parameters::Slot& slot) {
    return slot.length < 0;
}

bool begins_with_select(std::string_view sql) {
    constexpr std::string_view kSelect = "select";
    return sql.size() > kSelect.size() &&
           std::equal(kSelect.begin(), kSelect.end(), sql.begin(), [](char a, char b) { return a == (b | 0x20); });
}

}  // namespace

std::optional<MergedStatement> MergedStatement::of(const Statement& statement) {
    const auto slots = statement.parameters().slots();
    const bool reads = statement.many().text().empty();
    const auto has_no_array = [reads](const Parameters::Slot& slot) {
        return (reads && is_null(slot)) || array_of(slot.oid) == 0;
    };
    if (slots.empty() || std::any_of(slots.begin(), slots.end(), has_no_array)) return std::nullopt;

    MergedStatement merged;
    merged.text_ = statement.sql();
    merged.reads_ = reads;
    for (const Parameters::Slot& slot : slots) merged.types_.push_back(slot.oid);
    if (!reads) {
        merged.sql_ = statement.many();
        return merged;
    }
    const std::optional<std::string> select = rename_parameters(statement.sql().text(), "k.p");
    if (!select || !begins_with_select(*select)) return std::nullopt;
    std::string arrays;
    for (std::size_t i = 1; i <= slots.size(); ++i) {
        fmt::format_to(std::back_inserter(arrays), "unnest(${}) AS p{}, ", i, i);
    }
    merged.sql_ =
        Sql(fmt::format("SELECT k.i, r.* FROM (SELECT {}generate_subscripts($1, 1) AS i OFFSET 0) k "
                        "CROSS JOIN LATERAL (SELECT * FROM ({}) q OFFSET 0) r",
                        arrays, *select));
    return merged;
}

bool MergedStatement::takes(const Statement& statement) const {
    const auto slots = statement.parameters().slots();
    const auto fits = [this](const Parameters::Slot& slot, std::uint32_t type) {
        return slot.oid == type && !(reads_ && is_null(slot));
    };
    return statement.sql().text() == text_.text() && statement.many().text().empty() == reads_ &&
           std::equal(slots.begin(), slots.end(), types_.begin(), types_.end(), fits);
}

Statement MergedStatement::merge(std::span<const Statement* const> statements) const {
    std::vector<const Parameters*> rows;
    rows.reserve(statements.size());
    for (const Statement* statement : statements) rows.push_back(&statement->parameters());
    Statement merged(sql_);
    merged.parameters().reserve(types_.size());
    for (std::size_t i = 0; i < types_.size(); ++i) merged.parameters().add_column(rows, i, array_of(types_[i]));
    if (reads_) merged.repeatable();
    return merged;
}

Result<std::vector<Rows>> split_answer(const std::shared_ptr<const detail::ResultData>& merged, std::size_t count) {
    std::vector<std::shared_ptr<detail::ResultData>> parts(count);
    for (auto& part : parts) {
        part = std::make_shared<detail::ResultData>();
        part->whole = merged;
    }
    const PGresult* result = merged->get();
    for (int row = 0; row < PQntuples(result); ++row) {
        const auto number = static_cast<std::size_t>(read_big_endian<std::int32_t>(PQgetvalue(result, row, 0)));
        if (number < 1 || number > count) {
            return fail(make_error(ErrorCode::internal,
                                   "a merged statement was answered with a number that it did not ask for"));
        }
        parts[number - 1]->rows.push_back(row);
    }
    std::vector<Rows> answers;
    answers.reserve(count);
    for (auto& part : parts) answers.emplace_back(std::move(part));
    return answers;
}

}  // namespace stele
