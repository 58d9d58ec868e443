#include "index/search_breadth.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <vector>

#include "index/index_sql.hpp"
#include "index/index_table.hpp"
#include "index/pgvector_value.hpp"

namespace stele {
namespace {

// So many that a theme that is not reached, with all that is nearest in it, counts as less than one in a hundred.
constexpr std::int64_t kQueries = 200;
constexpr double kDrawnFrom = 20'000;  // rows
constexpr int kBroadest = 1000;        // pgvector's limit
constexpr std::array kTried = {100, 110, 120, 135, 150, 165, 185, 220, 260, 320, 400};
constexpr double kEnough = 0.99;
constexpr double kMargin = 1.1;       // other queries than those
constexpr std::size_t kNearest = 11;  // ten, and the query itself, which is in the table
constexpr double kRounding = 1e-7;

constexpr std::string_view kNote = "stele: searched with ", kOf = " candidates of ", kRows = " rows";

using Distances = std::vector<double>;

/// Distances of the nearest, for each query.
std::vector<Distances> nearest(Executor& transaction, const std::vector<Statement>& searches, int breadth,
                               Deadline deadline) {
    transaction.query(Statement("SELECT set_config('hnsw.ef_search', $1, true)", std::to_string(breadth)), deadline);
    std::vector<Distances> all;
    for (const Rows& rows : transaction.run(searches, deadline)) {
        Distances& distances = all.emplace_back();
        for (const Row& row : rows) distances.push_back(row.get<double>(0));
    }
    return all;
}

/// How much of what the broadest search finds another does.
double found(const std::vector<Distances>& broadest, const std::vector<Distances>& other) {
    std::size_t good = 0, wanted = 0;
    for (std::size_t i = 0; i < broadest.size(); ++i) {
        if (broadest[i].empty() || std::isnan(broadest[i].back())) continue;  // a vector without a direction
        const double last = *std::max_element(broadest[i].begin(), broadest[i].end()) + kRounding;
        const auto count = std::count_if(other[i].begin(), other[i].end(), [last](double d) { return d <= last; });
        good += static_cast<std::size_t>(std::max<std::ptrdiff_t>(count - 1, 0));
        wanted += broadest[i].size() - 1;
    }
    return wanted == 0 ? 1 : static_cast<double>(good) / static_cast<double>(wanted);
}

}  // namespace

std::string breadth_note(const SearchBreadth& breadth) {
    return fmt::format("{}{}{}{:.0f}{}", kNote, breadth.candidates, kOf, breadth.rows, kRows);
}

std::optional<SearchBreadth> read_breadth_note(std::string_view note) {
    SearchBreadth breadth;
    const auto number = [&note](auto& value, std::string_view before, std::string_view behind) {
        if (!note.starts_with(before)) return false;
        note.remove_prefix(before.size());
        const auto [end, error] = std::from_chars(note.data(), note.data() + note.size(), value);
        note.remove_prefix(static_cast<std::size_t>(end - note.data()));
        return error == std::errc() && note.starts_with(behind);
    };
    if (!number(breadth.candidates, kNote, kOf) || !number(breadth.rows, kOf, kRows) || note != kRows) return {};
    if (breadth.candidates < 1 || breadth.candidates > kBroadest) return {};
    return breadth;
}

std::optional<SearchBreadth> measure_breadth(Executor& transaction, const std::string& quoted_table,
                                             const TableFacts& facts, Deadline deadline) {
    // as the searches of a user have it, so that the index is asked
    transaction.query(Statement("SELECT set_config('enable_sort', 'off', true), set_config('jit', 'off', true), "
                                "set_config('plan_cache_mode', 'force_generic_plan', true)"),
                      deadline);
    const Row counted = transaction.query(
        Statement("SELECT greatest(0, reltuples)::float8 FROM pg_class WHERE oid = to_regclass($1)", quoted_table),
        deadline)[0];
    const auto rows = counted.get<double>(0);
    // some of the pages of a large table: to draw from all takes minutes
    const Statement sample(fmt::format("SELECT {} FROM (SELECT embedding FROM {} TABLESAMPLE SYSTEM ($2) ORDER BY "
                                       "random() LIMIT $1) s",
                                       stored_vector(facts), quoted_table),
                           kQueries, 100 * std::min(1.0, kDrawnFrom / std::max(1.0, rows)));
    std::vector<Statement> searches;
    for (const Row& row : transaction.query(sample, deadline)) {
        Parameters parameters;
        add_query(parameters, decode_pgvector(row.get<std::span<const std::byte>>(0)));
        searches.push_back(with(fmt::format("SELECT embedding OPERATOR({}.<=>) {} AS d FROM {} ORDER BY d LIMIT {}",
                                            facts.extension, vector_cast(facts, 1), quoted_table, kNearest),
                                parameters));
    }
    if (searches.size() < static_cast<std::size_t>(kQueries)) return {};
    const std::vector<Distances> broadest = nearest(transaction, searches, kBroadest, deadline);
    const auto* const enough = std::find_if(kTried.begin(), std::prev(kTried.end()), [&](int breadth) {
        return found(broadest, nearest(transaction, searches, breadth, deadline)) >= kEnough;
    });
    return SearchBreadth{static_cast<int>(std::ceil(kMargin * *enough)), rows};
}

}  // namespace stele
