// Whatever a server sends in a COPY, the stream is refused or gives rows, the same ones however it was cut into pieces,
// and no more is held than a piece and a row; and whatever a value's bytes are, it is refused or read.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "fuzz.hpp"
#include "postgres/copy_format.hpp"
#include "postgres/oids.hpp"
#include "stele/rows.hpp"

namespace {

using stele::CopyDecoder;
using Row = std::vector<std::optional<std::string>>;

struct Outcome {
    std::vector<Row> rows;
    bool whole = false;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

template <class T>
void read(const CopyDecoder::Field& field, std::uint32_t type) {
    try {
        T value{};
        stele::detail::decode({field.data, field.length, type, true, "it"}, value);
    } catch (const stele::Error& error) {
        require(error.code() == stele::ErrorCode::type_mismatch);
    }
}

constexpr std::uint32_t kTypes[] = {
    stele::oid::kBool,      stele::oid::kInt2,        stele::oid::kInt4,     stele::oid::kInt8,  stele::oid::kFloat4,
    stele::oid::kFloat8,    stele::oid::kNumeric,     stele::oid::kText,     stele::oid::kBytea, stele::oid::kUuid,
    stele::oid::kInt8Array, stele::oid::kFloat4Array, stele::oid::kTextArray};

void read_as_everything(const CopyDecoder::Field& field, std::uint32_t type) {
    read<bool>(field, type);
    read<std::int16_t>(field, type);
    read<std::int64_t>(field, type);
    read<double>(field, type);
    read<std::string>(field, type);
    read<stele::Bytes>(field, type);
    read<stele::Uuid>(field, type);
    read<stele::Timestamp>(field, type);
    read<std::vector<std::int64_t>>(field, type);
    read<std::vector<float>>(field, type);
    read<std::vector<std::string>>(field, type);
}

Outcome decode(std::string_view stream, std::size_t columns, std::size_t piece, std::optional<std::uint32_t> type) {
    constexpr std::size_t kMaxRow = 200;
    CopyDecoder decoder(columns, kMaxRow);
    Outcome outcome;
    for (;;) {
        const auto step = decoder.next();
        require(decoder.buffered_bytes() <= piece + kMaxRow + stele::kCopyHeader.size());
        if (!step) {
            require(step.error().code == stele::ErrorCode::server && !step.error().message.empty());
            require(!decoder.next());
            return outcome;
        }
        if (*step == CopyDecoder::Step::row) {
            Row& row = outcome.rows.emplace_back();
            require(decoder.fields().size() == columns && decoder.rows() == outcome.rows.size());
            for (const CopyDecoder::Field& field : decoder.fields()) {
                row.push_back(field.data == nullptr ? std::nullopt
                                                    : std::optional(std::string(field.data, field.length)));
                if (type && field.data != nullptr) read_as_everything(field, *type);
            }
        } else if (!stream.empty()) {
            decoder.feed(stream.substr(0, piece));
            stream.remove_prefix(std::min(piece, stream.size()));
        } else {
            outcome.whole = decoder.end().has_value();
            require(outcome.whole == (*step == CopyDecoder::Step::done));
            return outcome;
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t columns = data[0] % 5U;
    const std::uint32_t type = kTypes[data[0] / 5U % std::size(kTypes)];
    const std::size_t piece = data[1] + std::size_t{1};
    const std::string_view rest = as_text(data + 2, size - 2);
    // as it is, and behind a header that holds
    for (const std::string& stream : {std::string(rest), std::string(stele::kCopyHeader).append(rest)}) {
        require(decode(stream, columns, piece, type) == decode(stream, columns, stream.size() + 1, std::nullopt));
    }
    return 0;
}
