// The statements by which rows get into a vector index, many rows each: arrays that are taken apart there, and COPY.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "index/index_store.hpp"
#include "index/index_table.hpp"
#include "stele/copy.hpp"
#include "stele/statement.hpp"

namespace stele {

/// Of rows with a key and a digest: place, id, whether the payload is the same, the vector if it is not, whether that
/// is of a text that was cut. Of those that are there.
Statement known_statement(const TableFacts& facts, const std::string& table, RowPointers rows);

/// Adds the rows, or puts them in the place of those with their key, in that order; stamped by their `numbers`, in
/// microseconds from the statement's beginning on. Answers keys and their ids if they have keys. Affects none if the
/// facts hold no more.
Statement insert_statement(const TableFacts& facts, const IndexTable& table, RowPointers rows,
                           std::span<const Uuid> ids, const std::vector<std::int64_t>& numbers);

/// Adds rows without keys by COPY, which is quicker: at best 66 us a row of 768 elements where arrays took 75, both
/// into draive's columns with their indexes. `begun`: the stamp of the first. Returns their ids.
std::vector<Uuid> copy_rows(CopyPlace place, const TableFacts& facts, const IndexTable& table, RowPointers rows,
                            Timestamp begun, Deadline deadline);

}  // namespace stele
