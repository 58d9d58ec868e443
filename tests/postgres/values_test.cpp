// Values on their way to the server and back, without one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "postgres/oids.hpp"
#include "support/fake_rows.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::fake_rows;

Row row_of(const std::string& column, Oid type, test::FakeValue value, bool binary = true) {
    return fake_rows({{column, type, binary}}, {{std::move(value)}})[0];
}

// What the server would send back for a parameter: its binary form is the same in both directions.
template <class T>
Row echoed(const T& value, Oid type) {
    Parameters parameters;
    parameters.add(value);
    return row_of("value", type, parameters.bytes());
}

TEST(Values, every_type_survives_the_way_to_the_server_and_back) {
    EXPECT_EQ(echoed(true, oid::kBool).get<bool>(0), true);
    EXPECT_EQ(echoed(std::int16_t{-3}, oid::kInt2).get<std::int16_t>(0), -3);
    EXPECT_EQ(echoed(std::int32_t{1} << 30, oid::kInt4).get<std::int32_t>(0), 1 << 30);
    EXPECT_EQ(echoed(std::int64_t{-5} << 40, oid::kInt8).get<std::int64_t>(0), std::int64_t{-5} << 40);
    EXPECT_EQ(echoed(1.5f, oid::kFloat4).get<float>(0), 1.5f);
    EXPECT_EQ(echoed(-0.1, oid::kFloat8).get<double>(0), -0.1);
    EXPECT_EQ(echoed(std::string("héllo"), oid::kText).get<std::string>(0), "héllo");
    EXPECT_EQ(echoed(Bytes{std::byte{0}, std::byte{255}}, oid::kBytea).get<Bytes>(0),
              (Bytes{std::byte{0}, std::byte{255}}));
    const Uuid id = Uuid::v7();
    EXPECT_EQ(echoed(id, oid::kUuid).get<Uuid>(0), id);
    const Timestamp time{std::chrono::microseconds(1'700'000'000'123'456)};
    EXPECT_EQ(echoed(time, oid::kTimestamptz).get<Timestamp>(0), time);
    EXPECT_EQ(echoed(Json::parse(R"({"a":[1]})"), oid::kJsonb).get<Json>(0).text(), R"({"a":[1]})");
    EXPECT_EQ(echoed(std::vector<std::int64_t>{1, -2}, oid::kInt8Array).get<std::vector<std::int64_t>>(0),
              (std::vector<std::int64_t>{1, -2}));
    EXPECT_EQ(echoed(std::vector<float>{}, oid::kFloat4Array).get<std::vector<float>>(0), std::vector<float>{});
    EXPECT_EQ(echoed(std::vector<std::string>{"a", ""}, oid::kTextArray).get<std::vector<std::string>>(0),
              (std::vector<std::string>{"a", ""}));
}

TEST(Values, text_that_postgresql_cannot_store_is_refused_with_its_parameter) {
    EXPECT_THAT(error_of([] { Statement("SELECT $1, $2", 1, std::string_view("a\0b", 3)); }).message,
                testing::AllOf(testing::HasSubstr("parameter $2"), testing::HasSubstr("byte 1")));
    EXPECT_EQ(error_of([] { Statement("SELECT $1", "\xff"); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([] { Statement("SELECT $1", std::vector<std::string>{"fine", "\xc3"}); }).code,
              ErrorCode::invalid_argument);
}

TEST(Values, draive_008_null_and_a_missing_column_both_give_the_default) {
    const Row row = row_of("value", oid::kInt4, std::nullopt);
    EXPECT_EQ(row.get<int>("value", 7), 7);
    EXPECT_EQ(row.get<int>("other", 7), 7);
    EXPECT_FALSE(row.find<int>("value"));
    EXPECT_FALSE(row.find<int>("other"));
    EXPECT_THAT(error_of([&] { row.get<int>("value"); }).message, testing::HasSubstr("'value' is NULL"));
    EXPECT_THAT(error_of([&] { row.get<int>("other"); }).message, testing::HasSubstr("no column 'other'"));
    EXPECT_EQ(error_of([&] { row.get<int>(5); }).code, ErrorCode::not_found);
}

TEST(Values, draive_009_a_wrong_type_is_an_error_that_names_column_and_type) {
    const Row row = row_of("flag", oid::kBool, std::string(1, '\1'));
    const ErrorInfo error = error_of([&] { row.get<std::int64_t>("flag"); });
    EXPECT_EQ(error.code, ErrorCode::type_mismatch);
    EXPECT_THAT(error.message, testing::AllOf(testing::HasSubstr("'flag'"), testing::HasSubstr("int64_t")));
    EXPECT_EQ(error_of([&] { row.get<std::string>("flag"); }).code, ErrorCode::type_mismatch);
    EXPECT_EQ(error_of([] { echoed(std::int64_t{70'000}, oid::kInt8).get<std::int16_t>(0); }).code,
              ErrorCode::type_mismatch);
}

TEST(Values, draive_009_uuid_and_time_are_read_from_text_too) {
    const std::string text = "0190c7a0-0000-7000-8000-00000000002a";
    EXPECT_EQ(row_of("id", oid::kText, text).get<Uuid>(0).to_string(), text);
    const Timestamp noon{std::chrono::sys_days{std::chrono::year{2024} / 2 / 29} + 12h};
    for (const char* written : {"2024-02-29T12:00:00+00:00", "2024-02-29 12:00:00Z", "2024-02-29T14:30:00.000000+02:30",
                                "2024-02-29 12:00:00+00"}) {
        EXPECT_EQ(row_of("at", oid::kText, written).get<Timestamp>(0), noon) << written;
    }
    EXPECT_EQ(row_of("at", oid::kText, "2024-02-29T12:00:00.25Z").get<Timestamp>(0), noon + 250ms);
    for (const char* written :
         {"yesterday", "2024-02-30T12:00:00Z", "2024-02-29T12:00:00 or so", "2024-02-29", "2024-02-29 12:00:00"}) {
        EXPECT_EQ(error_of([&] { row_of("at", oid::kText, written).get<Timestamp>(0); }).code, ErrorCode::type_mismatch)
            << written;
    }
}

TEST(Values, malformed_arrays_are_refused_and_never_read_beyond_their_end) {
    Parameters parameters;
    parameters.add(std::vector<std::string>{"one", "two"});
    const std::string whole = parameters.bytes();
    for (std::size_t length = 0; length < whole.size(); ++length) {
        // a copy of exactly this length, so that reading on is seen by the sanitizers
        const Row row = row_of("list", oid::kTextArray, whole.substr(0, length));
        EXPECT_EQ(error_of([&] { row.get<std::vector<std::string>>("list"); }).code, ErrorCode::type_mismatch)
            << length;
    }
}

TEST(Values, beyond_what_a_statement_can_carry_are_refused_before_it_is_sent) {
    Parameters parameters;
    for (int i = 0; i < 65'535; ++i) parameters.add(true);
    EXPECT_EQ(error_of([&] { parameters.add(true); }).code, ErrorCode::limit_exceeded);
    EXPECT_EQ(error_of([&] { parameters.add(std::nullopt); }).code, ErrorCode::limit_exceeded);
    EXPECT_EQ(error_of([&] { parameters.add("x"); }).retry, Retry::no);
    EXPECT_EQ(parameters.slots().size(), 65'535U);
}

}  // namespace
}  // namespace stele
