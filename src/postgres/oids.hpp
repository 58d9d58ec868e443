// OIDs of PostgreSQL's built-in types. They never change (pg_type.dat).
#pragma once

#include <cstdint>

namespace stele::oid {

inline constexpr std::uint32_t kBool = 16, kBytea = 17, kChar = 18, kName = 19, kInt8 = 20, kInt2 = 21, kInt4 = 23,
                               kText = 25, kOid = 26, kJson = 114, kFloat4 = 700, kFloat8 = 701, kUnknown = 705,
                               kBpchar = 1042, kVarchar = 1043, kTimestamp = 1114, kTimestamptz = 1184, kNumeric = 1700,
                               kUuid = 2950, kJsonb = 3802, kXid8 = 5069;
inline constexpr std::uint32_t kBoolArray = 1000, kByteaArray = 1001, kInt2Array = 1005, kInt4Array = 1007,
                               kTextArray = 1009, kVarcharArray = 1015, kInt8Array = 1016, kFloat4Array = 1021,
                               kFloat8Array = 1022, kTimestamptzArray = 1185, kUuidArray = 2951, kJsonbArray = 3807;

}  // namespace stele::oid
