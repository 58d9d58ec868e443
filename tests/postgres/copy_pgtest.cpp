// Rows in and out again: every type, many, large, and by who may.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "postgres/copy_fixture.hpp"
#include "support/sanitized.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::Copy;
using test::error_of;
using test::Server;

/// The most memory that this process has held.
std::size_t peak_bytes() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
        std::size_t kib = 0;
        if (word == "VmHWM:" && status >> kib) return kib * 1024;
    }
    throw std::runtime_error("no VmHWM");
}

TEST_F(Copy, brings_rows_of_every_type_in_and_out_again) {
    create(
        "a boolean, b smallint, c integer, d bigint, e real, f double precision, g text, h bytea, i uuid, j "
        "timestamptz, "
        "k jsonb, l bigint[], m real[], n text[], o varchar(9), p json, q numeric");
    const Uuid uuid = *Uuid::parse("01890a5d-ac96-774b-bcce-b302099a8057");
    const Timestamp time{1'700'000'000'123'456us};
    const Bytes three{std::byte{0}, std::byte{1}, std::byte{0}, std::byte{0}, std::byte{0},
                      std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{3}};
    CopyIn in(connection, columns());
    in.add(true, std::int16_t{-2}, 3, std::int64_t{4} << 40, 0.5F, 0.25, "wört", Bytes{std::byte{0}, std::byte{255}},
           uuid, time, Json::parse(R"({"k": 1})"), std::vector<std::int64_t>{5, 6}, std::vector<float>{0.5F},
           std::vector<std::string>{"", "x"}, "var", R"({"raw":1})", three);
    Parameters nulls;
    for (int i = 0; i < 17; ++i) nulls.add(std::nullopt);
    in.add(nulls);
    EXPECT_EQ(in.finish(), 2u);

    CopyOut out(connection, all());
    EXPECT_EQ(out.columns(), 17u);
    EXPECT_EQ(out.column_name(8), "i");
    const auto row = out.next();
    ASSERT_TRUE(row);
    EXPECT_EQ(row->get<bool>("a"), true);
    EXPECT_EQ(row->get<int>("b"), -2);
    EXPECT_EQ(row->get<std::int64_t>("c"), 3);
    EXPECT_EQ(row->get<std::int64_t>("d"), std::int64_t{4} << 40);
    EXPECT_EQ(row->get<float>("e"), 0.5F);
    EXPECT_EQ(row->get<double>("f"), 0.25);
    EXPECT_EQ(row->get<std::string>("g"), "wört");
    EXPECT_EQ(row->get<Bytes>("h"), (Bytes{std::byte{0}, std::byte{255}}));
    EXPECT_EQ(row->get<Uuid>("i"), uuid);
    EXPECT_EQ(row->get<Timestamp>("j"), time);
    EXPECT_EQ(row->get<Json>("k").text(), R"({"k": 1})");
    EXPECT_EQ(row->get<std::vector<std::int64_t>>("l"), (std::vector<std::int64_t>{5, 6}));
    EXPECT_EQ(row->get<std::vector<float>>("m"), std::vector<float>{0.5F});
    EXPECT_EQ(row->get<std::vector<std::string>>("n"), (std::vector<std::string>{"", "x"}));
    EXPECT_EQ(row->get<std::string>("o"), "var");
    EXPECT_EQ(row->get<std::string>("p"), R"({"raw":1})");
    EXPECT_EQ(row->get<double>("q"), 3.0);
    EXPECT_THAT(row->raw(16), testing::ElementsAreArray(three));
    EXPECT_EQ(error_of([&] { row->get<int>("g"); }).code, ErrorCode::type_mismatch);
    EXPECT_EQ(error_of([&] { row->get<int>("none"); }).code, ErrorCode::not_found);
    EXPECT_EQ(error_of([&] { row->get<int>(17); }).code, ErrorCode::not_found);

    const auto second = out.next();
    ASSERT_TRUE(second);
    for (std::size_t i = 0; i < second->columns(); ++i) EXPECT_FALSE(second->find<std::string>(i)) << i;
    EXPECT_EQ(error_of([&] { second->get<int>("b"); }).code, ErrorCode::not_found);
    EXPECT_FALSE(out.next());
    EXPECT_FALSE(out.next());
    EXPECT_EQ(out.rows(), 2u);
    EXPECT_EQ(count(connection), 2);
}

TEST_F(Copy, takes_many_rows_in_bounded_memory_both_ways) {
    create("id bigint, body bytea");
    constexpr std::int64_t kRows = 30'000;
    const Bytes body(3072, std::byte{7});  // 92 MB in all
    const std::size_t before = peak_bytes();
    std::size_t most = 0;
    CopyIn in(connection, columns());
    for (std::int64_t i = 0; i < kRows; ++i) {
        in.add(i, body);
        most = std::max(most, in.buffered_bytes());
    }
    EXPECT_EQ(in.finish(), static_cast<std::uint64_t>(kRows));
    EXPECT_GT(most, CopyIn::kBufferBytes / 2);
    EXPECT_LE(most, CopyIn::kBufferBytes);

    CopyOut out(connection, Sql("SELECT * FROM " + quoted + " ORDER BY id"));
    std::int64_t next = 0;
    while (const auto row = out.next()) {
        ASSERT_EQ(row->get<std::int64_t>(0), next++);
        ASSERT_EQ(row->raw(1).size(), body.size());
    }
    EXPECT_EQ(next, kRows);
    if (!test::kSanitized) {  // a sanitizer keeps what was freed
        EXPECT_LT(peak_bytes() - before, std::size_t{4} << 20);
    }
}

TEST_F(Copy, takes_a_row_that_is_larger_than_all_buffers) {
    create("a bytea, b text");
    const Bytes large(20'000'000, std::byte{9});
    CopyIn in(connection, columns());
    in.add(large, "after");
    in.add(std::nullopt, "small");
    EXPECT_LE(in.buffered_bytes(), CopyIn::kBufferBytes);
    EXPECT_EQ(in.finish(), 2u);
    CopyOut out(connection, columns());
    EXPECT_EQ(out.next()->get<Bytes>("a"), large);
    EXPECT_EQ(out.next()->get<std::string>("b"), "small");
    EXPECT_FALSE(out.next());
}

TEST(CopyByARole, that_may_only_insert_can_copy_in) {
    Server server;
    Database database = server.open();
    const std::string role = server.schema() + "_writer";
    database.execute(Statement(Sql("CREATE TABLE " + server.schema() +
                                   ".log (at timestamptz, line text, size integer "
                                   "GENERATED ALWAYS AS (length(line)) STORED)")));
    database.execute(Statement(Sql("CREATE ROLE " + role)));
    database.execute(Statement(Sql("GRANT USAGE ON SCHEMA " + server.schema() + " TO " + role)));
    database.execute(Statement(Sql("GRANT INSERT ON " + server.schema() + ".log TO " + role)));
    {
        Connection connection = database.connect();
        connection.execute(Statement(Sql("SET ROLE " + role)));
        CopyIn in(connection, CopyTable{"log", {}, server.schema()});
        in.add(Timestamp{}, "line");
        EXPECT_EQ(in.finish(), 1u);
        EXPECT_EQ(error_of([&] { CopyOut out(connection, CopyTable{"log", {}, server.schema()}); }).code,
                  ErrorCode::permission);
    }
    Connection owner = database.connect();
    CopyOut out(owner, CopyTable{"log", {"size"}, server.schema()});
    EXPECT_EQ(out.next()->get<int>("size"), 4);
    EXPECT_FALSE(out.next());
    database.execute(Statement(Sql("DROP OWNED BY " + role)));
    database.execute(Statement(Sql("DROP ROLE " + role)));
}

}  // namespace
}  // namespace stele
