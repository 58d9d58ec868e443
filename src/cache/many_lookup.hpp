// Many questions of one namespace at once: the steps of get_operation(), for all together.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "cache/cache_store.hpp"
#include "cache/get_operation.hpp"

namespace stele {

/// Of the row of the same question, if there is one. A miss: how it stands.
GetOutcome exact_outcome(const std::optional<Row>& row);
/// The rows of these questions, in their order; one round trip.
std::vector<std::optional<Row>> read_questions(const CacheSql& sql, std::span<const GetRequest* const> requests,
                                               Executor& executor, Deadline deadline);
/// By meaning. The candidates of all are fetched at once; a question whose first ones all are refused or dead goes on
/// by itself.
std::vector<GetOutcome> look_for_alike(const CacheSql& sql, std::span<const KnownRequest> requests,
                                       const Neighbours& neighbours, Executor& executor, Deadline deadline);

}  // namespace stele
