#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "postgres/copy_format.hpp"
#include "postgres/oids.hpp"

namespace stele {
namespace {

using namespace std::string_literals;
using Step = CopyDecoder::Step;
using Row = std::vector<std::optional<std::string>>;

std::string encoded(const std::vector<Row>& rows) {
    std::string out(kCopyHeader);
    char head[2], field[4];
    for (const Row& row : rows) {
        out += copy_row_head(row.size(), head);
        for (const auto& value : row) {
            out += copy_field_head(value ? static_cast<std::int32_t>(value->size()) : -1, field);
            out += value.value_or("");
        }
    }
    return out + std::string(kCopyTrailer);
}

struct Outcome {
    std::vector<Row> rows;
    std::string error;  // empty: the stream was whole
    std::size_t most_buffered = 0;
};

Outcome decode(std::string_view stream, std::size_t piece, std::size_t columns,
               std::size_t max_row = CopyDecoder::kMaxRowBytes) {
    CopyDecoder decoder(columns, max_row);
    Outcome outcome;
    for (;;) {
        const Result<Step> step = decoder.next();
        outcome.most_buffered = std::max(outcome.most_buffered, decoder.buffered_bytes());
        if (!step) {
            outcome.error = step.error().message;
            EXPECT_EQ(step.error().code, ErrorCode::server);
            EXPECT_FALSE(decoder.next()) << "gives rows after an error";
            return outcome;
        }
        if (*step == Step::row) {
            Row& row = outcome.rows.emplace_back();
            for (const CopyDecoder::Field& field : decoder.fields()) {
                row.push_back(field.data == nullptr ? std::nullopt
                                                    : std::optional(std::string(field.data, field.length)));
            }
            continue;
        }
        if (stream.empty()) {
            if (const Result<void> end = decoder.end(); !end) outcome.error = end.error().message;
            return outcome;
        }
        decoder.feed(stream.substr(0, piece));
        stream.remove_prefix(std::min(piece, stream.size()));
    }
}

const std::vector<Row> kRows = {
    {"one", std::nullopt, ""}, {std::nullopt, std::string(300, 'x'), "\0\xff"s}, {"", "", ""}};

TEST(CopyDecoder, gives_the_same_rows_however_the_stream_is_cut_into_pieces) {
    const std::string stream = encoded(kRows);
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
        const Outcome outcome = decode(stream, piece, 3);
        EXPECT_EQ(outcome.rows, kRows) << piece;
        EXPECT_EQ(outcome.error, "") << piece;
    }
}

TEST(CopyDecoder, holds_no_more_than_a_row_and_a_piece) {
    const std::vector<Row> many(1000, Row{std::string(100, 'x')});
    EXPECT_LE(decode(encoded(many), 50, 1).most_buffered, 106u + 50u);
    std::string long_header(kCopyHeader.substr(0, 15));
    long_header += "\0\x01\0\0"s + std::string(65536, 'x') + encoded(many).substr(kCopyHeader.size());
    const Outcome outcome = decode(long_header, 50, 1);
    EXPECT_EQ(outcome.rows.size(), 1000u);
    EXPECT_LE(outcome.most_buffered, 106u + 50u);
}

TEST(CopyDecoder, notices_a_stream_that_is_cut_off_anywhere) {
    const std::string stream = encoded(kRows);
    for (std::size_t length = 0; length < stream.size(); ++length) {
        EXPECT_THAT(decode(stream.substr(0, length), 7, 3).error, testing::HasSubstr("cut off")) << length;
    }
}

TEST(CopyDecoder, refuses_what_is_no_binary_copy_and_says_why) {
    const std::string good = encoded(kRows);
    const auto with = [&good](std::size_t at, std::string_view bytes) {
        std::string bad = good;
        return bad.replace(at, bytes.size(), bytes);
    };
    const std::size_t row = kCopyHeader.size();
    const std::pair<std::string, const char*> bad[] = {
        {"COPY"s, "signature"},
        {with(8, "\n"), "signature"},
        {with(11, "\0\1\0\0"s), "OIDs"},
        {with(11, "\x80\0\0\0"s), "flags"},
        {with(15, "\xff\xff\xff\xff"), "header extension"},
        {with(row, "\0\2"s), "2 fields"},
        {with(row, "\xff\xfe"), "-2 fields"},
        {with(row + 2, "\xff\xff\xff\xfe"), "-2 bytes"},
        {with(row + 2, "\x7f\xff\xff\xff"), "more than"},
        {good + "x", "follows its trailer"},
    };
    for (const auto& [stream, why] : bad) {
        for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
            EXPECT_THAT(decode(stream, piece, 3).error, testing::HasSubstr(why)) << piece;
        }
    }
}

TEST(CopyDecoder, takes_unknown_flags_that_are_not_critical) {
    std::string stream = encoded(kRows);
    stream[14] = '\1';
    EXPECT_EQ(decode(stream, 1000, 3).rows, kRows);
}

TEST(CopyDecoder, limits_the_bytes_of_a_row_and_not_only_those_of_a_field) {
    const Row row(3, std::string(40, 'x'));
    EXPECT_EQ(decode(encoded({row}), 1000, 3, 200).error, "");
    EXPECT_THAT(decode(encoded({row}), 1000, 3, 100).error, testing::HasSubstr("more than 100 bytes"));
}

TEST(CopyDecoder, reads_rows_without_columns) {
    EXPECT_EQ(decode(encoded({Row{}, Row{}}), 3, 0).rows.size(), 2u);
}

std::string refusal(const Parameters& row, const std::vector<CopyColumn>& columns) {
    const Result<void> checked = check_copy_row(row.slots(), columns, columns.size());
    return checked ? "" : checked.error().message;
}

template <class T>
std::string refusal(const T& value, std::uint32_t type) {
    Parameters row;
    row.add(value);
    return refusal(row, {{"it", type, "another type"}});
}

TEST(CheckCopyRow, takes_values_of_the_columns_own_types) {
    EXPECT_EQ(refusal(std::int64_t{1}, oid::kInt8), "");
    EXPECT_EQ(refusal(true, oid::kBool), "");
    EXPECT_EQ(refusal(Timestamp{}, oid::kTimestamptz), "");
    EXPECT_EQ(refusal(Json::parse("1"), oid::kJsonb), "");
    EXPECT_EQ(refusal(std::vector<float>{1}, oid::kFloat4Array), "");
    EXPECT_EQ(refusal(Bytes{}, oid::kBytea), "");
}

TEST(CheckCopyRow, refuses_bytes_that_the_server_would_take_for_something_else) {
    EXPECT_THAT(refusal(std::int64_t{1}, oid::kTimestamptz),
                testing::AllOf(testing::HasSubstr("value 1"), testing::HasSubstr("bigint"),
                               testing::HasSubstr("\"it\""), testing::HasSubstr("another type")));
    EXPECT_NE(refusal(1.0, oid::kInt8), "");
    EXPECT_NE(refusal(std::int32_t{1}, oid::kInt8), "");
    EXPECT_NE(refusal("x", oid::kBytea), "");
    EXPECT_NE(refusal("{}", oid::kJsonb), "");
    EXPECT_NE(refusal(Json::parse("1"), oid::kJson), "");
    EXPECT_NE(refusal(Bytes{}, oid::kText), "");
    EXPECT_NE(refusal(Bytes{}, oid::kInt8), "");
    EXPECT_THAT(refusal(1.0, oid::kNumeric), testing::HasSubstr("binary form as Bytes"));
}

TEST(CheckCopyRow, takes_text_for_whatever_is_sent_as_text_and_bytes_for_types_unknown_here) {
    EXPECT_EQ(refusal("x", oid::kVarchar), "");
    EXPECT_EQ(refusal("x", oid::kJson), "");
    EXPECT_EQ(refusal("x", 20000), "");
    EXPECT_EQ(refusal(Bytes{}, 20000), "");
    EXPECT_EQ(refusal(Bytes{}, oid::kNumeric), "");
}

TEST(CheckCopyRow, takes_null_for_any_type) {
    EXPECT_EQ(refusal(std::nullopt, oid::kInt8), "");
    EXPECT_EQ(refusal(std::optional<std::string>(), oid::kInt8), "");
}

TEST(CheckCopyRow, counts_the_values) {
    Parameters row;
    row.add(1);
    row.add(2);
    EXPECT_THAT(refusal(row, {{"it", oid::kInt4, "integer"}}),
                testing::AllOf(testing::HasSubstr("2 values"), testing::HasSubstr("takes 1")));
}

}  // namespace
}  // namespace stele
